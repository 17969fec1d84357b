//! Tables whose lines have a bar: a chart that is its own table, for the eye, for a screen reader and on paper.

use super::Page;
use crate::model::money::{Rupiah, Tally};
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::reason::{Ageing, LEFT_OUT, Reason};
use crate::report::action::Action;
use crate::report::pictures::LATENCIES;

/// How long the longest bar is.
pub(super) const FULL: u64 = 1000;

/// A table.
pub(super) struct Table {
    pub(super) caption: &'static str,
    pub(super) text: String,
    pub(super) first: &'static str,
    pub(super) unit: &'static str,
    /// Whether it counts money too.
    pub(super) has_rupiah: bool,
    /// Whether its lines explain themselves.
    pub(super) has_how: bool,
    pub(super) lines: Vec<Line>,
    /// The last line, if the lines are parts of a whole.
    pub(super) total: Option<(String, String)>,
    /// A file that has more, if it stands beside the page.
    pub(super) file: Option<&'static str>,
}

/// A line of it.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) how: &'static str,
    /// What it is to the eye.
    pub(super) tone: &'static str,
    pub(super) count: String,
    pub(super) rupiah: String,
    pub(super) share: String,
    /// The length of its bar, of [`FULL`].
    pub(super) bar: u64,
    /// The rows of the page that it counts.
    pub(super) here: Option<String>,
    /// The file in which all rows are that it counts, unless the page has them.
    pub(super) file: Option<&'static str>,
}

/// How a state is drawn.
pub(super) const fn tone_of_state(state: DoneState) -> &'static str {
    match state {
        DoneState::Succeeded | DoneState::AlreadyDone => "good",
        DoneState::Unknown | DoneState::Review | DoneState::Conflict => "doubt",
        DoneState::Refused | DoneState::Invalid => "bad",
        DoneState::Held | DoneState::NotAttempted => "wait",
        DoneState::Skipped => "idle",
    }
}

/// How a verdict is drawn.
pub(super) const fn tone_of_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Matched => "good",
        Verdict::InDoubt => "doubt",
        Verdict::Pending => "wait",
        Verdict::NotSent => "idle",
        Verdict::Missing
        | Verdict::AmountMismatch
        | Verdict::StatusMismatch
        | Verdict::PaidAfterCancel
        | Verdict::RefundedUnpaid
        | Verdict::Failed => "bad",
    }
}

/// How something to do is drawn.
const fn tone_of_action(action: Action) -> &'static str {
    match action {
        Action::Resolve | Action::Rule => "doubt",
        Action::Refund | Action::ResendNotification | Action::FindRefund | Action::Review => "bad",
    }
}

/// What a line counts, before it is written.
struct Counted {
    name: String,
    how: &'static str,
    tone: &'static str,
    tally: Tally,
    /// What of the page's address shows its rows, and how many of these the page has.
    here: Option<(String, u64)>,
    file: Option<&'static str>,
    /// Whether it is a part of what the shares are of.
    has_share: bool,
}

impl Counted {
    fn new(name: impl Into<String>, tone: &'static str, tally: Tally) -> Self {
        Self { name: name.into(), how: "", tone, tally, here: None, file: None, has_share: true }
    }
}

/// The lines of what occurs, with their sum.
fn lines(page: &Page<'_>, counted: Vec<Counted>) -> (Vec<Line>, Tally) {
    let mut sum = Tally::default();
    counted.iter().for_each(|one| sum.merge(one.tally));
    let whole = counted.iter().filter(|one| one.has_share).map(|one| one.tally.count).sum();
    let most = counted.iter().map(|one| one.tally.count).max().unwrap_or_default().max(1);
    let line = |one: Counted| {
        let tally = one.tally;
        let rows_here = one.here.as_ref().map_or(0, |(_, rows)| *rows);
        Line {
            name: one.name,
            how: one.how,
            tone: one.tone,
            count: page.language.count(tally.count),
            rupiah: page.language.rupiah(tally.rupiah),
            share: if one.has_share { page.language.share(tally.count, whole) } else { String::new() },
            bar: bar(tally.count, most),
            here: one.here.filter(|(_, rows)| *rows > 0).map(|(address, _)| address),
            file: one.file.filter(|file| rows_here < tally.count && page.has(file)),
        }
    };
    (counted.into_iter().filter(|one| one.tally.count > 0).map(line).collect(), sum)
}

