//! The provider: whether its host can be reached, and whether its clock and ours agree.

use std::time::Duration;

use super::Finding;
use crate::cli::load::Case;
use crate::edge::reach::{Reached, Unreached, reach};
use crate::model::operation::Task;
use crate::model::time::{Timestamp, after, elapsed, span_text, wire};
use crate::report::words::both::{Both, both};

/// DOKU does not say how far a clock may be off. From here on somebody should know ...
const WORTH_A_LOOK: Duration = Duration::from_secs(5);

/// ... and from here on signatures are likely to be refused (`failure-modes.md` S3).
const TOO_FAR: Duration = Duration::from_secs(60);

const AHEAD: &str = "ahead of";

pub(super) async fn findings(case: &Case, offline: bool) -> Vec<Finding> {
    let check = "provider";
    let url = case.job.merchant.base_url.as_deref().or_else(|| case.job.merchant.environment.host());
    let url = match url {
        _ if case.job.task == Task::Audit => {
            return vec![Finding::fine(check, both("an audit calls nobody", "audit tidak memanggil siapa pun"))];
        }
        None => {
            let found = both("the simulator inside this program", "simulator di dalam program ini");
            return vec![Finding::fine(check, found)];
        }
        Some(url) if offline => {
            let found = both(format!("{url}: left out (--offline)"), format!("{url}: dilewati (--offline)"));
            return vec![Finding::fine(check, found)];
        }
        Some(url) => url,
    };
    match reach(url).await {
        Ok(reached) => {
            let (how, dan) =
                if reached.tls { ("TCP, TLS and HTTP", "TCP, TLS dan HTTP") } else { ("TCP and HTTP", "TCP dan HTTP") };
            let at = format!("{url} ({})", reached.address);
            vec![
                Finding::fine(check, both(format!("{at}: {how} work"), format!("{at}: {dan} berfungsi"))),
                clock(&reached),
            ]
        }
        Err(unreached) => vec![Finding::fault(check, Both::same(format!("{url}: {unreached}")), remedy(&unreached))],
    }
}

fn remedy(unreached: &Unreached) -> Both {
    match unreached {
        Unreached::Name(..) => both(
            "check the name server of this machine, and merchant.base_url",
            "periksa name server mesin ini, dan merchant.base_url",
        ),
        Unreached::Connection(..) => both(
            "a firewall may be in the way, or the server is down: calls go to this host directly, never through a proxy",
            "mungkin terhalang firewall, atau servernya mati: panggilan langsung menuju host ini, tidak pernah lewat proxy",
        ),
        Unreached::Tls(..) => both(
            "check the clock, the root certificates of this machine, and whether a proxy breaks TLS open",
            "periksa jam, sertifikat root mesin ini, dan apakah ada proxy yang membuka TLS",
        ),
        Unreached::Answer(..) => both(
            "something takes connections there and does not answer: check merchant.base_url, try again later",
            "koneksi diterima tetapi tidak dijawab: periksa merchant.base_url, coba lagi nanti",
        ),
    }
}

fn clock(reached: &Reached) -> Finding {
    let check = "clock";
    let Some(date) = reached.date else {
        let remedy = both(
            "compare this machine's clock with another one (chronyc tracking, timedatectl)",
            "bandingkan jam mesin ini dengan jam lain (chronyc tracking, timedatectl)",
        );
        let found = both("the answer has no Date to compare with", "jawabannya tanpa Date untuk dibandingkan");
        return Finding::warning(check, found, remedy);
    };
    let remedy =
        both("set the clock: run chronyd or systemd-timesyncd", "setel jam: jalankan chronyd atau systemd-timesyncd");
    let (off, way) = apart(date, reached.before, reached.after);
    let found = |limit: Duration| {
        let (off, limit) = (span_text(Duration::from_secs(off.as_secs())), span_text(limit));
        let (here, there) = (wire(reached.after), wire(date));
        let arah = if way == AHEAD { "lebih cepat dari" } else { "lebih lambat dari" };
        both(
            format!(
                "{off} {way} the provider's ({here} here, {there} there); more than {limit} is too much for signatures"
            ),
            format!(
                "{off} {arah} jam DOKU ({here} di sini, {there} di sana); lebih dari {limit} terlalu jauh untuk tanda tangan"
            ),
        )
    };
    match off {
        off if off > TOO_FAR => Finding::fault(check, found(TOO_FAR), remedy),
        off if off > WORTH_A_LOOK => Finding::warning(check, found(TOO_FAR), remedy),
        _ => {
            let limit = span_text(WORTH_A_LOOK);
            let found = both(
                format!("agrees with the provider's to {limit}"),
                format!("sama dengan jam DOKU, selisihnya di bawah {limit}"),
            );
            Finding::fine(check, found)
        }
    }
}

/// How far our clock is from the provider's at least, which says whole seconds and answered at some moment in between.
fn apart(date: Timestamp, before: Timestamp, then: Timestamp) -> (Duration, &'static str) {
    let end = after(date, Duration::from_secs(1));
    let (ahead, behind) = (elapsed(end, before), elapsed(then, date));
    if ahead > behind { (ahead, AHEAD) } else { (behind, "behind") }
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
