//! report.html: a run or an audit for people who would rather look. One file that loads nothing, without a style or a script
//! from elsewhere; it reads without its script too.
//!
//! Values go in, bytes come out: the template (`templates/report.html`) is filled with texts that are in the reader's form
//! already, and escapes them all. Everything that is drawn is computed here in whole numbers.

mod breaks;
mod charts;
mod read;
mod story;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::highlights::Highlights;
use super::mask::Cell;
use super::pictures::{Flow, Timing};
use super::summary::Summary;
use super::words::Words;
use crate::model::fault::printable;
use crate::model::language::Language;
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::report::action::Action;
use breaks::Breaks;
use charts::{Columns, Picture};
use read::Read;
use story::Story;
use tables::Table;

const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// All totals; its files are those that stand beside the page.
    pub summary: &'a Summary,
    /// What was picked out of the orders.
    pub highlights: &'a Highlights,
    /// What became of the rows of a run; empty of an audit.
    pub flow: &'a Flow,
    /// How the requests of a run went in time; `None` where nothing is known of them.
    pub timing: Option<&'a Timing>,
    /// The input's own columns, by the number of the row; empty where they are not at hand.
    pub cells: &'a BTreeMap<u64, Vec<Cell>>,
    /// The reader's.
    pub language: Language,
}

impl<'a> Page<'a> {
    fn words(&self) -> &'static Words {
        Words::of(self.language)
    }

    /// Whether a file stands beside the page.
    fn has(&self, file: &str) -> bool {
        self.summary.files.contains_key(file)
    }

    fn is_audit(&self) -> bool {
        self.summary.is_audit()
    }

    /// A state in words. In an audit the state of most orders only says that no run of ours has touched them.
    fn state_name(&self, state: DoneState) -> &'static str {
        let words = self.words();
        if self.is_audit() && state == DoneState::Skipped { words.untouched } else { (words.state_name)(state) }
    }

    /// A verdict in words. An audit sends nothing; what is `not_sent` there was not judged.
    fn verdict_name(&self, verdict: Verdict) -> &'static str {
        let words = self.words();
        if self.is_audit() && verdict == Verdict::NotSent { words.not_judged } else { (words.verdict_name)(verdict) }
    }

    /// The orders that an audit was not asked about, in sentences; empty if there is none.
    fn not_judged(&self) -> String {
        let count = |number| self.language.count(number);
        let all = count(self.summary.identity.verdicts.count);
        let said = self.summary.left_out().into_iter();
        let said = said.map(|(reason, tally)| (self.words().left_out)(reason, &count(tally.count), &all) + ".");
        said.collect::<Vec<_>>().join(" ")
    }

    /// So many things in words.
    fn counted(&self, number: u64, plural: &'static str) -> String {
        self.words().counted(self.language, number, plural)
    }

    fn flow(&self) -> Flow {
        if self.flow.is_empty() { self.highlights.flow() } else { self.flow.clone() }
    }

    fn title(&self) -> String {
        let Summary { job, run, .. } = self.summary;
        printable(&format!("{job} · {run}"))
    }

    fn heading(&self) -> &'a str {
        &self.summary.job
    }
}

/// The template with all that it says.
#[derive(Template)]
#[template(path = "report.html")]
struct View<'a> {
    words: &'a Words,
    language: &'static str,
    title: String,
    heading: &'a str,
    style: &'static str,
    style_hash: String,
    script: &'static str,
    script_hash: String,
    story: Story,
    next: Option<Table>,
    states: Table,
    verdicts: Table,
    reasons: Option<Table>,
    strays: Option<Table>,
    flow: Option<Picture>,
    ageing: Option<Table>,
    days: Option<Columns>,
    latency: Option<Table>,
    rate: Option<Columns>,
    read: Option<Read>,
    breaks: Breaks,
    codes: Vec<Codes>,
}

/// The words of one list, each with its code in the files.
struct Codes {
    caption: &'static str,
    words: Vec<(&'static str, &'static str)>,
}

fn codes(page: &Page<'_>) -> Vec<Codes> {
    let words = page.words();
    let states = DoneState::ALL.map(|state| ((words.state_name)(state), state.word()));
    let verdicts = Verdict::ALL.map(|verdict| (page.verdict_name(verdict), verdict.word()));
    let actions = Action::ALL.map(|action| ((words.action_name)(action), action.word()));
    let lines = UnmatchedReason::ALL.map(|reason| ((words.line_name)(reason), reason.word()));
    vec![
        Codes { caption: words.state, words: states.to_vec() },
        Codes { caption: words.verdict, words: verdicts.to_vec() },
        Codes { caption: words.action, words: actions.to_vec() },
        Codes { caption: words.by_line, words: lines.to_vec() },
    ]
}

/// Writes the report.
///
/// # Panics
/// Never: the template is checked when it is compiled, and memory takes what is written.
#[must_use]
pub fn page(page: &Page<'_>) -> Vec<u8> {
    let view = View {
        words: page.words(),
        language: page.language.word(),
        title: page.title(),
        heading: page.heading(),
        style: STYLE,
        style_hash: hash(STYLE),
        script: SCRIPT,
        script_hash: hash(SCRIPT),
        story: story::of(page),
        next: tables::next(page),
        states: tables::states(page),
        verdicts: tables::verdicts(page),
        reasons: tables::reasons(page),
        strays: tables::strays(page),
        flow: charts::flow(page),
        ageing: tables::ageing(page),
        days: charts::days(page),
        latency: tables::latency(page),
        rate: charts::rate(page),
        read: read::of(page),
        breaks: breaks::of(page),
        codes: codes(page),
    };
    view.render().expect("memory takes what is written").into_bytes()
}

/// What a Content-Security-Policy calls a text: no other script or style works in the page.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}
