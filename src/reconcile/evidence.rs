//! What was heard about orders: verified notifications, and everything that could not be taken as proof.

use std::collections::{HashMap, HashSet};

use crate::doku::notification::Notification;
use crate::model::ids::{InvoiceNumber, RequestId};
use crate::model::money::Rupiah;
use crate::model::status::PaymentStatus;
use crate::model::time::Timestamp;

/// A line of a notification log that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// When the merchant's server received it; absent if the log does not say.
    pub received_at: Option<Timestamp>,
    /// DOKU's id of the notification.
    pub request_id: String,
    /// What it says.
    pub notification: Notification,
}

/// A line of a notification log that proves nothing, or proves something about no order of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// Why.
    pub reason: UnmatchedReason,
    /// A word more about it, such as the offset of a torn line; stands for the status of a line that has none.
    pub detail: String,
    /// The invoice, if the line has one.
    pub invoice: String,
    /// The amount, if the line has one.
    pub amount: Option<Rupiah>,
    /// The status, if the line has one.
    pub status: String,
    /// When it was received, as the line says.
    pub received_at: String,
}

/// Why a line is in unmatched.csv.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnmatchedReason {
    /// Verified, but no order of the input has this invoice.
    Orphan,
    /// The signature does not hold.
    InvalidSignature,
    /// Not a notification, or cut off.
    Malformed,
    /// The headers are missing, so nobody can verify it.
    Unverifiable,
    /// Of another merchant; our key cannot verify it.
    OtherClient,
}

impl UnmatchedReason {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::Orphan, Self::InvalidSignature, Self::Malformed, Self::Unverifiable, Self::OtherClient];

    /// The word in unmatched.csv.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::InvalidSignature => "invalid_signature",
            Self::Malformed => "malformed",
            Self::Unverifiable => "unverifiable",
            Self::OtherClient => "other_client",
        }
    }
}

/// All that the notification logs say.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// What verified.
    pub heard: Vec<Heard>,
    /// What did not.
    pub unmatched: Vec<Unmatched>,
}

/// The picture of one order, folded from all verified notifications about it. The fold does not depend on their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// The strongest word of DOKU's; a later FAILED never overwrites a SUCCESS.
    pub status: Option<PaymentStatus>,
    /// Whether any notification said SUCCESS.
    pub paid: bool,
    /// All amounts that were named, each once, in order.
    pub amounts: Vec<Rupiah>,
    /// Notifications, copies not counted.
    pub notifications: u64,
    /// Copies beyond the first, by Request-Id or by (status, date).
    pub duplicates: u64,
    /// When the first was received.
    pub first_received_at: Option<Timestamp>,
    /// When the last was received.
    pub last_received_at: Option<Timestamp>,
}

/// Folds all notifications into one picture per invoice.
#[must_use]
pub fn fold(heard: &[Heard]) -> HashMap<InvoiceNumber, Picture> {
    let mut of_invoice: HashMap<&InvoiceNumber, Vec<&Heard>> = HashMap::new();
    for line in heard {
        of_invoice.entry(&line.notification.invoice).or_default().push(line);
    }
    of_invoice.into_iter().map(|(invoice, lines)| (invoice.clone(), picture(&lines))).collect()
}

fn picture(lines: &[&Heard]) -> Picture {
    let mut picture = Picture::default();
    for line in lines {
        let said = &line.notification;
        picture.status = picture.status.max(Some(said.status));
        picture.paid |= said.status == PaymentStatus::Success;
        picture.amounts.push(said.amount);
        picture.first_received_at = [picture.first_received_at, line.received_at].into_iter().flatten().min();
        picture.last_received_at = picture.last_received_at.max(line.received_at);
    }
    picture.amounts.sort_unstable();
    picture.amounts.dedup();
    picture.notifications = distinct(lines);
    picture.duplicates = lines.len() as u64 - picture.notifications;
    picture
}

/// How many different notifications there are: lines that share a Request-Id, or status and date, are copies.
fn distinct(lines: &[&Heard]) -> u64 {
    let mut sorted: Vec<(&str, &str, PaymentStatus)> = lines
        .iter()
        .map(|line| (line.request_id.as_str(), line.notification.date.as_str(), line.notification.status))
        .collect();
    sorted.sort_unstable();
    let (mut ids, mut events) = (HashSet::new(), HashSet::new());
    let mut count = 0;
    for (id, date, status) in sorted {
        let (new_id, new_event) = (ids.insert(id), events.insert((date, status)));
        count += u64::from(new_id && new_event);
    }
    count
}

