//! What is said every half minute where there is no terminal: a line for people, or the same for machines.

use std::time::Duration;

use serde_json::Value;

use super::{Phase, Reading};
use crate::model::language::Language;
use crate::model::time::Timestamp;
use crate::report::words::progress::Words;

impl Reading {
    /// All of it, for machines.
    pub(in crate::cli) fn fields(&self, phase: Phase) -> Value {
        let english = Words::of(Language::English);
        let time = |at: Option<Timestamp>| at.map(|at| self.local(at).format("%Y-%m-%dT%H:%M").to_string());
        serde_json::json!({
            "phase": phase.word(), "elapsed_seconds": self.elapsed.as_secs(), "orders": self.orders, "ended": self.ended,
            "rupiah": self.planned, "rupiah_ended": self.done, "requests": self.requests, "throttles": self.throttles,
            "rate": self.rate(english), "limit": self.limit(english), "lowered_to": self.lowered_to(english), "in_doubt": self.in_doubt, "done_at": time(self.done_at),
            "window_closes_at": time(self.closes_at), "zone": self.zone.to_string(),
            "waiting_seconds": self.waiting.map(|left| left.as_secs()),
            "waiting_until": self.waiting_until().map(|at| self.local(at).format("%Y-%m-%dT%H:%M:%S").to_string()),
            "next": self.next.map(|(call, _)| call), "next_seconds": self.next.map(|(_, left)| left.as_secs()),
        })
    }

    /// One line: `progress running: job=refund-nightly orders=120/398 rupiah=17840000/58910000 rate=4.9/s …`
    pub(in crate::cli) fn line(&self, phase: Phase, job: Option<&str>, run: Option<&str>) -> String {
        let words = self.words();
        let time = |at: Timestamp| format!("\"{} {}\"", self.time(at), self.zone);
        let no_rate = || format!("0{}0{}", words.point, self.unit(words));
        let next = |(call, left): (&str, Duration)| match self.language {
            Language::English => format!("\"{call} in {}s\"", left.as_secs()),
            Language::Indonesian => format!("\"{}\"", (words.coming)(call, &format!("{} dtk", left.as_secs()))),
        };
        let parts = [
            job.map(str::to_owned),
            run.map(str::to_owned),
            Some(format!("{}/{}", self.ended, self.orders)),
            Some(format!("{}/{}", self.done.whole(), self.planned.whole())),
            Some(self.rate(words).unwrap_or_else(no_rate)),
            self.limit(words),
            self.lowered_to(words),
            Some(self.requests.to_string()),
            Some(self.throttles.to_string()),
            Some(self.in_doubt.count.to_string()),
            Some(self.in_doubt.rupiah.whole().to_string()),
            self.waits_until().map(|until| format!("\"{}\"", (words.waits_until)(&until))),
            self.next.map(next),
            self.done_at.filter(|_| self.ended < self.orders).map(time),
            self.closes_at.map(time),
            Some(format!("{}s", self.elapsed.as_secs())),
        ];
        let parts = words.names.into_iter().zip(parts).filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let [begins, running, ends] = words.phases;
        let phase = match phase {
            Phase::Begins => begins,
            Phase::Running => running,
            Phase::Ends => ends,
        };
        format!("{phase}: {}", parts.collect::<Vec<String>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::screen::WIDTH;
    use super::super::testing::reading;
    use super::*;
    use crate::model::money::{Rupiah, Tally};

    #[test]
    fn in_bahasa_indonesia_no_english_word_is_left_but_that_of_the_header() {
        let in_doubt = Tally { count: 3, rupiah: Rupiah::new(1_250_000) };
        let reading = Reading { language: Language::Indonesian, ..reading() };
        let expected = [
            "120/398 pesanan  Rp 17.840.000 dari Rp 58.910.000",
            "  4,9/dtk dari 5/dtk  selesai 02.14 WIB, jam kirim s.d. 04.30",
        ];
        assert_eq!(reading.lines(WIDTH), expected);
        let reading = Reading { in_doubt, ..reading };
        let waits = Reading { waiting: Some(Duration::from_secs(42)), ..reading.clone() };
        let expected = "  menunggu s.d. 01.30.42 WIB, permintaan DOKU  belum pasti 3, Rp 1.250.000";
        assert_eq!(waits.lines(WIDTH)[1], expected);
        assert_eq!(
            reading.line(Phase::Running, Some("refund-nightly"), None),
            "kemajuan: job=refund-nightly pesanan=120/398 rupiah=17840000/58910000 laju=4,9/dtk batas_laju=5/dtk \
             permintaan=131 dibatasi=2 belum_pasti=3 belum_pasti_rupiah=1250000 selesai_pukul=\"02.14 WIB\" \
             jam_kirim_sampai=\"04.30 WIB\" lama=30s"
        );
        assert_eq!(reading.fields(Phase::Running)["rate"], "4.9/s", "machines read English");
    }

    #[test]
    fn a_wait_says_what_for_and_until_when() {
        let settling = Reading { next: Some(("inquiry", Duration::from_secs(42))), ..reading() };
        assert!(settling.lines(WIDTH)[1].starts_with("  next inquiry in 00:42  "), "{:?}", settling.lines(WIDTH));
        assert!(settling.line(Phase::Running, None, None).contains(" next=\"inquiry in 42s\" "));
        assert_eq!(settling.fields(Phase::Running)["next_seconds"], 42);
    }

    #[test]
    fn a_heartbeat_says_the_same_in_one_line() {
        assert_eq!(
            reading().line(Phase::Running, Some("refund-nightly"), Some("20261123-013000-0001")),
            "progress running: job=refund-nightly run=20261123-013000-0001 orders=120/398 rupiah=17840000/58910000 \
             rate=4.9/s limit=5/s requests=131 throttles=2 in_doubt=0 in_doubt_rupiah=0 done_at=\"02:14 WIB\" \
             window_closes=\"04:30 WIB\" elapsed=30s"
        );
        let fields = reading().fields(Phase::Running);
        assert_eq!((&fields["ended"], &fields["done_at"]), (&120.into(), &"2026-11-23T02:14".into()));
        assert_eq!((&fields["lowered_to"], &fields["waiting_until"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn a_heartbeat_says_what_the_provider_has_asked_for() {
        let waiting = Some(Duration::from_millis(41_200));
        let held = Reading { tenths: Some(3), lowered: Some(25), waiting, ..reading() };
        let line = held.line(Phase::Running, None, None);
        assert!(line.contains(" rate=0.3/s limit=5/s lowered_to=2.5/s requests="), "{line}");
        assert!(line.contains(" waiting=\"until 01:30:41 WIB, as DOKU asked\" done_at="), "{line}");
        let fields = held.fields(Phase::Running);
        assert_eq!((&fields["lowered_to"], &fields["waiting_seconds"]), (&"2.5/s".into(), &41.into()));
        assert_eq!(fields["waiting_until"], "2026-11-23T01:30:41");
        let held = Reading { language: Language::Indonesian, ..held };
        let line = held.line(Phase::Running, None, None);
        assert!(line.contains(" diturunkan_ke=2,5/dtk "), "{line}");
        assert!(line.contains(" menunggu=\"s.d. 01.30.41 WIB, permintaan DOKU\" "), "{line}");
    }
}
