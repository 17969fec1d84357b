//! What an audit has read, and by which settings it has judged.

use super::Page;
use crate::model::fault::printable;
use crate::model::moment::Moment;
use crate::model::time::parse_instant;
use crate::report::inputs::{Inputs, Span};
use crate::report::words::inputs::InputWords;

/// The files and the settings.
pub(super) struct Read {
    pub(super) words: &'static InputWords,
    /// The file, what it is, rows or lines, those signed by DOKU, the first and the last time.
    pub(super) files: Vec<[String; 6]>,
    /// A name, and what it is.
    pub(super) settings: Vec<(&'static str, String)>,
}

/// Lays them out; `None`: a run, whose files say what it sent.
pub(super) fn of(page: &Page<'_>) -> Option<Read> {
    let inputs: &Inputs = page.summary.inputs.as_ref()?;
    let (words, language) = (InputWords::of(page.language), page.language);
    let times = |span: Span| {
        let time = |at: Option<_>| at.map(|at: Moment| language.time(at.time())).unwrap_or_default();
        [time(span.first()), time(span.last())]
    };
    let book = &inputs.orders;
    let [first, last] = times(book.created_at);
    let none = String::new;
    let mut files =
        vec![[printable(&book.file), words.orders.to_owned(), language.count(book.rows), none(), first, last]];
    files.extend(inputs.logs.iter().map(|log| {
        let [first, last] = times(log.received_at);
        let counts = [log.lines, log.verified].map(|number| language.count(number));
        let [lines, verified] = counts;
        [printable(&log.file), none(), lines, verified, first, last]
    }));
    let results = inputs.results.iter();
    files.extend(results.map(|file| [printable(file), words.results.to_owned(), none(), none(), none(), none()]));
    let set = &inputs.settings;
    let period = set.period.as_ref().map_or_else(
        || words.every_day.to_owned(),
        |(first, last)| format!("{} – {}", language.date(first), language.date(last)),
    );
    let as_of = parse_instant(&set.as_of).map_or_else(|| set.as_of.clone(), |time| language.time(time));
    let told = [as_of, period, set.cutoff.clone(), set.grace.clone(), set.zone.clone()];
    let mut settings: Vec<(&'static str, String)> = words.settings.into_iter().zip(told).collect();
    settings.extend(book.sha256.clone().map(|digest| (words.sha256, digest)));
    Some(Read { words, files, settings })
}
