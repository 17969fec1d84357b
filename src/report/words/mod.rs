//! The words of everything that people read, once per language. A [`Words`] without one of them does not compile, and the
//! words of our enums are matches: a new state or verdict asks for its translation.
//!
//! What machines read (CSV, JSON, the journal) keeps the words of `DESIGN`, whatever the language.

pub mod both;
mod cause;
mod en;
mod entry;
mod id;
pub mod inputs;
pub mod progress;
pub mod saved;
pub mod sheets;
pub mod speech;
mod speech_en;
mod speech_id;

use std::time::Duration;

use crate::journal::cause::Cause;
use crate::model::language::Language;
use crate::model::operation::Operation;
use crate::model::status::BookStatus;
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::reason::{Ageing, Key, Reason};
use crate::report::action::Action;
use crate::report::pictures::Start;

/// All words of one language. Where a field is a function it takes numbers and names that are in the reader's form already.
#[derive(Debug)]
pub struct Words {
    /// Rows as in `12 rows`.
    pub rows: &'static str,
    /// Orders as in `12 orders`.
    pub orders: &'static str,
    /// Lines of a log.
    pub lines: &'static str,
    /// Requests on the wire.
    pub requests: &'static str,
    /// Days.
    pub days: &'static str,
    /// The heading over sums of money.
    pub rupiah: &'static str,
    /// The heading over parts of a whole.
    pub share: &'static str,
    /// The last line of a table.
    pub total: &'static str,

    /// What a command did: `Refund`.
    pub operation: fn(Operation) -> &'static str,
    /// A comparison of the books with DOKU's notifications.
    pub audit: &'static str,
    /// One execution of a job.
    pub run: &'static str,
    /// When it started.
    pub started: &'static str,
    /// The time that an audit is about.
    pub as_of: &'static str,
    /// When it ended.
    pub finished: &'static str,
    /// The number that the program ended with.
    pub exit_code: &'static str,
    /// What that number means.
    pub exit: fn(u8) -> &'static str,

    /// The heading over money of which nobody knows whether it moved.
    pub money_in_doubt: &'static str,
    /// So many rows over so much, and what to do.
    pub in_doubt: fn(&str, &str) -> String,
    /// Of these, so many are not in this input.
    pub in_doubt_earlier: fn(&str, &str) -> String,
    /// The same of an audit: so many it does not judge.
    pub in_doubt_not_judged: fn(&str, &str) -> String,
    /// What to do about money in doubt, of a run.
    pub doubt_remedy: &'static str,
    /// The same, of an audit.
    pub doubt_remedy_audit: &'static str,
    /// The same, where only a person can settle it.
    pub doubt_remedy_person: &'static str,
    /// Nothing is in doubt.
    pub no_doubt: &'static str,
    /// The run did not come to its end.
    pub stopped: &'static str,
    /// Why.
    pub stopped_because: fn(&Cause) -> String,
    /// What to do then.
    pub stopped_remedy: &'static str,
    /// It came to its end, and a person must look.
    pub look: &'static str,
    /// It came to its end, and all is well.
    pub fine: &'static str,
    /// The same of an audit that has judged a part of its orders only.
    pub fine_in_part: &'static str,
    /// The same of one that has judged none.
    pub judged_nothing: &'static str,
    /// Of an audit's orders so many, of so many, were not judged, and why: without a stop.
    pub left_out: fn(Reason, &str, &str) -> String,

    /// The heading of the first paragraph.
    pub what_happened: &'static str,
    /// So many rows over so much went in.
    pub went_in: fn(&str, &str) -> String,
    /// A guard was loosened: which, from what to what, by whom, why.
    pub overridden: fn(&str, &str, &str, &str, &str) -> String,
    /// A saved plan was executed: which, made by whom.
    pub plan: fn(&str, &str) -> String,
    /// Who approved it.
    pub approved_by: &'static str,
    /// The business days of an audit.
    pub period: fn(&str, &str) -> String,
    /// Lines of the logs, and how many DOKU signed.
    pub log: fn(&str, &str) -> String,
    /// What went in came out.
    pub identity_holds: fn(&str) -> String,
    /// It did not: in, over the states, over the verdicts.
    pub identity_broken: fn(&str, &str, &str) -> String,
    /// Rows that repeat an order.
    pub repeated: fn(&str) -> String,

