//! Whether calls may be made at this time of day.

use std::time::Duration;

use chrono::Timelike as _;

use crate::job::settings::Window;
use crate::model::time::Timestamp;

/// Whether the window is open. Without a window it always is.
#[must_use]
pub fn is_open(window: Option<&Window>, now: Timestamp) -> bool {
    let Some(window) = window else { return true };
    let local = window.zone.local(now);
    let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or_default();
    if window.from < window.until {
        (window.from..window.until).contains(&minute)
    } else {
        minute >= window.from || minute < window.until
    }
}

/// Until when the window stays open at least, from now; the end of time without one. Whoever waits wakes up then and looks
/// again, and a wall clock may be set meanwhile: at most half a minute.
#[must_use]
pub fn open_for(window: Option<&Window>, now: Timestamp) -> Duration {
    let Some(window) = window else { return Duration::MAX };
    let local = window.zone.local(now);
    let second = local.hour() * 3600 + local.minute() * 60 + local.second();
    let until = u32::from(window.until) * 60;
    let left = (until + DAY - second % DAY) % DAY;
    Duration::from_secs(left.into()).min(LOOK_AGAIN).max(Duration::from_millis(10))
}

const DAY: u32 = 24 * 3600;
const LOOK_AGAIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{Zone, parse_instant};

    #[test]
    fn a_window_may_span_midnight_in_its_own_zone() {
        let night = Window { from: 22 * 60, until: 60, zone: Zone::WIB };
        let early = Window { from: 45, until: 4 * 60 + 30, zone: Zone::WIB };
        let cases = [
            (night, "2026-11-22T14:59:00Z", false),
            (night, "2026-11-22T15:00:00Z", true),
            (night, "2026-11-22T17:59:00Z", true),
            (night, "2026-11-22T18:00:00Z", false),
            (early, "2026-11-22T17:44:00Z", false),
            (early, "2026-11-22T17:45:00Z", true),
            (early, "2026-11-22T21:30:00Z", false),
        ];
        for (window, time, open) in cases {
            assert_eq!(is_open(Some(&window), parse_instant(time).unwrap()), open, "{window:?} {time}");
        }
    }
}
