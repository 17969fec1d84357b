//! The top of the page: money in doubt first, then what happened, in sentences.

use super::Page;
use crate::journal::log::short;
use crate::model::fault::printable;
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Operation;
use crate::model::time::{Timestamp, parse_instant};
use crate::reconcile::evidence::DoneState;
use crate::report::extent::Extent;
use crate::report::inputs::Warning;
use crate::report::overrides::spoken;
use crate::report::words::both::Told as _;
use crate::report::words::inputs::warning;

/// What is said.
pub(super) struct Story {
    /// What was done and where.
    pub(super) subtitle: String,
    /// An audit is about one time, whenever it is made.
    pub(super) started: Option<String>,
    pub(super) finished: String,
    pub(super) exit: String,
    pub(super) banner: Banner,
    pub(super) stopped: Option<String>,
    pub(super) sentences: Vec<String>,
    /// What must not be overlooked: guards that were loosened, sums that do not hold, customers' data in the open.
    pub(super) warnings: Vec<String>,
    pub(super) personal: String,
    pub(super) journal: Option<String>,
    /// The files beside the page.
    pub(super) files: Vec<String>,
}

/// The first thing that is seen.
pub(super) struct Banner {
    pub(super) tone: &'static str,
    pub(super) heading: &'static str,
    pub(super) figure: String,
    pub(super) text: String,
    pub(super) remedy: &'static str,
    /// Where its rows are.
    pub(super) link: Option<&'static str>,
}

/// Says what happened.
pub(super) fn of(page: &Page<'_>) -> Story {
    let (words, summary) = (page.words(), page.summary);
    let done = Operation::from_word(&summary.operation).map_or(words.audit, words.operation);
    let time = |text: &str| parse_instant(text).map_or_else(|| text.to_owned(), |time| page.language.time(time));
    Story {
        subtitle: format!("{done} · {} · {} {}", summary.environment, words.run, printable(&summary.run)),
        started: (!summary.is_audit()).then(|| time(&summary.started_at)),
        finished: time(&summary.finished_at),
        exit: format!("{}: {}", summary.exit_code, ended(page)),
        banner: banner(page),
        stopped: summary.stopped.as_ref().map(words.stopped_because),
        sentences: sentences(page),
        warnings: warnings(page),
        personal: personal(page),
        journal: summary.journal.as_ref().map(|head| {
            let entries = u64::try_from(head.entries).unwrap_or_default();
            (words.journal)(&page.language.count(entries), short(&head.head))
        }),
        files: summary.files.keys().filter(|name| *name != "report.html").cloned().collect(),
    }
}

/// What the exit code means. What was not judged is not said to reconcile.
fn ended(page: &Page<'_>) -> String {
    let (words, code) = (page.words(), page.summary.exit_code);
    let lowered = |text: &str| text.chars().take(1).flat_map(char::to_lowercase).chain(text.chars().skip(1)).collect();
    match (code, page.summary.extent()) {
        (0, Extent::Part) => lowered(words.fine_in_part),
        (0, Extent::Nothing) => lowered(words.judged_nothing),
        (code, _) => (words.exit)(code).to_owned(),
    }
}

/// Whether nothing that is in doubt settles by itself. Of what is not in the input nobody has counted which state it is in.
fn only_a_person_settles(page: &Page<'_>) -> bool {
    let count = |state: DoneState| page.summary.states.get(state.word()).map_or(0, |tally| tally.count);
    let waits = count(DoneState::Review) + count(DoneState::Conflict) > 0;
    waits && count(DoneState::Unknown) == 0 && page.summary.in_doubt_earlier.count == 0
}

