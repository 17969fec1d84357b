//! Where a run writes: the folders of the journal and of the results, the space on their disks, and the journal itself.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::cli::at_work::AtWork;
use crate::cli::load::{Case, named, shown};
use crate::edge::machine;
use crate::job::settings::Source;
use crate::journal::record::{Head, Item};
use crate::journal::sqlite::SqliteJournal;
use crate::journal::store::{Location, Store};
use crate::journal::{Journal as _, JournalError};
use crate::model::operation::Task;
use crate::model::time::{CORRECTION, Timestamp, elapsed, wire};
use crate::plan::guard::counted;
use crate::report::words::both::{Both, both, lost};

/// With less than this nothing is begun: the journal keeps a reserve, and results of a large run have tens of megabytes.
const LEAST_FREE: u64 = 64 << 20;

/// With less than this somebody should know.
const LITTLE_FREE: u64 = 1 << 30;

/// Whether there is a file of orders; tonight's export may be still to come.
pub(super) fn orders(case: &Case) -> Option<Finding> {
    let Source::File(file) = &case.job.orders.source else { return None };
    let path = case.path(file);
    let file = shown(&path);
    let found = both(format!("{file} is no file"), format!("{file} tidak ada"));
    let remedy = both(
        "until the export is there a run ends with exit code 2",
        "selama ekspornya belum ada, proses berakhir dengan kode keluar 2",
    );
    (!path.is_file()).then(|| Finding::warning("orders", found, remedy))
}

pub(super) async fn findings(case: &Case, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![writable("output folder", &case.path(&case.job.output.directory))];
    if case.job.task != Task::Audit {
        findings.push(writable("journal folder", &case.journal_folder()));
    }
    findings.extend(journal(&case.journal, now).await);
    findings
}

/// Whether a folder takes files, or could be made. A folder that is not there stays so.
fn writable(check: &'static str, folder: &Path) -> Finding {
    let there = existing(folder);
    let name = shown(&there);
    if !there.is_dir() {
        return Finding::fault(
            check,
            both(format!("{name} is in the way: it is no folder"), format!("{name} menghalangi: bukan folder")),
            both("move it, or name another folder in the job", "pindahkan, atau sebutkan folder lain di job"),
        );
    }
    if let Err(error) = machine::try_to_write(&there) {
        let remedy = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => make_room(),
            _ => both(
                "let the user of this program write there, or name another folder in the job",
                "beri pengguna program ini izin menulis di sana, atau sebutkan folder lain di job",
            ),
        };
        let found = both(
            format!("nothing can be written to {name}: {error}"),
            format!("tidak dapat menulis ke {name}: {error}"),
        );
        return Finding::fault(check, found, remedy);
    }
    let Both { english, indonesian } = if there == folder {
        Both::same(name)
    } else {
        let folder = shown(folder);
        both(format!("{folder} is made by the first run"), format!("{folder} dibuat oleh proses pertama"))
    };
    match machine::free_bytes(&there) {
        Ok(free) if free < LEAST_FREE => Finding::fault(
            check,
            both(
                format!("{english}: {} are free on its disk", size(free)),
                format!("{indonesian}: disknya tinggal {}", size(free)),
            ),
            make_room(),
        ),
        Ok(free) if free < LITTLE_FREE => Finding::warning(
            check,
            both(
                format!("{english}: only {} are free on its disk", size(free)),
                format!("{indonesian}: disknya tinggal {}", size(free)),
            ),
            both("make room before the disk is full", "kosongkan disk sebelum penuh"),
        ),
        Ok(free) => Finding::fine(
            check,
            both(
                format!("{english}: writable, {} free", size(free)),
                format!("{indonesian}: dapat ditulisi, sisa {}", size(free)),
            ),
        ),
        Err(error) => Finding::warning(
            check,
            both(
                format!("{english}: nobody says how much is free: {error}"),
                format!("{indonesian}: sisa tempat di disk tidak diketahui: {error}"),
            ),
            both("look at the disk", "periksa disknya"),
        ),
    }
}

