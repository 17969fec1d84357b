//! What an audit has read, and by which settings it has judged: so that a figure can be followed back to the files behind it.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::model::moment::Moment;
use crate::reconcile::dated::Dated;
use crate::report::summary::LogLines;

/// What an audit has read. Paths are relative to the folder of the job, where they lie within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inputs {
    /// The orders.
    pub orders: Book,
    /// The notification logs, in the order in which they were read.
    pub logs: Vec<LogFile>,
    /// The results of runs.
    pub results: Vec<String>,
    /// By what was judged.
    pub settings: Settings,
    /// Orders whose dates may be slips.
    pub dated: Dated,
    /// What a reader must know before the figures.
    pub warnings: Vec<Warning>,
}

/// The file of the orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Book {
    /// Its path.
    pub file: String,
    /// SHA-256 of its content, in hex; `None`: the orders stand in the job itself.
    pub sha256: Option<String>,
    /// Its rows, the header left out.
    pub rows: u64,
    /// When the first and the last of the judged orders were made, as far as they are dated.
    pub created_at: Span,
}

/// A notification log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogFile {
    /// Its path.
    pub file: String,
    /// Its lines, blank ones left out.
    pub lines: u64,
    /// How many of them are signed by DOKU.
    pub verified: u64,
    /// When the first and the last of those were received.
    pub received_at: Span,
}

/// By what was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// The present of the audit, UTC.
    pub as_of: String,
    /// The business days, the first and the last; `None`: all.
    pub period: Option<(String, String)>,
    /// When a business day ends, in WIB.
    pub cutoff: String,
    /// How long proof may take.
    pub grace: String,
    /// The zone of times in the orders that name none.
    pub zone: String,
    /// Where the job looks for notification logs.
    pub logs: Vec<String>,
}

/// What a reader must know before the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// The job names logs, and they say nothing at all.
    LogEmpty,
    /// The last line of the logs was received before the first judged order was made.
    LogEndsBeforeOrders,
    /// Some orders are dated after DOKU's word about them.
    DatedAfterNotification,
    /// Some orders are dated after the present.
    DatedInFuture,
}

/// The first and the last of some times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span(Option<(Moment, Moment)>);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut times = serializer.serialize_struct("Span", 2)?;
        times.serialize_field("first", &self.first().map(Moment::wire))?;
        times.serialize_field("last", &self.last().map(Moment::wire))?;
        times.end()
    }
}

impl Span {
    /// Takes a time.
    pub fn take(&mut self, at: Moment) {
        self.merge(Self(Some((at, at))));
    }

    /// Adds another one.
    pub fn merge(&mut self, Self(other): Self) {
        self.0 = match (self.0, other) {
            (Some((first, last)), Some((other_first, other_last))) => {
                Some((first.min(other_first), last.max(other_last)))
            }
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// The first one.
    #[must_use]
    pub fn first(&self) -> Option<Moment> {
        self.0.map(|(first, _)| first)
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> Option<Moment> {
        self.0.map(|(_, last)| last)
    }
}

impl Inputs {
    /// The lines of all logs.
    #[must_use]
    pub fn lines(&self) -> LogLines {
        let mut all = LogLines::default();
        self.logs.iter().for_each(|log| all.add(log.lines, log.verified));
        all
    }

    /// When the signed lines of all logs were received.
    #[must_use]
    pub fn received_at(&self) -> Span {
        let mut all = Span::default();
        self.logs.iter().for_each(|log| all.merge(log.received_at));
        all
    }

    /// Notes what a reader must know before the figures.
    pub fn note_warnings(&mut self) {
        let log = self.received_at();
        let found = [
            (self.lines().read == 0 && !self.settings.logs.is_empty(), Warning::LogEmpty),
            (
                log.last().zip(self.orders.created_at.first()).is_some_and(|(last, made)| last < made),
                Warning::LogEndsBeforeOrders,
            ),
            (self.dated.after_notification.count > 0, Warning::DatedAfterNotification),
            (self.dated.in_future.count > 0, Warning::DatedInFuture),
        ];
        self.warnings = found.into_iter().filter_map(|(is_so, warning)| is_so.then_some(warning)).collect();
    }
}