/// The length of a bar; what is not zero can be seen.
pub(super) fn bar(count: u64, most: u64) -> u64 {
    let length = u128::from(count) * u128::from(FULL) / u128::from(most.max(1));
    u64::try_from(length).unwrap_or(FULL).max(u64::from(count > 0) * 8)
}

fn table(page: &Page<'_>, caption: &'static str, first: &'static str, counted: Vec<Counted>) -> Table {
    let (lines, sum) = lines(page, counted);
    let total = Some((page.language.count(sum.count), page.language.rupiah(sum.rupiah)));
    Table {
        caption,
        text: String::new(),
        first,
        unit: page.words().orders,
        has_rupiah: true,
        has_how: false,
        lines,
        total,
        file: None,
    }
}

/// What to do next; `None`: nothing.
pub(super) fn next(page: &Page<'_>) -> Option<Table> {
    let words = page.words();
    let here = |action| page.highlights.breaks.iter().filter(|order| order.action == Some(action)).count() as u64;
    let counted = page.highlights.next().into_iter().map(|(action, tally)| Counted {
        how: (words.action_how)(action),
        here: Some((format!("#action={}", action.word()), here(action))),
        file: Some("actions.csv"),
        ..Counted::new((words.action_name)(action), tone_of_action(action), tally)
    });
    let mut table = table(page, words.what_next, words.action, counted.collect());
    table.has_how = true;
    table.total = None;
    table.file = Some("actions.csv").filter(|file| page.has(file));
    (!table.lines.is_empty()).then_some(table)
}

/// Rows per state.
pub(super) fn states(page: &Page<'_>) -> Table {
    let words = page.words();
    // An audit has no results of its own.
    let file = if page.has("results.csv") { "results.csv" } else { "reconciliation.csv" };
    let here = |state| page.highlights.breaks.iter().filter(|order| order.state == state).count() as u64;
    let counted = DoneState::ALL.into_iter().map(|state| Counted {
        here: Some((format!("#state={}", state.word()), here(state))),
        file: Some(file),
        ..Counted::new(
            page.state_name(state),
            tone_of_state(state),
            page.summary.states.get(state.word()).copied().unwrap_or_default(),
        )
    });
    let caption = if page.is_audit() { words.by_state_audit } else { words.by_state };
    Table { unit: words.rows, ..table(page, caption, words.state, counted.collect()) }
}

/// Orders per verdict.
pub(super) fn verdicts(page: &Page<'_>) -> Table {
    let words = page.words();
    let here = |verdict| page.highlights.breaks.iter().filter(|order| order.verdict == verdict).count() as u64;
    let left_out = page.summary.left_out();
    let tally = |verdict: Verdict| {
        let all = page.summary.verdicts.get(verdict.word()).copied().unwrap_or_default();
        let without = |all: Tally, (_, some): &(Reason, Tally)| less(all, *some);
        if verdict == Verdict::NotSent { left_out.iter().fold(all, without) } else { all }
    };
    let counted = Verdict::ALL.into_iter().map(|verdict| Counted {
        here: Some((format!("#verdict={verdict}"), here(verdict))),
        file: Some("reconciliation.csv"),
        ..Counted::new(page.verdict_name(verdict), tone_of_verdict(verdict), tally(verdict))
    });
    let not_judged = left_out.iter().map(|(reason, tally)| Counted {
        file: Some("reconciliation.csv"),
        has_share: false,
        ..Counted::new(format!("{}: {}", words.not_judged, (words.reason_text)(*reason)), "idle", *tally)
    });
    let counted = counted.chain(not_judged).collect();
    Table { text: shares(page), ..table(page, words.by_verdict, words.verdict, counted) }
}

/// What the shares are of, where it is not the total.
fn shares(page: &Page<'_>) -> String {
    let left_out = page.summary.left_out();
    let judged = left_out.iter().fold(page.summary.identity.verdicts, |all, (_, some)| less(all, *some));
    if left_out.is_empty() || judged.count == 0 {
        return String::new();
    }
    (page.words().shares_of_judged)(&page.counted(judged.count, page.words().orders))
}

/// What is left of a tally without a part of it.
fn less(all: Tally, some: Tally) -> Tally {
    let rupiah = Rupiah::new(all.rupiah.whole().saturating_sub(some.rupiah.whole()));
    Tally { count: all.count.saturating_sub(some.count), rupiah }
}

