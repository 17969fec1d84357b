//! What a reader must know of an audit's inputs before its figures.

use super::both::{Both, both};
use crate::model::language::Language;
use crate::model::moment::Moment;
use crate::report::inputs::{Inputs, Warning};

/// The words over the inputs of an audit, on a page and in a workbook.
#[derive(Debug)]
pub struct InputWords {
    /// The heading over all of it.
    pub inputs: &'static str,
    /// The headings over files: the file, rows or lines, signed by DOKU, the first time, the last time.
    pub files: [&'static str; 5],
    /// Behind the name of the orders.
    pub orders: &'static str,
    /// Behind the name of a results file.
    pub results: &'static str,
    /// Before the digest of the orders.
    pub sha256: &'static str,
    /// Before settings: as of, business days, the end of a business day, the grace, the zone of times that name none.
    pub settings: [&'static str; 5],
    /// No period: every day.
    pub every_day: &'static str,
    /// What the times are: those of the orders that were judged, and of the lines that are signed.
    pub times: &'static str,
}

impl InputWords {
    /// The words of a language.
    #[must_use]
    pub const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Indonesian => &INDONESIAN,
        }
    }
}

const ENGLISH: InputWords = InputWords {
    inputs: "What was read",
    files: ["File", "Rows or lines", "Signed by DOKU", "First", "Last"],
    orders: "orders",
    results: "results",
    sha256: "SHA-256 of the orders",
    settings: ["As of", "Business days", "A business day ends (WIB)", "Grace", "Zone of times without one"],
    every_day: "all",
    times: "Times of the orders are those at which the judged ones were made; times of a log, those at which its signed lines \
            were received.",
};

const INDONESIAN: InputWords = InputWords {
    inputs: "Yang dibaca",
    files: ["Berkas", "Baris", "Ditandatangani DOKU", "Pertama", "Terakhir"],
    orders: "pesanan",
    results: "hasil",
    sha256: "SHA-256 pesanan",
    settings: ["Keadaan per", "Tanggal", "Pergantian hari (WIB)", "Tenggang", "Zona waktu yang tidak disebut"],
    every_day: "semua",
    times: "Waktu pesanan adalah waktu dibuatnya pesanan yang dinilai; waktu log adalah waktu diterimanya baris yang \
            ditandatangani.",
};

/// A warning with its figures.
#[must_use]
pub fn warning(inputs: &Inputs, warning: Warning) -> Both {
    let orders = |count: u64| {
        let english = if count == 1 { "order is" } else { "orders are" };
        (
            format!("{} {english}", Language::English.count(count)),
            format!("{} pesanan", Language::Indonesian.count(count)),
        )
    };
    let log = inputs.received_at();
    let time = |language: Language, at: Option<Moment>| at.map(|at| language.time(at.time())).unwrap_or_default();
    match warning {
        Warning::LogEmpty => both("the notification logs are empty", "log notifikasi kosong"),
        Warning::LogEndsBeforeOrders => both(
            format!(
                "the notification logs end at {}, before the first judged order was made, at {}: is it the right log?",
                time(Language::English, log.last()),
                time(Language::English, inputs.orders.created_at.first())
            ),
            format!(
                "log notifikasi berakhir {}, sebelum pesanan pertama yang dinilai dibuat, {}: apakah lognya benar?",
                time(Language::Indonesian, log.last()),
                time(Language::Indonesian, inputs.orders.created_at.first())
            ),
        ),
        Warning::DatedAfterNotification => {
            let (english, indonesian) = orders(inputs.dated.after_notification.count);
            both(
                format!(
                    "{english} dated after DOKU's word about them: is the month read as the day, or the zone another?"
                ),
                format!(
                    "{indonesian} bertanggal setelah kabar DOKU tentangnya: apakah bulan terbaca sebagai hari, atau zona waktunya lain?"
                ),
            )
        }
        Warning::DatedInFuture => {
            let (english, indonesian) = orders(inputs.dated.in_future.count);
            both(
                format!("{english} dated after the time of this audit: is the month read as the day?"),
                format!("{indonesian} bertanggal setelah waktu audit ini: apakah bulan terbaca sebagai hari?"),
            )
        }
    }
}
