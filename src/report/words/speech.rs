//! What a terminal, Markdown and the workbook say of a plan, a run, an audit or an order, once per language.
//!
//! In English the codes of the files stand for themselves; in Bahasa Indonesia a word stands before its code, `Cocok
//! (matched)`, for whoever looks for it in a file.

use std::time::Duration;

use super::{speech_en, speech_id};
use crate::journal::cause::Cause;
use crate::journal::history::{Overridden, PlanUse};
use crate::journal::log::Entry;
use crate::journal::record::NewRow;
use crate::journal::state::State;
use crate::model::language::Language;
use crate::model::money::{Rupiah, Tally};
use crate::model::status::BookStatus;
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;
use crate::plan::eta::Eta;
use crate::plan::guard::Reading;
use crate::plan::phrase::Phrase;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::reason::{Ageing, Key, Reason};
use crate::reconcile::total::Identity;
use crate::report::action::Action;
use crate::report::limits::LimitsSeen;

/// What is counted in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Orders.
    Orders,
    /// Rows of an input.
    Rows,
    /// Items of the journal.
    Items,
    /// Lines of a log, where that is clear.
    Lines,
    /// Lines of a log.
    LogLines,
    /// Runs that are not in a table.
    OlderRuns,
}

/// What the last lines say first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All is well.
    Done,
    /// So much is in doubt.
    InDoubt(Tally),
    /// The run has not come to its end.
    Stopped,
    /// A person must look.
    Look,
}

/// What is to be run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The job that sent it.
    TheSender,
    /// The saved plan.
    ThePlan,
    /// The job.
    TheJob,
}

/// Where a person must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// At rows that are refused or held, in results.csv.
    Results,
    /// At orders that do not match, in reconciliation.csv.
    Verdicts,
    /// At lines of the logs, in unmatched.csv.
    Strays,
    /// At what is to be done, in actions.csv.
    Actions,
}

/// The words of one language.
#[derive(Debug)]
pub struct Speech {
    /// A number of things.
    pub count: fn(u64) -> String,
    /// A time.
    pub time: fn(Timestamp) -> String,
    /// A business day.
    pub date: fn(&str) -> String,
    /// So many of them.
    pub counted: fn(u64, Unit) -> String,
    /// An operation, or an audit.
    pub operation: fn(&str) -> &str,