/// Orders per reason; `None` if there is no order.
pub(super) fn reasons(page: &Page<'_>) -> Option<Table> {
    let words = page.words();
    let counted = Reason::all().into_iter().filter_map(|reason| {
        let verdict = reason.verdict();
        let tally = *page.summary.reasons.get(verdict.word())?.get(&reason.to_string())?;
        let here = page.highlights.breaks.iter().filter(|order| order.reason == reason).count() as u64;
        let text = (words.reason_text)(reason);
        let has_share = !(page.is_audit() && LEFT_OUT.contains(&reason));
        Some(Counted {
            has_share,
            here: Some((format!("#reason={}", reason.index()), here)),
            file: Some("reconciliation.csv"),
            ..Counted::new(format!("{}: {text}", page.verdict_name(verdict)), tone_of_verdict(verdict), tally)
        })
    });
    let table = Table { text: shares(page), ..table(page, words.reason, words.reason, counted.collect()) };
    (!table.lines.is_empty()).then_some(table)
}

/// Lines of the logs that prove nothing; `None` if all prove something.
pub(super) fn strays(page: &Page<'_>) -> Option<Table> {
    let words = page.words();
    let counted = UnmatchedReason::ALL.into_iter().map(|reason| Counted {
        file: Some("unmatched.csv"),
        ..Counted::new(
            (words.line_name)(reason),
            if reason.needs_a_person() { "bad" } else { "idle" },
            page.summary.unmatched.get(reason.word()).copied().unwrap_or_default(),
        )
    });
    let table = Table { unit: words.lines, ..table(page, words.by_line, words.reason, counted.collect()) };
    (!table.lines.is_empty()).then_some(table)
}

/// Orders that proof is awaited for, by age; `None` if there is none.
pub(super) fn ageing(page: &Page<'_>) -> Option<Table> {
    let words = page.words();
    let counted = Ageing::ALL.into_iter().map(|ageing| {
        let tally = page.summary.waiting.get(ageing.word()).copied().unwrap_or_default();
        let here = page.highlights.breaks.iter().filter(|order| order.ageing == Some(ageing)).count() as u64;
        let place = Ageing::ALL.iter().position(|known| *known == ageing).unwrap_or_default();
        Counted {
            here: Some((format!("#age={place}"), here)),
            file: Some("reconciliation.csv"),
            ..Counted::new((words.ageing_name)(ageing), "wait", tally)
        }
    });
    let text = words.ageing_text.to_owned();
    let table = Table { text, ..table(page, words.ageing, words.age, counted.collect()) };
    (!table.lines.is_empty()).then_some(table)
}

/// How long answers took; `None` if nothing was asked.
pub(super) fn latency(page: &Page<'_>) -> Option<Table> {
    let (words, timing) = (page.words(), page.timing?);
    let span = |milliseconds| span(page, milliseconds);
    let mut counted: Vec<Counted> = Vec::new();
    let ends = LATENCIES.into_iter().map(Some).chain([None]);
    for (end, count) in ends.zip(timing.buckets) {
        let name =
            end.map_or_else(|| format!("> {}", span(LATENCIES[LATENCIES.len() - 1])), |end| format!("≤ {}", span(end)));
        counted.push(Counted::new(name, "good", Tally { count, ..Tally::default() }));
    }
    counted.push(Counted::new(words.no_answer, "doubt", Tally { count: timing.unanswered, ..Tally::default() }));
    let answers = page.counted(timing.answered(), words.requests);
    let text = match timing.answered() {
        0 => String::new(),
        _ => (words.latency_text)(&answers, &span(timing.middle()), &span(timing.slowest)),
    };
    let table = table(page, words.latency, words.latency, counted);
    let table = Table { text, has_rupiah: false, unit: words.requests, total: None, ..table };
    (!table.lines.is_empty()).then_some(table)
}

/// `250 ms`, `1,5 dtk`.
fn span(page: &Page<'_>, milliseconds: u64) -> String {
    if milliseconds < 1000 {
        return format!("{milliseconds}\u{a0}ms");
    }
    let tenths = milliseconds % 1000 / 100;
    let fraction = if tenths == 0 { String::new() } else { format!("{}{tenths}", page.language.decimal()) };
    format!("{}{fraction}\u{a0}{}", page.language.count(milliseconds / 1000), page.words().seconds)
}
