//! The words of audit.xlsx: names of sheets, titles of columns with their widths in characters, and the page in front. What it
//! shares with the terminal is in [`Speech`](super::speech::Speech).

use crate::model::language::Language;

/// A sheet's name, and its columns.
pub type Titles = (&'static str, &'static [(&'static str, u16)]);

/// The words of one language.
#[derive(Debug)]
pub struct Sheets {
    /// The page that everybody reads first; its columns have no titles.
    pub summary: Titles,
    /// Verdicts with their reasons.
    pub verdicts: Titles,
    /// Business days.
    pub days: Titles,
    /// Whose the words of a business day are: the book's, ours, DOKU's.
    pub of: [&'static str; 3],
    /// The orders that need a person.
    pub breaks: Titles,
    /// The runs that the journal knows.
    pub runs: Titles,
    /// The lines of the first page: job, operation, environment, run, as of, started, ended, exit code.
    pub lines: [&'static str; 8],
    /// What an exit code means.
    pub exit: fn(u8) -> &'static str,
    /// The exit code 0 of an audit that has judged a part of its orders only.
    pub judged_in_part: &'static str,
    /// A run that stopped part-way.
    pub stopped: &'static str,
    /// The first business day, and the last.
    pub period: [&'static str; 2],
    /// The saved plan that was executed.
    pub saved_plan: &'static str,
    /// A guard that was loosened.
    pub guard: &'static str,
    /// Above the files: the file, and where it is.
    pub files: [&'static str; 2],
    /// How a run without an end ended.
    pub no_end: &'static str,
    /// The runs are not known, and why.
    pub unread_runs: fn(&str) -> String,
}

impl Sheets {
    /// The words of a language.
    #[must_use]
    pub const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Indonesian => &INDONESIAN,
        }
    }
}

const ENGLISH: Sheets = Sheets {
    summary: ("Summary", &[("", 36), ("", 28), ("", 22), ("", 22), ("", 12)]),
    verdicts: ("Verdicts", &[("verdict", 20), ("reason", 56), ("severity", 11), ("orders", 12), ("rupiah", 22)]),
    days: ("Days", &[("business day", 14), ("of", 10), ("word", 20), ("count", 12), ("rupiah", 22)]),
    of: ["book", "verdict", "doku"],
    breaks: (
        "Breaks",
        &[
            ("invoice", 24),
            ("amount", 18),
            ("verdict", 18),
            ("reason", 60),
            ("what to do", 20),
            ("book says", 12),
            ("DOKU says", 12),
            ("DOKU's amount", 18),
            ("difference", 18),
            ("result of our runs", 16),
            ("payment reference", 24),
            ("order id", 20),
            ("Akulaku reference", 24),
            ("request id", 38),
            ("notifications", 13),
            ("duplicates", 11),
            ("first received (WIB)", 20),
            ("last received (WIB)", 20),
            ("age in hours", 12),
        ],
    ),
    runs: (
        "Runs",
        &[
            ("run", 28),
            ("job", 24),
            ("operation", 11),
            ("environment", 13),
            ("started (WIB)", 20),
            ("ended (WIB)", 20),
            ("exit code", 10),
            ("rows", 10),
            ("in doubt now", 13),
        ],
    ),
    lines: ["job", "operation", "environment", "run", "as of (WIB)", "started (WIB)", "ended (WIB)", "exit code"],
    exit: |code| match code {
        0 => "done, and everything reconciles",
        1 => "done, but a person must look: see the sheet Breaks",
        3 => "money is in doubt: run again soon",
        4 => "stopped part-way: run again to continue",
        _ => "",
    },
    judged_in_part: "done, and what was judged reconciles",
    stopped: "stopped part-way",
    period: ["business days, first", "business days, last"],
    saved_plan: "saved plan",
    guard: "guard",
    files: ["file", "where, from the folder of the job"],
    no_end: "cut off, or still running",
    unread_runs: |why| format!("the runs are not known: {why}"),
};

const INDONESIAN: Sheets = Sheets {
    summary: ("Ringkasan", &[("", 48), ("", 34), ("", 22), ("", 22), ("", 12)]),
    verdicts: ("Kesimpulan", &[("kesimpulan", 34), ("alasan", 60), ("tingkat", 12), ("pesanan", 12), ("rupiah", 22)]),
    days: ("Hari", &[("tanggal", 14), ("menurut", 12), ("kata", 48), ("jumlah", 12), ("rupiah", 22)]),
    of: ["buku", "kesimpulan", "DOKU"],
    breaks: (
        "Temuan",
        &[
            ("invoice", 24),
            ("nominal", 18),
            ("kesimpulan", 34),
            ("alasan", 60),
            ("tindakan", 34),
            ("menurut buku", 16),
            ("menurut DOKU", 14),
            ("nominal DOKU", 18),
            ("selisih", 18),
            ("hasil proses kita", 26),
            ("referensi pembayaran", 24),
            ("order id", 20),
            ("referensi Akulaku", 24),
            ("request id", 38),
            ("notifikasi", 13),
            ("salinan", 11),
            ("pertama diterima (WIB)", 22),
            ("terakhir diterima (WIB)", 22),
            ("umur (jam)", 12),
        ],
    ),
    runs: (
        "Proses",
        &[
            ("proses", 28),
            ("job", 24),
            ("operasi", 18),
            ("lingkungan", 13),
            ("mulai (WIB)", 20),
            ("selesai (WIB)", 20),
            ("kode keluar", 12),
            ("baris", 10),
            ("kini belum pasti", 16),
        ],
    ),
    lines: [
        "job",
        "operasi",
        "lingkungan",
        "proses",
        "keadaan per (WIB)",
        "mulai (WIB)",
        "selesai (WIB)",
        "kode keluar",
    ],
    exit: |code| match code {
        0 => "selesai, dan semuanya cocok",
        1 => "selesai, tetapi perlu diperiksa: lihat lembar Temuan",
        3 => "ada uang yang belum pasti: jalankan lagi segera",
        4 => "berhenti di tengah jalan: jalankan lagi untuk melanjutkan",
        _ => "",
    },
    judged_in_part: "selesai, dan yang dinilai cocok",
    stopped: "berhenti di tengah jalan",
    period: ["tanggal pertama", "tanggal terakhir"],
    saved_plan: "rencana tersimpan",
    guard: "batas",
    files: ["berkas", "tempatnya, dari folder job"],
    no_end: "terputus, atau masih berjalan",
    unread_runs: |why| format!("daftar proses tidak diketahui: {why}"),
};