    /// In the title of a plan.
    pub plan: &'static str,
    /// In the title of a run, before its name.
    pub run: &'static str,
    /// Headings of tables.
    pub disposition: &'static str,
    /// Rows, as a heading.
    pub rows: &'static str,
    /// Orders, as a heading.
    pub orders: &'static str,
    /// Lines of a log, as a heading.
    pub lines: &'static str,
    /// Money, as a heading.
    pub rupiah: &'static str,
    /// The last line of a table.
    pub total: &'static str,
    /// The headings over guards: the guard, its limit, the plan, what is left.
    pub guards: [&'static str; 4],
    /// The guard holds.
    pub ok: &'static str,
    /// It holds, for it has held rows back.
    pub held_back: &'static str,
    /// It does not hold.
    pub broken: &'static str,
    /// The dispositions: send, skip, held, invalid.
    pub dispositions: [&'static str; 4],
    /// What is said of a guard.
    pub phrase: fn(&Phrase) -> String,
    /// How long the calls take.
    pub eta: fn(&Eta) -> String,
    /// Why they will not come to their end now.
    pub trouble: fn(&Eta, Timestamp) -> Option<String>,
    /// Rows that are skipped because they are in doubt.
    pub left_open: fn(Tally) -> String,
    /// A plan that may be run, and one that may not: because of these guards, or of the input.
    pub may_run: &'static str,
    /// See `may_run`.
    pub may_not_run: fn(&[&str]) -> String,

    /// A guard that is broken: which, what the plan has, what is allowed.
    pub broken_guard: fn(&Reading) -> String,
    /// What to do about it, with the flags that loosen it, if there are any.
    pub guard_hint: fn(&str) -> String,
    /// So much is in doubt while a run cannot start; takes the command that settles it, if there is one.
    pub doubt_meanwhile: fn(Tally, &str) -> String,

    /// States, as a heading.
    pub state: &'static str,
    /// States as they are now.
    pub state_now: &'static str,
    /// States of an audit.
    pub our_runs: &'static str,
    /// In an audit: no run of ours has touched it.
    pub nothing: &'static str,
    /// Verdicts, as a heading.
    pub verdict: &'static str,
    /// Log lines that prove nothing, as a heading.
    pub strays: &'static str,
    /// Where a row ended.
    pub state_name: fn(DoneState) -> String,
    /// The state of an item.
    pub item_state: fn(State) -> String,
    /// The conclusion about an order.
    pub verdict_name: fn(Verdict) -> String,
    /// What `not_sent` is in an audit, which sends nothing.
    pub not_judged_name: &'static str,
    /// Of an audit's orders so many, of so many, were not judged, and why.
    pub left_out: fn(Reason, u64, u64) -> String,
    /// An audit has judged no order.
    pub judged_nothing: &'static str,
    /// Why a line proves nothing.
    pub line_name: fn(UnmatchedReason) -> String,
    /// What to do about an order.
    pub action_name: fn(Action) -> String,
    /// What the book says.
    pub book_name: fn(BookStatus) -> String,
    /// Why an order has its verdict.
    pub reason: fn(Reason, Option<Ageing>, Option<Key>) -> String,
    /// The closing identity.
    pub identity: fn(&Identity) -> String,
    /// The business days of an audit: the first, the last, and as of when.
    pub business_days: fn(&str, &str, &str) -> String,
    /// The time that an audit of every day is about.
    pub as_of: fn(&str) -> String,
    /// Lines of the logs, and how many are signed.
    pub log: fn(u64, u64) -> String,
    /// What runs have done to orders that an audit does not have: so many per state, over so much as is known.
    pub done_elsewhere: fn(&str, Rupiah) -> String,
    /// How fast the run was.
    pub pace: fn(&LimitsSeen) -> Option<String>,
    /// The saved plan that was executed.
    pub plan_used: fn(&PlanUse) -> String,
    /// A guard that was loosened.
    pub overridden: fn(&Overridden) -> String,
    /// A verdict that reaches a limit of the job's own.
    pub warning: &'static str,
    /// The same, of an error.
    pub error: &'static str,
    /// Of so many orders over so much, the oldest so old.
    pub severity: fn(Verdict, Tally, Option<Duration>) -> String,
    /// Where the files are.
    pub files: &'static str,

    /// Why it stopped.
    pub stopped: fn(&Cause) -> String,
    /// The cause alone.
    pub because: fn(&Cause) -> String,
    /// The same in one short word.
    pub cause: fn(&Cause) -> &str,
    /// How it ended.
    pub ended: fn(Ended) -> String,
    /// What the program exits with.
    pub exit_code: fn(u8) -> String,
    /// Items of earlier runs, named, and so many more.
    pub of_earlier_runs: fn(u64, &str, u64) -> String,
    /// Orders in doubt that an audit does not judge, named, and so many more.
    pub not_judged: fn(u64, &str, u64) -> String,
    /// How doubts are settled: what is run again, with which command.
    pub settles: fn(Again, &str) -> String,
    /// An order in doubt with the amount that DOKU's answer names, and ours.
    pub other_amount: fn(&str, Rupiah, Rupiah) -> String,
    /// So many of them, named, and so many more.
    pub other_amounts: fn(u64, &str, u64) -> String,
    /// Where the column of the amounts is named; takes what to run once it is corrected.
    pub wrong_column: fn(&str, &str) -> String,
    /// What becomes of them: how long they are settled by the same key, and the command that hands them over to a person.
    pub answered_for_good: fn(&str, &str) -> String,
    /// The other way, by a command.
    pub resolving: fn(&str) -> String,
    /// Where they can be looked at.
    pub which_ones: fn(&str) -> String,
    /// Where they are of which only results of another journal tell: a file that has their verdicts, if any have one.
    pub of_another_journal: fn(Option<&str>) -> String,
    /// What only a person decides: an invoice, the operation, and where.
    pub for_a_person: fn(&str, &str, &str) -> String,
    /// How to go on after a stop.
    pub go_on: fn(Again, &str) -> String,
    /// Where to look.
    pub look_at: fn(&[Look]) -> String,
    /// So many rows were refused for the key, so many of which are not named; the command that has them sent again.
    pub reopening: fn(u64, u64, &str) -> String,
    /// Why somebody must look.
    pub because_of: fn(&[String]) -> String,
    /// So many orders have a verdict.
    pub orders_that: fn(u64, &str) -> String,
    /// Refused rows, where nothing else is the cause.
    pub refused_rows: &'static str,
    /// Other jobs that are to be run again.
    pub other_jobs: fn(&str) -> String,

    /// What was in doubt before, and how it was settled, and what is in doubt now.
    pub doubt_before: fn(Tally) -> String,
    /// See `doubt_before`.
    pub settled_as: fn(&str, Tally) -> String,
    /// See `doubt_before`.
    pub doubt_now: fn(Tally) -> String,
    /// Money in doubt, in items.
    pub items_in_doubt: fn(Tally) -> String,
    /// What to type after `resolve` with doubts.
    pub which_and_what: fn(&str) -> String,
    /// What to type after `resolve` without: takes the command that sends.
    pub nothing_new: fn(&str) -> String,

    /// The headings of the list of runs.
    pub runs: [&'static str; 6],
    /// How a run ended, by its exit code, and one that runs, and one that was cut off.
    pub ended_with: fn(u8) -> &'static str,
    /// See `ended_with`.
    pub running: &'static str,
    /// See `ended_with`.
    pub cut_off: &'static str,
    /// There is no run.
    pub no_runs: &'static str,
    /// Runs that are only counted.
    pub older_runs: fn(u64) -> String,
    /// The journal, before its path.
    pub journal: &'static str,
    /// Nothing is in doubt.
    pub no_doubt: &'static str,
    /// So many more.
    pub and_more: fn(u64) -> String,
    /// What to type about doubts; takes the flag that names the journal.
    pub doubt_hints: fn(&str) -> String,
    /// Whose all of them are.
    pub all_of_job: fn(&str) -> String,
    /// The headings of the table of doubts.
    pub doubts: [&'static str; 6],
    /// When a run started.
    pub started: fn(&str) -> String,
    /// When it finished, and how.
    pub finished: fn(&str, &str) -> String,
    /// It did not: how, and when its last request left.
    pub not_finished: fn(&str, Option<&str>) -> String,

    /// The headings of a chain of evidence.
    pub chain: [&'static str; 2],
    /// No request was made for an invoice.
    pub no_request: &'static str,
    /// The state, the job and the run, and the request id of an item.
    pub item: fn(&str, &str, &str, &str) -> String,
    /// Why an item is in its state, behind it.
    pub state_reason: fn(&str) -> String,
    /// By whom an item was ruled.
    pub ruled_by: fn(&str) -> String,
    /// How manieth life of an order.
    pub generation: fn(u16) -> String,
    /// A row that names the invoice: the operation, the run, the row with what was to become of it.
    pub mentioned: fn(&str, &str, &NewRow) -> String,
    /// Why a row is what it is, as the journal has it.
    pub row_reason: fn(&str) -> String,
    /// A plan, a notification: what a link is.
    pub planned: &'static str,
    /// See `planned`.
    pub notified: &'static str,
    /// What DOKU said, over how much, and where it stands.
    pub said_over: fn(&str, Rupiah, &str) -> String,
    /// What an entry of the log is.
    pub kind: fn(&Entry) -> &'static str,
    /// An entry in words; of a request, the how manieth it is.
    pub entry: fn(&Entry, u32) -> String,
    /// The state of rows whose answers a runner waits for.
    pub under_way: &'static str,
    /// What is known of the money: in doubt, nothing done yet, known.
    pub known: [&'static str; 3],
    /// The verdict with its reason.
    pub concluded: fn(Verdict, &str) -> String,
    /// There is no verdict, and why.
    pub no_verdict: fn(&str) -> String,
    /// How to get one.
    pub name_the_job: &'static str,

    /// The headings over orders in Markdown: invoice, amount, verdict, reason.
    pub break_headings: [&'static str; 4],
    /// A row without an invoice.
    pub row: fn(u64) -> String,
    /// So many more orders are in a file.
    pub more_orders: fn(u64, &str) -> String,
    /// Where the files are: the folder, and their names.
    pub files_in: fn(&str, &str) -> String,
    /// Money is in doubt, before how much.
    pub money_in_doubt: &'static str,
    /// Nothing is in doubt, as a sentence.
    pub no_doubt_sentence: &'static str,
}

impl Speech {
    /// The words of a language.
    #[must_use]
    pub const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &speech_en::SPEECH,
            Language::Indonesian => &speech_id::SPEECH,
        }
    }

    /// The words of the title of a plan, a run or an audit.
    #[must_use]
    pub fn title(&self, job: &str, operation: &str, environment: &str, what: &str) -> String {
        format!("{job} · {} · {environment} · {what}", (self.operation)(operation))
    }

    /// The conclusion about an order of an audit.
    #[must_use]
    pub fn audited(&self, verdict: Verdict) -> String {
        if verdict == Verdict::NotSent { self.not_judged_name.to_owned() } else { (self.verdict_name)(verdict) }
    }

    /// The guards that were loosened, a line each.
    #[must_use]
    pub fn overrides(&self, overrides: &[Overridden]) -> String {
        overrides.iter().map(self.overridden).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_bahasa_indonesia_a_word_stands_before_its_code_and_in_english_the_code_is_the_word() {
        let (english, indonesian) = (Speech::of(Language::English), Speech::of(Language::Indonesian));
        let told = |name: String, word: String, code: &str| {
            assert_eq!(name, code);
            assert!(word.ends_with(&format!(" ({code})")) && word.len() > code.len() + 4, "{word}");
        };
        for one in State::ALL {
            told((english.item_state)(one), (indonesian.item_state)(one), one.word());
        }
        for one in DoneState::ALL {
            told((english.state_name)(one), (indonesian.state_name)(one), one.word());
        }
        for one in Verdict::ALL {
            told((english.verdict_name)(one), (indonesian.verdict_name)(one), one.word());
        }
        for one in UnmatchedReason::ALL {
            told((english.line_name)(one), (indonesian.line_name)(one), one.word());
        }
        for one in Action::ALL {
            told((english.action_name)(one), (indonesian.action_name)(one), one.word());
        }
    }
}
