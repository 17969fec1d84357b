//! Charts as SVG: the flow of rows, and columns over days or over time. The positions are whole numbers in tenths of a unit;
//! every chart has a title, and a table of its figures.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::Page;
use super::tables::{tone_of_state, tone_of_verdict};
use crate::model::money::Tally;
use crate::model::verdict::Verdict;
use crate::reconcile::total::DayTotal;
use crate::report::pictures::{End, Start};

/// The flow.
pub(super) struct Picture {
    pub(super) caption: &'static str,
    pub(super) text: &'static str,
    /// By rows, and by rupiah.
    pub(super) drawings: Vec<Drawing>,
    pub(super) figures: Vec<[String; 4]>,
}

/// One drawing of it.
pub(super) struct Drawing {
    pub(super) title: String,
    pub(super) height: u64,
    pub(super) bands: Vec<Band>,
    pub(super) nodes: Vec<Node>,
}

/// A band from the left to the right.
pub(super) struct Band {
    pub(super) path: String,
    pub(super) tone: &'static str,
    pub(super) title: String,
}

/// Where bands begin or end.
pub(super) struct Node {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) height: u64,
    pub(super) tone: &'static str,
    pub(super) label: String,
    pub(super) label_x: u64,
    pub(super) label_y: u64,
    pub(super) anchor: &'static str,
}

/// How wide the drawing is, and where the bands begin and end.
const LEFT: u64 = 2700;
const RIGHT: u64 = 4300;
const NODE: u64 = 120;
/// What all bands together are high, and what is between two nodes, in which two lines of a label have room.
const HIGH: u64 = 1900;
const GAP: u64 = 230;
const TOP: u64 = 120;

/// How rows came from the plan to their states, or orders from the book to their verdicts; `None`: nothing came.
pub(super) fn flow(page: &Page<'_>) -> Option<Picture> {
    let words = page.words();
    let flow = page.flow();
    let bands: Vec<(Start, End, Tally)> = flow.bands().collect();
    let by_rupiah = |tally: Tally| tally.rupiah.whole();
    let unit = if page.is_audit() { words.orders } else { words.rows };
    let mut drawings =
        vec![drawing(page, &bands, unit, |tally| tally.count, |page, sum| page.language.count(sum.count))];
    if bands.iter().any(|(.., tally)| by_rupiah(*tally) > 0) {
        let label = |page: &Page<'_>, sum: Tally| page.language.short_rupiah(sum.rupiah);
        drawings.push(drawing(page, &bands, words.rupiah, by_rupiah, label));
    }
    let figures = bands.iter().map(|(from, to, tally)| {
        let (count, rupiah) = (page.language.count(tally.count), page.language.rupiah(tally.rupiah));
        [(words.start)(*from).to_owned(), end(page, *to).to_owned(), count, rupiah]
    });
    let (caption, text) =
        if page.is_audit() { (words.flow_audit, words.flow_text_audit) } else { (words.flow, words.flow_text) };
    let picture = Picture { caption, text, drawings, figures: figures.collect() };
    (!bands.is_empty()).then_some(picture)
}

fn end(page: &Page<'_>, end: End) -> &'static str {
    match end {
        End::State(state) => (page.words().state_name)(state),
        End::Verdict(verdict) => page.verdict_name(verdict),
    }
}

const fn tone(end: End) -> &'static str {
    match end {
        End::State(state) => tone_of_state(state),
        End::Verdict(verdict) => tone_of_verdict(verdict),
    }
}

/// How high a node is, and how many are in it.
type Heights<K> = BTreeMap<K, (u64, Tally)>;
/// Where the next band of a node begins.
type Places<K> = BTreeMap<K, u64>;

