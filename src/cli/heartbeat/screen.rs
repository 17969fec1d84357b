//! What is drawn on a terminal.

use std::time::Duration;

use super::{Reading, millis};

/// The lines on a terminal are no wider than this.
pub(super) const WIDTH: usize = 80;

/// The space before the bar and behind it.
const AROUND_THE_BAR: usize = 4;

/// What the bar needs at least to be worth a look, with the space around it.
#[cfg(test)]
const BESIDE_THE_BAR: usize = 14;

impl Reading {
    /// What stands beside the bar, and the line below: no wider than the terminal, and at most 80 columns. What matters least
    /// is left out first.
    pub(in crate::cli) fn lines(&self, columns: usize) -> [String; 2] {
        let columns = columns.min(WIDTH);
        let words = self.words();
        let orders = (words.orders)(self.ended, self.orders);
        let counts =
            [format!("{orders}  {} {} {}", self.done, words.of, self.planned), orders, format!("{}", self.ended)];
        let counts = counts.into_iter().find(|text| text.chars().count() + AROUND_THE_BAR <= columns);
        // The first has to stay, and the last goes first. They are shown in the order of their numbers.
        let parts = [
            (0, self.waits_until().map(|until| (words.waiting)(&until)).or_else(|| self.coming())),
            (
                3,
                (self.in_doubt.count > 0)
                    .then(|| (words.in_doubt)(self.in_doubt.count, &self.in_doubt.rupiah.to_string())),
            ),
            (2, self.closing()),
            (1, self.pace()),
        ];
        let mut kept: Vec<(u8, String)> = Vec::new();
        let mut width = 0;
        for (place, text) in parts {
            let Some(text) = text else { continue };
            let needed = text.chars().count() + 2;
            if width + needed <= columns {
                width += needed;
                kept.push((place, text));
            }
        }
        kept.sort_by_key(|(place, _)| *place);
        let second: Vec<String> = kept.into_iter().map(|(_, text)| text).collect();
        [counts.unwrap_or_default(), format!("  {}", second.join("  "))]
    }

    /// A bar over the columns that what stands beside it leaves.
    pub(in crate::cli) fn bar(&self, columns: usize, beside: &str) -> String {
        let width = columns.saturating_sub(AROUND_THE_BAR + beside.chars().count());
        let ended = self.ended.saturating_mul(width as u64).checked_div(self.orders).unwrap_or_default();
        let ended = usize::try_from(ended).map_or(width, |ended| ended.min(width));
        format!("  {}{}  {beside}", "█".repeat(ended), "░".repeat(width - ended))
    }

    /// `next inquiry in 00:42`
    fn coming(&self) -> Option<String> {
        self.next.map(|(call, left)| (self.words().coming)(call, &clock(left)))
    }

    /// `done 02:14 WIB, window closes 04:30`
    fn closing(&self) -> Option<String> {
        // While everything waits, the wait says enough about when it will be done.
        let words = self.words();
        let done = self.done_at.filter(|_| self.waiting.is_none());
        let done = done.map(|at| (words.done)(&format!("{} {}", self.time(at), self.zone)));
        let closes = self.closes_at.map(|at| (words.closes)(&self.time(at)));
        match (done, closes) {
            (Some(done), Some(closes)) => Some(format!("{done}, {closes}")),
            (done, closes) => done.or(closes),
        }
    }

    /// `4.9/s of 5/s`, or `2.4/s of 2.5/s (5/s)` while the rate is lowered.
    fn pace(&self) -> Option<String> {
        let words = self.words();
        let rate = self.rate(words)?;
        Some(match (self.lowered_to(words), self.limit(words)) {
            (Some(lowered), Some(limit)) => format!("{rate} {} {lowered} ({limit})", words.of),
            (None, Some(limit)) => format!("{rate} {} {limit}", words.of),
            (_, None) => rate,
        })
    }
}

/// `00:42`, in minutes and seconds.
fn clock(span: Duration) -> String {
    // A wait that has begun its last second is not over.
    let seconds = millis(span).div_ceil(1000);
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{quota, reading};
    use super::*;
    use crate::model::money::{Rupiah, Tally};
    use crate::model::time::parse_instant;

    #[test]
    fn two_lines_say_how_far_how_fast_and_until_when() {
        assert_eq!(
            reading().lines(WIDTH),
            ["120/398 orders  Rp 17.840.000 of Rp 58.910.000", "  4.9/s of 5/s  done 02:14 WIB, window closes 04:30"]
        );
        let doubtful = Reading { in_doubt: Tally { count: 3, rupiah: Rupiah::new(1_250_000) }, ..reading() };
        assert_eq!(
            doubtful.lines(WIDTH)[1],
            "  4.9/s of 5/s  done 02:14 WIB, window closes 04:30  in doubt 3, Rp 1.250.000"
        );
        let waiting = Reading { waiting: Some(Duration::from_millis(41_200)), ..doubtful };
        assert_eq!(waiting.lines(WIDTH)[1], "  waiting until 01:30:41 WIB, as DOKU asked  in doubt 3, Rp 1.250.000");
        let lowered = Reading { tenths: Some(24), lowered: Some(25), ..reading() };
        assert_eq!(lowered.lines(WIDTH)[1], "  2.4/s of 2.5/s (5/s)  done 02:14 WIB, window closes 04:30");
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_and_the_wait_stays_on_it() {
        let (large, many) = (Rupiah::new(999_999_999_999), 1_000_000);
        let in_doubt = Tally { count: many, rupiah: large };
        let day = Some(parse_instant("2026-11-24T19:14:00Z").unwrap());
        for waiting in [None, Some(Duration::from_secs(899))] {
            for in_doubt in [Tally::default(), in_doubt] {
                let reading = Reading {
                    orders: many,
                    ended: many,
                    planned: large,
                    done: large,
                    tenths: Some(99_999),
                    done_at: day,
                    closes_at: day,
                    waiting,
                    in_doubt,
                    quota: Some(quota(300_000, 3600)),
                    ..reading()
                };
                let lines = reading.lines(WIDTH);
                let width = |line: &String| line.chars().count();
                assert!(width(&lines[0]) + BESIDE_THE_BAR <= WIDTH && width(&lines[1]) <= WIDTH, "{lines:#?}");
                assert_eq!(lines[1].contains("waiting until 01:44:59 WIB, as DOKU asked"), waiting.is_some());
            }
        }
    }

    #[test]
    fn on_a_narrow_terminal_what_matters_least_is_left_out() {
        let widest = |columns: usize| {
            let [first, second] = reading().lines(columns);
            assert!(first.chars().count() + AROUND_THE_BAR <= columns && second.chars().count() <= columns);
            [first, second]
        };
        assert_eq!(widest(40), ["120/398 orders", "  done 02:14 WIB, window closes 04:30"]);
        assert_eq!(widest(10), ["120", "  "]);
        assert_eq!(reading().bar(20, "120/398"), "  ██░░░░░░░  120/398");
        assert_eq!(reading().bar(8, "120/398"), "    120/398");
    }
}