fn make_room() -> Both {
    both(
        format!("make room: at least {} must be free", size(LEAST_FREE)),
        format!("kosongkan disk: paling sedikit {} harus kosong", size(LEAST_FREE)),
    )
}

/// The innermost part of a path that is there.
fn existing(path: &Path) -> PathBuf {
    let here = || PathBuf::from(".");
    let found = path.ancestors().find(|part| !part.as_os_str().is_empty() && part.symlink_metadata().is_ok());
    found.map_or_else(here, Path::to_owned)
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mebibytes if mebibytes < 10 << 10 => format!("{mebibytes} MiB"),
        mebibytes => format!("{} GiB", mebibytes >> 10),
    }
}

async fn journal(location: &Location, now: Timestamp) -> Vec<Finding> {
    let (check, name) = ("journal", named(location));
    if let Some(kind) = location.file().and_then(|path| SqliteJournal::on_remote_disk(&existing(path))) {
        let found = both(
            format!("{name} lies on a network file system ({kind}), where two runners could hold it"),
            format!("{name} berada di disk jaringan ({kind}), yang dapat dipakai dua proses sekaligus"),
        );
        let remedy = both("name a path on a local disk: journal: PATH", "sebutkan path di disk lokal: journal: PATH");
        return vec![Finding::fault(check, found, remedy)];
    }
    let look = format!("rekon journal check --journal {name}");
    let remedy = match location {
        Location::File(_) => both(
            format!("put back a backup, after a look: {look}"),
            format!("pasang kembali cadangannya, setelah diperiksa: {look}"),
        ),
        Location::Server { .. } => both(
            "see what its server says; docs/several-hosts.md says what it must be",
            "lihat pesan servernya; syarat-syaratnya ada di docs/several-hosts.md",
        ),
    };
    let damaged = |error: &dyn std::fmt::Display| {
        let told = error.to_string();
        // An error that knows what to do knows better.
        match told.split_once("\n  hint: ") {
            Some((found, hint)) => Finding::fault(check, Both::same(found), Both::same(hint)),
            None => Finding::fault(check, Both::same(told), remedy.clone()),
        }
    };
    let journal = match Store::open_to_read(location).await {
        Ok(Some(journal)) => journal,
        Ok(None) if matches!(location, Location::Server { .. }) => {
            let remedy = both(
                "make them, with the role that owns the database: rekon journal migrate URL",
                "buat, dengan role pemilik database: rekon journal migrate URL",
            );
            let found = both(format!("{name}: has no tables yet"), format!("{name}: belum ada tabelnya"));
            return vec![Finding::warning(check, found, remedy)];
        }
        Ok(None) => {
            let found = both(
                format!("{name}: none yet; the first run makes it"),
                format!("{name}: belum ada; dibuat oleh proses pertama"),
            );
            return vec![Finding::fine(check, found)];
        }
        Err(older @ JournalError::Older { .. }) => {
            let remedy = both(
                "until then plan, show and an audit cannot read it; carry it over, with nothing new sent: rekon resolve JOB",
                "sebelum itu plan, show dan audit tidak dapat membacanya; pindahkan, tanpa mengirim yang baru: rekon resolve JOB",
            );
            return vec![Finding::warning(check, Both::same(older.to_string()), remedy)];
        }
        Err(JournalError::NoRoom { .. }) => {
            let found = both(
                format!(
                    "{name}: its disk is full, and without room the journal cannot be opened; what is in it is untouched"
                ),
                format!("{name}: disknya penuh, dan tanpa ruang jurnal tidak dapat dibuka; isinya tidak terpengaruh"),
            );
            let remedy = both(
                "make room on that disk, then look again; do not put back a backup for it",
                "kosongkan disk itu, lalu periksa lagi; jangan pasang kembali cadangan",
            );
            return vec![Finding::fault(check, found, remedy)];
        }
        Err(error) => return vec![damaged(&error)],
    };
    let at_work = AtWork::on(&journal, location).await;
    let (head, at_work, doubts) = match (journal.head().await, at_work, journal.doubts().await) {
        (Ok(head), Ok(at_work), Ok(doubts)) => (head, at_work, doubts),
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => return vec![damaged(&error)],
    };
    let mut findings = vec![last_entry(location, head, now)];
    if let Some(loss) = journal.loss() {
        let Both { english, indonesian } = lost(&loss);
        let found = both(
            format!("{name}: {english}: it was restored from an old copy, or made anew"),
            format!("{name}: {indonesian}: dipulihkan dari salinan lama, atau dibuat baru"),
        );
        let remedy = both(
            "put the newer journal back; docs/reliability.md says what a run does",
            "pasang kembali jurnal yang lebih baru; yang dilakukan sebuah proses ada di docs/reliability.md",
        );
        findings.push(Finding::warning("journal", found, remedy));
    }
    findings.extend(money(location, doubts, &at_work));
    findings.push(lock(location, &journal).await);
    findings
}

