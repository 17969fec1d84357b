//! What does not depend on a job: signatures, zones, and how many files may be open.

use super::Finding;
use crate::cli::load::Case;
use crate::doku::self_test;
use crate::edge::{environment, machine};
use crate::model::time::{Zone, parse_instant};

/// Files that a run has open beside its connections: journal, logs, results, the terminal.
const FILES_OF_A_RUN: u64 = 64;

pub(super) fn findings() -> Vec<Finding> {
    vec![signatures(), zones()]
}

fn signatures() -> Finding {
    let (good, all) = self_test::known_answers();
    if good == all {
        return Finding::fine("signatures", format!("{all} known answers come out"));
    }
    let found = format!("{good} of {all} known answers come out: DOKU would refuse every call");
    Finding::fault("signatures", found, "this program is damaged; install it anew")
}

/// Business days are WIB, whatever the machine's own zone is: the zones of a job are part of this program.
fn zones() -> Finding {
    let check = "time zones";
    let known = parse_instant("2026-11-21T17:30:00Z").map(|at| Zone::WIB.local(at).to_string());
    if known.as_deref() != Some("2026-11-22 00:30:00") {
        return Finding::fault(check, "midnight in Jakarta is not where it should be", "install this program anew");
    }
    match environment::zone() {
        Some(zone) => Finding::fine(check, format!("those of jobs are built in; this machine's clock shows {zone}")),
        None => Finding::warning(
            check,
            "this machine does not say which zone its clock shows",
            "name it when a job is scheduled for cron: rekon schedule JOB --format cron --machine-zone ZONE",
        ),
    }
}

/// Every call under way holds a connection.
pub(super) fn open_files(case: &Case) -> Option<Finding> {
    let limit = machine::open_files()?;
    let concurrency = case.job.limits.concurrency.get();
    let needs = u64::from(concurrency) + FILES_OF_A_RUN;
    Some(if limit >= needs {
        Finding::fine("open files", format!("{limit} may be open, and a run needs {needs}"))
    } else {
        Finding::fault(
            "open files",
            format!("{limit} may be open, and limits.concurrency {concurrency} needs {needs}"),
            format!("raise the limit (ulimit -n {needs}, or LimitNOFILE= of systemd), or lower limits.concurrency"),
        )
    })
}