fn drawing(
    page: &Page<'_>,
    bands: &[(Start, End, Tally)],
    unit: &str,
    measure: impl Fn(Tally) -> u64,
    label: impl Fn(&Page<'_>, Tally) -> String,
) -> Drawing {
    let words = page.words();
    let all: u128 = bands.iter().map(|(.., tally)| u128::from(measure(*tally))).sum();
    // What is there can be seen, however thin.
    let height = |tally: Tally| {
        let share = u128::from(measure(tally)) * u128::from(HIGH) / all.max(1);
        u64::try_from(share).unwrap_or(HIGH).max(20)
    };
    let (mut starts, mut ends) = (Heights::<Start>::new(), Heights::<End>::new());
    for (from, to, tally) in bands {
        let add = |(high, sum): &mut (u64, Tally)| {
            *high += height(*tally);
            sum.merge(*tally);
        };
        add(starts.entry(*from).or_default());
        add(ends.entry(*to).or_default());
    }
    let mut nodes = Vec::new();
    let mut from_y: Places<Start> = Places::new();
    let mut to_y: Places<End> = Places::new();
    let (mut left_y, mut right_y) = (TOP, TOP);
    for (start, (high, sum)) in &starts {
        from_y.insert(*start, left_y);
        let text = format!("{} · {}", (words.start)(*start), label(page, *sum));
        let label_y = left_y + high / 2 + 45;
        nodes.push(Node {
            x: LEFT - NODE,
            y: left_y,
            height: *high,
            tone: "node",
            label: text,
            label_x: LEFT - NODE - 80,
            label_y,
            anchor: "end",
        });
        left_y += high + GAP.saturating_sub(*high).max(60);
    }
    for (end_at, (high, sum)) in &ends {
        to_y.insert(*end_at, right_y);
        let text = format!("{} · {}", end(page, *end_at), label(page, *sum));
        let label_y = right_y + high / 2 + 45;
        nodes.push(Node {
            x: RIGHT,
            y: right_y,
            height: *high,
            tone: tone(*end_at),
            label: text,
            label_x: RIGHT + NODE + 80,
            label_y,
            anchor: "start",
        });
        right_y += high + GAP.saturating_sub(*high).max(60);
    }
    let drawn = bands.iter().map(|(from, to, tally)| {
        let high = height(*tally);
        let (a, b) = (from_y.entry(*from).or_default(), to_y.entry(*to).or_default());
        let band = Band {
            path: band(*a, *b, high),
            tone: tone(*to),
            title: format!("{} → {}: {}", (words.start)(*from), end(page, *to), page.language.tally(*tally)),
        };
        *a += high;
        *b += high;
        band
    });
    let bands = drawn.collect();
    Drawing { title: unit.to_owned(), height: left_y.max(right_y) + TOP, bands, nodes }
}

/// A band of one height, from a place on the left to one on the right.
fn band(from: u64, to: u64, high: u64) -> String {
    let middle = u64::midpoint(LEFT, RIGHT);
    let (from_end, to_end) = (from + high, to + high);
    format!(
        "M{LEFT} {from}C{middle} {from} {middle} {to} {RIGHT} {to}V{to_end}C{middle} {to_end} {middle} {from_end} {LEFT} {from_end}Z"
    )
}

/// Columns side by side, each of some parts.
pub(super) struct Columns {
    pub(super) caption: &'static str,
    pub(super) text: String,
    /// What the parts are.
    pub(super) legend: Vec<(&'static str, &'static str)>,
    pub(super) parts: Vec<Part>,
    /// The most, at the top of the scale.
    pub(super) most: String,
    /// Texts below: the first, a middle one, the last.
    pub(super) below: Vec<(u64, &'static str, String)>,
    pub(super) heads: Vec<&'static str>,
    pub(super) figures: Vec<Vec<String>>,
    pub(super) file: Option<&'static str>,
}

/// A rectangle.
pub(super) struct Part {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) tone: &'static str,
    pub(super) title: String,
}

/// Where columns stand: from here, so wide and so high; the drawing itself is 7200 wide and 2400 high.
const BASE: u64 = 2000;
const TALL: u64 = 1800;
const FIRST: u64 = 100;
const WIDE: u64 = 7000;

/// A column: its name, and its parts from the bottom up with their tones.
struct Column {
    name: String,
    parts: Vec<(&'static str, u64)>,
}

fn parts(page: &Page<'_>, columns: &[Column]) -> (Vec<Part>, u64) {
    let sum = |column: &Column| column.parts.iter().map(|(_, count)| count).sum::<u64>();
    let most = columns.iter().map(sum).max().unwrap_or_default().max(1);
    let step = WIDE / (columns.len() as u64).max(1);
    let width = (step * 4 / 5).clamp(1, 500);
    let mut drawn = Vec::new();
    for (number, column) in (0_u64..).zip(columns) {
        let mut y = BASE;
        for (tone, count) in column.parts.iter().filter(|(_, count)| *count > 0) {
            let share = u128::from(*count) * u128::from(TALL) / u128::from(most);
            let height = u64::try_from(share).unwrap_or(TALL).max(12).min(y);
            y -= height;
            let title = format!("{}: {}", column.name, page.language.count(*count));
            drawn.push(Part { x: FIRST + number * step, y, width, height, tone, title });
        }
    }
    (drawn, most)
}

fn below(columns: &[Column]) -> Vec<(u64, &'static str, String)> {
    let Some((last, first)) = columns.len().checked_sub(1).zip(columns.first()) else { return Vec::new() };
    let step = WIDE / columns.len() as u64;
    let mut texts = vec![(FIRST, "start", first.name.clone())];
    if last >= 2 {
        let middle = last / 2;
        texts.push((FIRST + step * middle as u64 + step / 2, "middle", columns[middle].name.clone()));
    }
    if last >= 1 {
        let text_end = FIRST + step * last as u64 + (step * 4 / 5).clamp(1, 500);
        texts.push((text_end.max(FIRST + 1200), "end", columns[last].name.clone()));
    }
    texts
}

/// The most days that are drawn.
const MOST_DAYS: usize = 62;

/// Orders per business day; `None` if no order has a day.
pub(super) fn days(page: &Page<'_>) -> Option<Columns> {
    let words = page.words();
    let mut days: BTreeMap<Option<&str>, [Tally; 3]> = BTreeMap::new();
    // Orders of other days than those of the period are not judged.
    let period = page.summary.period.as_ref();
    let is_asked_about = |day: &DayTotal| {
        let within = |date: &str| period.is_none_or(|(first, last)| (first.as_str()..=last).contains(&date));
        day.of == "verdict" && day.date.as_deref().is_none_or(within)
    };
    for day in page.summary.days.iter().filter(|day| is_asked_about(day)) {
        let Some(verdict) = Verdict::ALL.into_iter().find(|verdict| verdict.word() == day.word) else { continue };
        let place = match verdict {
            Verdict::Matched => 0,
            Verdict::Pending | Verdict::NotSent => 1,
            Verdict::Missing
            | Verdict::AmountMismatch
            | Verdict::StatusMismatch
            | Verdict::PaidAfterCancel
            | Verdict::RefundedUnpaid
            | Verdict::InDoubt
            | Verdict::Failed => 2,
        };
        days.entry(day.date.as_deref()).or_default()[place].merge(day.tally);
    }
    let without = days.remove(&None);
    if days.is_empty() {
        return None;
    }
    let all = days.len();
    let shown: Vec<(&str, [Tally; 3])> =
        days.into_iter().skip(all.saturating_sub(MOST_DAYS)).filter_map(|(date, day)| Some((date?, day))).collect();
    let tones = ["good", "wait", "bad"];
    let columns: Vec<Column> = shown
        .iter()
        .map(|(date, day)| Column {
            name: page.language.date(date),
            parts: tones.into_iter().zip(day.map(|tally| tally.count)).collect(),
        })
        .collect();
    let (parts, most) = parts(page, &columns);
    let open = if page.is_audit() { words.open_audit } else { words.open };
    let line = |name: String, day: &[Tally; 3]| {
        let mut sum = Tally::default();
        day.iter().for_each(|tally| sum.merge(*tally));
        let counts = day.map(|tally| page.language.count(tally.count));
        [vec![name], counts.to_vec(), vec![page.language.rupiah(sum.rupiah)]].concat()
    };
    let dated = shown.iter().map(|(date, day)| line(page.language.date(date), day));
    let figures = dated.chain(without.as_ref().map(|day| line(words.without_day.to_owned(), day))).collect();
    let mut text = words.per_day_text.to_owned();
    if period.is_some() {
        text.push(' ');
        text.push_str(words.days_of_period);
    }
    if all > shown.len() {
        text.push(' ');
        let shown = page.counted(shown.len() as u64, words.days);
        text.push_str(&(words.last_days)(&shown, &page.counted(all as u64, words.days)));
    }
    Some(Columns {
        caption: words.per_day,
        text,
        legend: tones.into_iter().zip([words.agrees, open, words.needs_person]).collect(),
        parts,
        most: page.language.count(most),
        below: below(&columns),
        heads: vec![words.day, words.agrees, open, words.needs_person, words.rupiah],
        figures,
        file: Some("days.csv").filter(|file| page.has(file)),
    })
}

/// Requests over time; `None` if none was sent.
pub(super) fn rate(page: &Page<'_>) -> Option<Columns> {
    let words = page.words();
    let pace = page.timing?.pace()?;
    let name = |number: i64| {
        let at = DateTime::from_timestamp(pace.begins + number * pace.width, 0)?;
        Some(if pace.width < 60 { page.language.clock_to_the_second(at) } else { page.language.clock(at) })
    };
    let columns: Vec<Column> = (0..)
        .zip(&pace.columns)
        .map(|(number, count)| Column { name: name(number).unwrap_or_default(), parts: vec![("good", *count)] })
        .collect();
    let (parts, most) = parts(page, &columns);
    let width = match pace.width {
        seconds if seconds % 3600 == 0 => format!("{}\u{a0}{}", seconds / 3600, words.hours),
        seconds if seconds % 60 == 0 => format!("{}\u{a0}{}", seconds / 60, words.minutes),
        seconds => format!("{seconds}\u{a0}{}", words.seconds),
    };
    let figures = columns.iter().zip(&pace.columns);
    Some(Columns {
        caption: words.rate,
        text: (words.rate_text)(&width, &page.counted(most, words.requests)),
        legend: Vec::new(),
        parts,
        most: page.language.count(most),
        below: below(&columns),
        heads: vec![words.time, words.requests],
        figures: figures.map(|(column, count)| vec![column.name.clone(), page.language.count(*count)]).collect(),
        file: None,
    })
}