fn banner(page: &Page<'_>) -> Banner {
    let (words, summary) = (page.words(), page.summary);
    let doubt = summary.in_doubt;
    if doubt.count > 0 {
        let mut text = (words.in_doubt)(&page.counted(doubt.count, words.rows), &page.language.rupiah(doubt.rupiah));
        let earlier = summary.in_doubt_earlier;
        if earlier.count > 0 {
            text.push(' ');
            let rows = page.counted(earlier.count, words.rows);
            let said = if page.is_audit() { words.in_doubt_not_judged } else { words.in_doubt_earlier };
            text.push_str(&said(&rows, &page.language.rupiah(earlier.rupiah)));
        }
        let has_rows =
            page.highlights.breaks.iter().any(|order| order.state.is_in_doubt() || order.verdict.word() == "in_doubt");
        return Banner {
            tone: "doubt",
            heading: words.money_in_doubt,
            figure: page.language.rupiah(doubt.rupiah),
            text,
            remedy: if only_a_person_settles(page) {
                words.doubt_remedy_person
            } else if page.is_audit() {
                words.doubt_remedy_audit
            } else {
                words.doubt_remedy
            },
            link: has_rows.then_some("#verdict=in_doubt"),
        };
    }
    let (tone, heading, remedy) = match (summary.stopped.is_some(), summary.exit_code) {
        (true, _) | (false, 4) => ("bad", words.stopped, words.stopped_remedy),
        (false, 0) => match summary.extent() {
            Extent::Whole => ("good", words.fine, ""),
            Extent::Part => ("good", words.fine_in_part, ""),
            Extent::Nothing => ("wait", words.judged_nothing, ""),
        },
        (false, _) => ("bad", words.look, ""),
    };
    let text = format!("{} {}", words.no_doubt, page.not_judged()).trim_end().to_owned();
    Banner { tone, heading, figure: String::new(), text, remedy, link: None }
}

fn sentences(page: &Page<'_>) -> Vec<String> {
    let (words, summary) = (page.words(), page.summary);
    let rows = |tally: Tally| page.counted(tally.count, words.rows);
    let mut said = Vec::new();
    if let Some((first, last)) = &summary.period {
        said.push((words.period)(&page.language.date(first), &page.language.date(last)));
    }
    said.push((words.went_in)(&rows(summary.rows), &page.language.rupiah(summary.rows.rupiah)));
    said.extend(Some(page.not_judged()).filter(|said| !said.is_empty()));
    if !page.is_audit() {
        let ends = DoneState::ALL.into_iter().filter_map(|state| {
            let tally = summary.states.get(state.word()).filter(|tally| tally.count > 0)?;
            Some(format!("{}: {}", (words.state_name)(state), page.language.tally(*tally)))
        });
        said.push(format!("{}.", ends.collect::<Vec<_>>().join("; ")));
    }
    if let Some(log) = summary.log {
        said.push((words.log)(&page.counted(log.read, words.lines), &page.language.count(log.verified)));
    }
    if let Some(plan) = &summary.plan {
        said.push((words.plan)(short(&plan.digest), &printable(&plan.made_by)));
        if !plan.approved_by.is_empty() {
            let names = plan.approved_by.iter().map(|one| format!("{} ({})", printable(&one.name), short(&one.key)));
            said.push(format!("{} {}.", words.approved_by, names.collect::<Vec<_>>().join(", ")));
        }
    }
    let identity = &summary.identity;
    if identity.holds {
        said.push((words.identity_holds)(&page.language.tally(identity.rows)));
    }
    if identity.repeated.count > 0 {
        said.push((words.repeated)(&rows(identity.repeated)));
    }
    said
}

/// A fragment as a sentence.
fn raised(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('?') { "" } else { "." };
    format!("{first}{}{stop}", rest.as_str())
}

fn warnings(page: &Page<'_>) -> Vec<String> {
    let (words, summary) = (page.words(), page.summary);
    let mut said = Vec::new();
    let identity = &summary.identity;
    if !identity.holds {
        let mut verdicts = identity.verdicts;
        verdicts.merge(identity.repeated);
        let [rows, states, verdicts] =
            [identity.rows, identity.states, verdicts].map(|tally| page.language.tally(tally));
        said.push((words.identity_broken)(&rows, &states, &verdicts));
    }
    if let Some(inputs) = &summary.inputs {
        let told = |one: &Warning| raised(warning(inputs, *one).told(page.language));
        said.extend(inputs.warnings.iter().map(told));
    }
    for found in &summary.overrides {
        let limit = |text: &str| spoken(&found.guard, text, |whole| page.language.rupiah(Rupiah::new(whole)));
        let (from, to) = (limit(&found.from), limit(&found.to));
        said.push((words.overridden)(&found.guard, &from, &to, &printable(&found.by), &printable(&found.reason)));
    }
    said
}

fn personal(page: &Page<'_>) -> String {
    let words = page.words();
    match &page.summary.revealed {
        Some(revealed) => (words.revealed)(&printable(&revealed.by), &time_of(page, &revealed.at)),
        None if page.cells.is_empty() => words.nothing_personal.to_owned(),
        None => words.masked.to_owned(),
    }
}

fn time_of(page: &Page<'_>, text: &str) -> String {
    parse_instant(text).map_or_else(|| text.to_owned(), |time: Timestamp| page.language.time(time))
}
