//! The words of a run about itself while it lasts. What is left for machines to read has the English ones.

use crate::model::language::Language;

/// The words of one language.
#[derive(Debug)]
pub struct Words {
    /// So many of so many orders.
    pub orders: fn(u64, u64) -> String,
    /// Between a part and its whole.
    pub of: &'static str,
    /// Everything waits until a time, for the provider asked for it.
    pub waiting: fn(&str) -> String,
    /// The same behind its name.
    pub waits_until: fn(&str) -> String,
    /// The call that comes next, and in how long.
    pub coming: fn(&str, &str) -> String,
    /// So many orders over so much are in doubt.
    pub in_doubt: fn(u64, &str) -> String,
    /// It will be done at a time.
    pub done: fn(&str) -> String,
    /// The window closes at a time.
    pub closes: fn(&str) -> String,
    /// Per second, per minute, per hour.
    pub per: [&'static str; 3],
    /// Between whole numbers and tenths.
    pub point: char,
    /// Between hours and minutes, as `chrono` writes a time of today and of another day.
    pub times: [&'static str; 2],
    /// The time of day with its seconds.
    pub to_the_second: &'static str,
    /// How a heartbeat begins: at the beginning, in between, at the end.
    pub phases: [&'static str; 3],
    /// The names of the values of a heartbeat.
    pub names: [&'static str; 16],
}

impl Words {
    /// The words of a language.
    #[must_use]
    pub const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Indonesian => &INDONESIAN,
        }
    }
}

const ENGLISH: Words = Words {
    orders: |ended, all| format!("{ended}/{all} orders"),
    of: "of",
    waiting: |until| format!("waiting until {until}, as DOKU asked"),
    waits_until: |until| format!("until {until}, as DOKU asked"),
    coming: |call, left| format!("next {call} in {left}"),
    in_doubt: |count, rupiah| format!("in doubt {count}, {rupiah}"),
    done: |at| format!("done {at}"),
    closes: |at| format!("window closes {at}"),
    per: ["/s", "/m", "/h"],
    point: '.',
    times: ["%H:%M", "%d.%m. %H:%M"],
    to_the_second: "%H:%M:%S",
    phases: ["progress begins", "progress running", "progress ends"],
    names: [
        "job",
        "run",
        "orders",
        "rupiah",
        "rate",
        "limit",
        "lowered_to",
        "requests",
        "throttles",
        "in_doubt",
        "in_doubt_rupiah",
        "waiting",
        "next",
        "done_at",
        "window_closes",
        "elapsed",
    ],
};

const INDONESIAN: Words = Words {
    orders: |ended, all| format!("{}/{} pesanan", Language::Indonesian.count(ended), Language::Indonesian.count(all)),
    of: "dari",
    waiting: |until| format!("menunggu s.d. {until}, permintaan DOKU"),
    waits_until: |until| format!("s.d. {until}, permintaan DOKU"),
    coming: |call, left| match call {
        "repeat" => format!("kirim ulang dalam {left}"),
        _ => format!("tanya status dalam {left}"),
    },
    in_doubt: |count, rupiah| format!("belum pasti {}, {rupiah}", Language::Indonesian.count(count)),
    done: |at| format!("selesai {at}"),
    closes: |at| format!("jam kirim s.d. {at}"),
    per: ["/dtk", "/mnt", "/jam"],
    point: ',',
    times: ["%H.%M", "%d/%m %H.%M"],
    to_the_second: "%H.%M.%S",
    phases: ["kemajuan awal", "kemajuan", "kemajuan akhir"],
    names: [
        "job",
        "proses",
        "pesanan",
        "rupiah",
        "laju",
        "batas_laju",
        "diturunkan_ke",
        "permintaan",
        "dibatasi",
        "belum_pasti",
        "belum_pasti_rupiah",
        "menunggu",
        "berikutnya",
        "selesai_pukul",
        "jam_kirim_sampai",
        "lama",
    ],
};