    /// The heading over what to do.
    pub what_next: &'static str,
    /// The heading over names of actions.
    pub action: &'static str,
    /// What to do about an order, in two words.
    pub action_name: fn(Action) -> &'static str,
    /// How it is done.
    pub action_how: fn(Action) -> &'static str,
    /// Where all of them are: a file's name follows.
    pub actions_in: &'static str,

    /// The heading over rows per state.
    pub by_state: &'static str,
    /// The same in an audit.
    pub by_state_audit: &'static str,
    /// The heading over states.
    pub state: &'static str,
    /// Where a row ended.
    pub state_name: fn(DoneState) -> &'static str,
    /// In an audit: no run of ours has touched it.
    pub untouched: &'static str,
    /// The heading over orders per verdict.
    pub by_verdict: &'static str,
    /// The heading over verdicts.
    pub verdict: &'static str,
    /// The conclusion about an order.
    pub verdict_name: fn(Verdict) -> &'static str,
    /// What `not_sent` is in an audit, which sends nothing.
    pub not_judged: &'static str,
    /// Shares are of the orders that were judged: so many.
    pub shares_of_judged: fn(&str) -> String,
    /// The heading over lines of logs that prove nothing.
    pub by_line: &'static str,
    /// Why a line proves nothing.
    pub line_name: fn(UnmatchedReason) -> &'static str,
    /// The heading over reasons.
    pub reason: &'static str,
    /// Why an order has its verdict.
    pub reason_text: fn(Reason) -> String,
    /// By what a notification was tied to it; nothing where that is the usual.
    pub key: fn(Key) -> &'static str,

    /// The heading of the flow of a run.
    pub flow: &'static str,
    /// The same of an audit.
    pub flow_audit: &'static str,
    /// What it shows.
    pub flow_text: &'static str,
    /// The same of an audit.
    pub flow_text_audit: &'static str,
    /// Where a band begins.
    pub start: fn(Start) -> &'static str,
    /// The heading over where bands begin.
    pub from: &'static str,
    /// The heading over where bands end.
    pub to: &'static str,
    /// The heading over orders that wait for proof.
    pub ageing: &'static str,
    /// What it shows.
    pub ageing_text: &'static str,
    /// The heading over ages.
    pub age: &'static str,
    /// How long an order has waited.
    pub ageing_name: fn(Ageing) -> &'static str,
    /// The heading over business days.
    pub per_day: &'static str,
    /// What it shows.
    pub per_day_text: &'static str,
    /// Only the last so many days of so many are drawn.
    pub last_days: fn(&str, &str) -> String,
    /// Only the days of an audit's period are drawn.
    pub days_of_period: &'static str,
    /// Orders of which nothing says the day.
    pub without_day: &'static str,
    /// The heading over days.
    pub day: &'static str,
    /// Orders that are as they should be.
    pub agrees: &'static str,
    /// Orders that wait, or were not sent.
    pub open: &'static str,
    /// The same in an audit, which sends nothing.
    pub open_audit: &'static str,
    /// Orders that a person must look at.
    pub needs_person: &'static str,
    /// The heading over how long answers took.
    pub latency: &'static str,
    /// What it shows: how many answers, the middle one, the slowest.
    pub latency_text: fn(&str, &str, &str) -> String,
    /// No answer has come.
    pub no_answer: &'static str,
    /// The heading over requests in time.
    pub rate: &'static str,
    /// What it shows: each column is so long, the most in one.
    pub rate_text: fn(&str, &str) -> String,
    /// The heading over times.
    pub time: &'static str,
    /// `2 s`, `5 min`: a number, and the unit of seconds.
    pub seconds: &'static str,
    /// The unit of minutes.
    pub minutes: &'static str,
    /// The unit of hours.
    pub hours: &'static str,
    /// Opens the figures behind a chart.
    pub figures: &'static str,

