//! The provider: whether its host can be reached, and whether its clock and ours agree.

use std::time::Duration;

use super::Finding;
use crate::cli::load::Case;
use crate::edge::reach::{Reached, Unreached, reach};
use crate::model::operation::Task;
use crate::model::time::{Timestamp, after, elapsed, span_text, wire};

/// DOKU does not say how far a clock may be off. From here on somebody should know ...
const WORTH_A_LOOK: Duration = Duration::from_secs(5);

/// ... and from here on signatures are likely to be refused (`failure-modes.md` S3).
const TOO_FAR: Duration = Duration::from_secs(60);

pub(super) async fn findings(case: &Case, offline: bool) -> Vec<Finding> {
    let check = "provider";
    let url = case.job.merchant.base_url.as_deref().or_else(|| case.job.merchant.environment.host());
    let url = match url {
        _ if case.job.task == Task::Audit => return vec![Finding::fine(check, "an audit calls nobody")],
        None => return vec![Finding::fine(check, "the simulator inside this program")],
        Some(url) if offline => return vec![Finding::fine(check, format!("{url}: left out (--offline)"))],
        Some(url) => url,
    };
    match reach(url).await {
        Ok(reached) => {
            let how = if reached.tls { "TCP, TLS and HTTP" } else { "TCP and HTTP" };
            vec![Finding::fine(check, format!("{url} ({}): {how} work", reached.address)), clock(&reached)]
        }
        Err(unreached) => vec![Finding::fault(check, format!("{url}: {unreached}"), remedy(&unreached))],
    }
}

const fn remedy(unreached: &Unreached) -> &'static str {
    match unreached {
        Unreached::Name(..) => "check the name server of this machine, and merchant.base_url",
        Unreached::Connection(..) => {
            "a firewall may be in the way, or the server is down: calls go to this host directly, never through a proxy"
        }
        Unreached::Tls(..) => {
            "check the clock, the root certificates of this machine, and whether a proxy breaks TLS open"
        }
        Unreached::Answer(..) => {
            "something takes connections there and does not answer: check merchant.base_url, try again later"
        }
    }
}

fn clock(reached: &Reached) -> Finding {
    let check = "clock";
    let Some(date) = reached.date else {
        let remedy = "compare this machine's clock with another one (chronyc tracking, timedatectl)";
        return Finding::warning(check, "the answer has no Date to compare with", remedy);
    };
    let remedy = "set the clock: run chronyd or systemd-timesyncd";
    let (off, way) = apart(date, reached.before, reached.after);
    let found = |limit: Duration| {
        format!(
            "{} {way} the provider's ({} here, {} there); more than {} is too much for signatures",
            span_text(Duration::from_secs(off.as_secs())),
            wire(reached.after),
            wire(date),
            span_text(limit)
        )
    };
    match off {
        off if off > TOO_FAR => Finding::fault(check, found(TOO_FAR), remedy),
        off if off > WORTH_A_LOOK => Finding::warning(check, found(TOO_FAR), remedy),
        _ => Finding::fine(check, format!("agrees with the provider's to {}", span_text(WORTH_A_LOOK))),
    }
}

/// How far our clock is from the provider's at least, which says whole seconds and answered at some moment in between.
fn apart(date: Timestamp, before: Timestamp, then: Timestamp) -> (Duration, &'static str) {
    let end = after(date, Duration::from_secs(1));
    let (ahead, behind) = (elapsed(end, before), elapsed(then, date));
    if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_instant;

    #[test]
    fn a_clock_is_off_by_what_neither_rounding_nor_the_wire_explains() {
        let at = |text: &str| parse_instant(&format!("2026-11-21T18:00:{text}Z")).unwrap();
        let date = at("30");
        for (before, then, expected) in [
            ("30.2", "30.9", (0, "behind")),
            ("29.5", "30.0", (0, "behind")),
            ("31.0", "31.4", (0, "behind")),
            ("33.0", "33.4", (2, "ahead of")),
            ("20.0", "24.0", (6, "behind")),
        ] {
            let (off, way) = apart(date, at(before), at(then));
            assert_eq!((off.as_secs(), way), expected, "{before}");
        }
    }
}