/// What is in doubt, and what may be once its runner has ended.
fn money(location: &Location, doubts: Vec<Item>, at_work: &AtWork) -> Vec<Finding> {
    let (under_way, doubts): (Vec<Item>, Vec<Item>) = doubts.into_iter().partition(|item| at_work.has(item));
    let [under_way, doubts] = [under_way.len() as u64, doubts.len() as u64];
    let mut findings = Vec::new();
    if under_way > 0 {
        let found = both(
            format!("{} under way, whose answers a runner waits for", counted(under_way, "item")),
            format!("{under_way} item sedang dikerjakan, jawabannya ditunggu sebuah proses"),
        );
        findings.push(Finding::fine("money", found));
    }
    if doubts > 0 {
        let show = format!("rekon show --journal {}", named(location));
        let found = both(format!("{} in doubt", counted(doubts, "item")), format!("{doubts} item belum pasti"));
        let remedy = both(format!("which ones: {show}"), format!("yang mana: {show}"));
        findings.push(Finding::warning("money", found, remedy));
    }
    findings
}

/// How the journal's log ends.
fn last_entry(location: &Location, head: Option<Head>, now: Timestamp) -> Finding {
    let (check, name) = ("journal", named(location));
    let look = format!("rekon journal check --journal {name}");
    match head {
        Some(head) if elapsed(now, head.at) > CORRECTION => Finding::fault(
            check,
            both(
                format!(
                    "{name}: its last entry is of {}, and the clock of this machine says {}",
                    wire(head.at),
                    wire(now)
                ),
                format!("{name}: catatan terakhirnya {}, sedangkan jam mesin ini {}", wire(head.at), wire(now)),
            ),
            both(
                "set the clock; if it is right now: rekon journal accept",
                "setel jam; bila jamnya sekarang sudah benar: rekon journal accept",
            ),
        ),
        head => {
            let entries = head.map_or(0, |head| head.seq);
            let Both { english, indonesian } = if location.file().is_none_or(SqliteJournal::is_long) {
                both(format!("too long for a glance: {look}"), format!("terlalu panjang untuk sekilas: {look}"))
            } else {
                both("whole", "utuh")
            };
            let found = both(
                format!("{name}: {entries} entries in its log, {english}"),
                format!("{name}: {entries} catatan, {indonesian}"),
            );
            Finding::fine(check, found)
        }
    }
}

/// Whether a runner is at work; of a file there is one at most.
async fn lock(location: &Location, journal: &Store) -> Finding {
    match (journal.is_held(location).await, location) {
        (Err(error), _) => Finding::fault(
            "lock",
            Both::same(error.to_string()),
            both("see what its server says", "lihat pesan servernya"),
        ),
        (Ok(false), _) => Finding::fine("lock", both("no runner is at work", "tidak ada proses yang berjalan")),
        (Ok(true), Location::File(_)) => Finding::warning(
            "lock",
            both(
                "a runner is at work; another one would end with exit code 5",
                "ada proses yang sedang berjalan; proses lain akan berakhir dengan kode keluar 5",
            ),
            both("wait for its end", "tunggu sampai selesai"),
        ),
        (Ok(true), Location::Server { .. }) => Finding::fine(
            "lock",
            both(
                "runners are at work; another one may join them",
                "ada proses yang sedang berjalan; host lain boleh bergabung",
            ),
        ),
    }
}