    /// The heading over the orders that need a person.
    pub breaks: &'static str,
    /// There is none.
    pub no_breaks: &'static str,
    /// So many of so many are here, the others are in a file whose name follows.
    pub shown: fn(&str, &str) -> String,
    /// The others are in no file, for none was asked for.
    pub shown_no_file: fn(&str, &str) -> String,
    /// Above the rows that are left after filtering: the script puts the number where {} stands.
    pub left: &'static str,
    /// Looks for a text.
    pub search: &'static str,
    /// All verdicts, states or actions.
    pub all: &'static str,
    /// Shows all rows again.
    pub reset: &'static str,
    /// How to sort without a mouse.
    pub sort_hint: &'static str,
    /// The page works without its script, but does not filter.
    pub no_script: &'static str,
    /// The heading over invoice numbers.
    pub invoice: &'static str,
    /// The heading over amounts.
    pub amount: &'static str,
    /// The heading over DOKU's amounts.
    pub doku_amount: &'static str,
    /// The heading over differences.
    pub difference: &'static str,
    /// The heading over what the book says.
    pub book: &'static str,
    /// The heading over what DOKU says.
    pub doku: &'static str,
    /// What the book says.
    pub book_name: fn(BookStatus) -> &'static str,
    /// So many hours, as an age.
    pub hours_old: fn(&str) -> String,
    /// The row of the input, opened on demand.
    pub input_row: &'static str,
    /// So the row is named that has no invoice.
    pub row: fn(&str) -> String,

    /// Opens the words of the page beside the codes in the files.
    pub codes: &'static str,
    /// The heading over files.
    pub files: &'static str,
    /// The link to rows that are not in the page.
    pub in_file: &'static str,
    /// Customers' data are masked.
    pub masked: &'static str,
    /// They are not: who asked for it, when.
    pub revealed: fn(&str, &str) -> String,
    /// The page shows no customers' data at all.
    pub nothing_personal: &'static str,
    /// What has made the page, and what it needs.
    pub made_by: &'static str,
    /// The journal when the page was made: entries, the first of the hash.
    pub journal: fn(&str, &str) -> String,
    /// Skips to the orders that need a person.
    pub skip: &'static str,
}

impl Words {
    /// The words of a language.
    #[must_use]
    pub const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &en::WORDS,
            Language::Indonesian => &id::WORDS,
        }
    }

    /// Why a run stopped, in the language of documents for machines.
    #[must_use]
    pub fn cause_in_english(cause: &Cause) -> String {
        cause::english(cause)
    }

    /// So many of them as a phrase: `1 order`, `2 orders`. Bahasa Indonesia has one form.
    #[must_use]
    pub fn counted(&self, language: Language, number: u64, plural: &'static str) -> String {
        let word = match (language, number) {
            (Language::English, 1) => plural.strip_suffix('s').unwrap_or(plural),
            (Language::English | Language::Indonesian, _) => plural,
        };
        format!("{} {word}", language.count(number))
    }
}

/// An age as a person would say it: in whole minutes, hours or days.
#[must_use]
pub fn rounded(age: Duration, [minutes, hours, days]: [&str; 3]) -> String {
    match age.as_secs() / 60 {
        number if number < 60 => format!("{number}{minutes}"),
        number if number < 48 * 60 => format!("{}{hours}", number / 60),
        number => format!("{}{days}", number / (24 * 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_words_of_one_list_are_told_apart_in_both_languages() {
        for language in [Language::English, Language::Indonesian] {
            let words = Words::of(language);
            let told_apart = |list: Vec<String>| {
                assert!(list.iter().all(|word| !word.is_empty()), "{language:?}: {list:?}");
                assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), list.len(), "{language:?}: {list:?}");
            };
            told_apart(Verdict::ALL.map(|verdict| (words.verdict_name)(verdict).to_owned()).to_vec());
            told_apart(DoneState::ALL.map(|state| (words.state_name)(state).to_owned()).to_vec());
            told_apart(UnmatchedReason::ALL.map(|reason| (words.line_name)(reason).to_owned()).to_vec());
            told_apart(Ageing::ALL.map(|ageing| (words.ageing_name)(ageing).to_owned()).to_vec());
            told_apart(Action::ALL.map(|action| (words.action_name)(action).to_owned()).to_vec());
            told_apart(Action::ALL.map(|action| (words.action_how)(action).to_owned()).to_vec());
            told_apart(BookStatus::ALL.map(|book| (words.book_name)(book).to_owned()).to_vec());
            told_apart(Reason::all().into_iter().map(|reason| (words.reason_text)(reason)).collect());
        }
    }

    #[test]
    fn one_is_one_in_english_and_number_has_no_form_in_indonesian() {
        let (english, indonesian) = (Words::of(Language::English), Words::of(Language::Indonesian));
        assert_eq!(english.counted(Language::English, 1, english.orders), "1 order");
        assert_eq!(english.counted(Language::English, 1_200, english.orders), "1,200 orders");
        assert_eq!(indonesian.counted(Language::Indonesian, 1, indonesian.orders), "1 pesanan");
    }
}