/// What one run did, from the journal or from a results.csv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The operation.
    pub operation: crate::model::operation::Operation,
    /// The state of the row's item, as in `rekon_state`.
    pub state: DoneState,
    /// Its Request-Id.
    pub request_id: Option<RequestId>,
    /// `payment.status` of the deciding answer.
    pub payment_status: Option<PaymentStatus>,
    /// When it came to its end.
    pub settled_at: Option<Timestamp>,
}

/// The state of a row in results.csv (`DESIGN` 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoneState {
    /// Our request had its effect.
    Succeeded,
    /// The effect exists.
    AlreadyDone,
    /// Our request had no effect.
    Refused,
    /// Nobody knows.
    Unknown,
    /// A person decides.
    Review,
    /// Two proofs disagree.
    Conflict,
    /// A row guard kept it back.
    Held,
    /// Not meant, or done elsewhere.
    Skipped,
    /// A bad row.
    Invalid,
    /// The run stopped before it.
    NotAttempted,
}

impl DoneState {
    /// All states, in the order of the summary.
    pub const ALL: [Self; 10] = [
        Self::Succeeded,
        Self::AlreadyDone,
        Self::Refused,
        Self::Unknown,
        Self::Review,
        Self::Conflict,
        Self::Held,
        Self::Skipped,
        Self::Invalid,
        Self::NotAttempted,
    ];

    /// The word in `rekon_state`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::AlreadyDone => "already_done",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Review => "review",
            Self::Conflict => "conflict",
            Self::Held => "held",
            Self::Skipped => "skipped",
            Self::Invalid => "invalid",
            Self::NotAttempted => "not_attempted",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nobody knows if money moved.
    #[must_use]
    pub const fn is_in_doubt(self) -> bool {
        matches!(self, Self::Unknown | Self::Review | Self::Conflict)
    }

    /// Whether the effect is proved.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Succeeded | Self::AlreadyDone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_instant;
    use proptest::prelude::*;

    fn heard(id: &str, status: PaymentStatus, date: &str, amount: u64, received: &str) -> Heard {
        Heard {
            file: "log".into(),
            line: 1,
            received_at: parse_instant(received),
            request_id: id.into(),
            notification: Notification {
                invoice: InvoiceNumber::new("INV-1").unwrap(),
                amount: Rupiah::new(amount),
                status,
                date: date.into(),
                original_request_id: None,
                payment_reference: None,
                order_id: None,
                akulaku_reference: None,
            },
        }
    }

    #[test]
    fn a_late_failure_does_not_overwrite_a_success() {
        let lines = [
            heard("N-1", PaymentStatus::Success, "d1", 5, "2026-11-21T10:00:00Z"),
            heard("N-2", PaymentStatus::Failed, "d2", 5, "2026-11-21T11:00:00Z"),
        ];
        let picture = &fold(&lines)[&InvoiceNumber::new("INV-1").unwrap()];
        assert_eq!(picture.status, Some(PaymentStatus::Success));
        assert_eq!((picture.notifications, picture.duplicates), (2, 0));
        assert_eq!(picture.last_received_at, parse_instant("2026-11-21T11:00:00Z"));
    }

    #[test]
    fn copies_by_id_or_by_event_are_counted_and_change_nothing() {
        let once = heard("N-1", PaymentStatus::Success, "d1", 5, "2026-11-21T10:00:00Z");
        let lines = [once.clone(), once.clone(), heard("N-9", PaymentStatus::Success, "d1", 5, "2026-11-21T10:00:00Z")];
        let folded = fold(&lines);
        let picture = &folded[&InvoiceNumber::new("INV-1").unwrap()];
        assert_eq!((picture.notifications, picture.duplicates), (1, 2));
        let single = fold(&[once]);
        let single = &single[&InvoiceNumber::new("INV-1").unwrap()];
        assert_eq!((picture.status, &picture.amounts), (single.status, &single.amounts));
    }

    proptest! {
        #[test]
        fn the_picture_does_not_depend_on_the_order_of_arrival(
            lines in prop::collection::vec((0..4_u8, 0..6_usize, 0..3_u8, 1..3_u64, 0..3_u8), 1..8),
            seed in any::<u64>(),
        ) {
            let lines: Vec<Heard> = lines
                .into_iter()
                .map(|(id, status, date, amount, hour)| {
                    heard(&format!("N-{id}"), PaymentStatus::ALL[status], &format!("d{date}"), amount, &format!("2026-11-21T1{hour}:00:00Z"))
                })
                .collect();
            let mut shuffled = lines.clone();
            let turn = usize::try_from(seed % shuffled.len() as u64).unwrap();
            shuffled.rotate_left(turn);
            if seed % 2 == 0 {
                shuffled.reverse();
            }
            prop_assert_eq!(fold(&lines), fold(&shuffled));
        }
    }
}
