//! What does not depend on a job: signatures, zones, and how many files may be open.

use super::Finding;
use crate::cli::load::Case;
use crate::doku::self_test;
use crate::edge::{environment, machine};
use crate::model::time::{Zone, parse_instant};
use crate::report::words::both::both;

/// Files that a run has open beside its connections: journal, logs, results, the terminal.
const FILES_OF_A_RUN: u64 = 64;

pub(super) fn findings() -> Vec<Finding> {
    vec![signatures(), zones()]
}

fn signatures() -> Finding {
    let (good, all) = self_test::known_answers();
    if good == all {
        let found = both(format!("{all} known answers come out"), format!("{all} contoh tanda tangan semuanya benar"));
        return Finding::fine("signatures", found);
    }
    let found = both(
        format!("{good} of {all} known answers come out: DOKU would refuse every call"),
        format!("hanya {good} dari {all} contoh tanda tangan yang benar: DOKU akan menolak setiap panggilan"),
    );
    Finding::fault(
        "signatures",
        found,
        both("this program is damaged; install it anew", "program ini rusak; pasang ulang"),
    )
}

/// Business days are WIB, whatever the machine's own zone is: the zones of a job are part of this program.
fn zones() -> Finding {
    let check = "time zones";
    let known = parse_instant("2026-11-21T17:30:00Z").map(|at| Zone::WIB.local(at).to_string());
    if known.as_deref() != Some("2026-11-22 00:30:00") {
        return Finding::fault(
            check,
            both("midnight in Jakarta is not where it should be", "tengah malam di Jakarta tidak pada tempatnya"),
            both("install this program anew", "pasang ulang program ini"),
        );
    }
    match environment::zone() {
        Some(zone) => Finding::fine(
            check,
            both(
                format!("those of jobs are built in; this machine's clock shows {zone}"),
                format!("zona untuk job sudah ada di program; jam mesin ini memakai {zone}"),
            ),
        ),
        None => Finding::warning(
            check,
            both("this machine does not say which zone its clock shows", "mesin ini tidak menyebut zona waktunya"),
            both(
                "name it when a job is scheduled for cron: rekon schedule JOB --format cron --machine-zone ZONE",
                "sebutkan saat menjadwalkan dengan cron: rekon schedule JOB --format cron --machine-zone ZONE",
            ),
        ),
    }
}

/// Every call under way holds a connection.
pub(super) fn open_files(case: &Case) -> Option<Finding> {
    let limit = machine::open_files()?;
    let concurrency = case.job.limits.concurrency.get();
    let needs = u64::from(concurrency) + FILES_OF_A_RUN;
    Some(if limit >= needs {
        Finding::fine(
            "open files",
            both(
                format!("{limit} may be open, and a run needs {needs}"),
                format!("boleh {limit} terbuka, satu proses perlu {needs}"),
            ),
        )
    } else {
        Finding::fault(
            "open files",
            both(
                format!("{limit} may be open, and limits.concurrency {concurrency} needs {needs}"),
                format!("hanya boleh {limit} terbuka, sedangkan limits.concurrency {concurrency} perlu {needs}"),
            ),
            both(
                format!("raise the limit (ulimit -n {needs}, or LimitNOFILE= of systemd), or lower limits.concurrency"),
                format!(
                    "naikkan batasnya (ulimit -n {needs}, atau LimitNOFILE= di systemd), atau turunkan limits.concurrency"
                ),
            ),
        )
    })
}
