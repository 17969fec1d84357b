//! Orders whose dates may be slips: a day read as the month, or times in another zone. Such an order is judged on the wrong
//! day, or left out of a period that it belongs to.

use std::time::Duration;

use serde::Serialize;

use super::judge::Judged;
use crate::model::moment::Moment;
use crate::model::money::Tally;
use crate::model::time::Timestamp;

/// The clocks of the shop and of its server may differ by so much.
const SKEW: Duration = Duration::from_secs(10 * 60);

/// So many orders, and so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Dated {
    /// Made, as the book says, after DOKU's first word about them was received.
    pub after_notification: Tally,
    /// Made after the present of the audit.
    pub in_future: Tally,
}

impl Dated {
    /// Notes an order, whether or not it is judged.
    pub fn note(&mut self, judged: &Judged<'_>, now: Timestamp) {
        let Some(made) = judged.entry.created_at else { return };
        let is_after = |time: Moment| made.since(time) > SKEW;
        if judged.picture.first_received_at.is_some_and(is_after) {
            self.after_notification.add(judged.entry.amount);
        }
        if is_after(now.into()) {
            self.in_future.add(judged.entry.amount);
        }
    }

    /// Adds those of another part.
    pub fn merge(&mut self, other: Self) {
        self.after_notification.merge(other.after_notification);
        self.in_future.merge(other.in_future);
    }
}
