//! The ways to misbehave, as one table.
//!
//! A *mode* is a row of [`FaultMode::ALL`]: a word, the id of the fault that it plays (`failure-modes.md` 4.2), and how it
//! strikes. A strike on a request combines what becomes of the effect, what is said, how it is signed and what the wire
//! carries; a new mode is a new row, and a new variant only if it does what no row did before.
//!
//! Not here: F01, F04 and F05, for there is neither a name to look up nor TLS on loopback; F32, for an honest provider repeats
//! its answer under 409; F41, for a proxy that sends again looks to a provider like a network that does (F40).

/// One way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultMode {
    id: &'static str,
    word: &'static str,
    aim: Aim,
}

/// What a mode strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// A connection, before anything is read from it.
    Connection(Door),
    /// A request whose head is read and whose body is not: it is reset.
    Head,
    /// A request that is read.
    Request(Strike),
    /// A notification.
    Notification(Telling),
}

/// How far a request has come when a mode strikes it; notifications have a stage of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Connection,
    Head,
    Request,
    Notification,
}

/// What a connection meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// A reset, and for the rule's delay nobody listens.
    Refuse,
    /// A polite end.
    Close,
    /// A reset.
    Reset,
}

/// A strike on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strike {
    pub(super) fate: Fate,
    pub(super) says: Says,
    pub(super) seal: Seal,
    pub(super) wire: Wire,
}

/// What becomes of the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing is done and nothing is remembered.
    Nothing,
    /// It is done, and remembered.
    Done,
    /// It is done when the rule's delay is over.
    Late,
    /// The request is served twice, and the second answer goes out.
    Twice,
    /// It is done, and its key is known for the rule's delay only: a later repeat is carried out again.
    KeyForgotten,
    /// It is done, and its key is never known: a repeat is carried out again.
    KeyLost,
    /// It is done, and its key is known only when the rule's delay is over: an early repeat is carried out again.
    KeyLate,
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// What is true.
    Truth,
    /// What is true, and one thing more or another one.
    Untruth(Untruth),
    /// An error of that status.
    Error(u16),
    /// 429, with such a wait.
    Throttle(Wait),
    /// 503, with the rule's wait.
    Unavailable,
    /// A page for people, as a captive portal or a maintenance proxy sends it.
    Page(u16),
    /// A redirect to elsewhere.
    Redirect(u16),
}

/// How `Retry-After` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Seconds,
    Date,
    /// A number of seconds that nobody waits.
    Absurd,
}

/// What is not true of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Untruth {
    Empty,
    NotJson,
    Array,
    /// Parts that are there twice and contradict each other.
    Twice,
    OtherInvoice,
    OtherAmount,
    OtherReference,
    /// An error beside the success.
    Error,
    /// A payment that waits beside the success.
    Pending,
    /// A failure beside a payment that says success.
    Failed,
    /// A status that the guide does not know.
    NewWord,
    /// Garbage under 409.
    Conflict,
    /// The last answer that went out, to whatever it was.
    AnotherAnswer,
}

/// How an answer is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seal {
    Good,
    Absent,
    /// With a key that never was the merchant's.
    WrongKey,
    /// With the key before the last rotation.
    OldKey,
    /// With, and over, another `Request-Id` than the request's.
    OtherRequestId,
    /// Over a time so many minutes from now.
    Clock(i64),
}

/// What the wire carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// The answer.
    Whole,
    /// The answer, when the rule's delay is over.
    Slow,
    /// No answer.
    Nothing(End),
    /// The beginning of the status line, then the end.
    HalfStatusLine,
    /// Half of the body that was announced, then the end.
    HalfBody,
    /// A byte of the body at a time, with the rule's delay between them.
    Drip,
    /// A body that does not end.
    Endless,
    /// A header of some megabytes.
    HugeHeader,
    /// A small body that unpacks to a large one.
    GzipBomb,
    /// The answer; then the connection is reset as soon as the next request comes in on it.
    Trap,
}

/// How a connection ends without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It does not; it stays open until the client leaves.
    Silence,
    /// With a TCP reset.
    Reset,
    /// Politely.
    Close,
}

/// What happens to a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// It goes out twice.
    Twice,
    /// It goes out when the rule's delay is over.
    Late,
    /// It goes out after the next one.
    AfterTheNext,
    /// A forged one that says the opposite goes out beside it.
    Forged,
    /// It goes out again, as it was, when the rule's delay is over.
    Replayed,
    /// One with its `Request-Id` and another amount follows it.
    OtherBody,
    /// Its line in the log breaks off in the middle.
    Torn,
    /// The log is renamed before its line, and begins anew.
    Rotated,
    /// The log is copied and emptied after its line.
    CopiedAndEmptied,
    /// It does not go out.
    Missing,
}

/// Nothing is done, and an error of that status is said.
const fn error(status: u16) -> Strike {
    Strike { fate: Fate::Nothing, says: Says::Error(status), seal: Seal::Good, wire: Wire::Whole }
}

/// Nothing is done, and something else is said.
const fn before(says: Says) -> Strike {
    Strike { fate: Fate::Nothing, says, seal: Seal::Good, wire: Wire::Whole }
}

/// No answer comes, whatever was done.
const fn no_answer(fate: Fate, end: End) -> Strike {
    Strike { fate, says: Says::Truth, seal: Seal::Good, wire: Wire::Nothing(end) }
}

/// All is done and said as it should, but for what the other functions change.
const HONEST: Strike = Strike { fate: Fate::Done, says: Says::Truth, seal: Seal::Good, wire: Wire::Whole };

const fn untruth(untruth: Untruth) -> Strike {
    Strike { says: Says::Untruth(untruth), ..HONEST }
}

const fn sealed(seal: Seal) -> Strike {
    Strike { seal, ..HONEST }
}

const fn carried(wire: Wire) -> Strike {
    Strike { wire, ..HONEST }
}

impl Strike {
    const fn done(self) -> Self {
        Self { fate: Fate::Done, ..self }
    }

    const fn unsigned(self) -> Self {
        Self { seal: Seal::Absent, ..self }
    }
}

const fn at(id: &'static str, word: &'static str, strike: Strike) -> FaultMode {
    FaultMode { id, word, aim: Aim::Request(strike) }
}

const fn mode(id: &'static str, word: &'static str, aim: Aim) -> FaultMode {
    FaultMode { id, word, aim }
}

impl FaultMode {
    /// All modes.
    pub const ALL: [Self; 74] = [
        // The connection ends before there is an answer.
        mode("F02", "refuse", Aim::Connection(Door::Refuse)),
        mode("F03", "close_at_accept", Aim::Connection(Door::Close)),
        mode("F06", "reset_at_accept", Aim::Connection(Door::Reset)),
        mode("F07", "reset_at_head", Aim::Head),
        at("F08", "reset_before", no_answer(Fate::Nothing, End::Reset)),
        at("F09", "reset_after", no_answer(Fate::Done, End::Reset)),
        at("F10", "timeout_before", no_answer(Fate::Nothing, End::Silence)),
        at("F11", "timeout_after", no_answer(Fate::Done, End::Silence)),
        at("F12", "applied_late", no_answer(Fate::Late, End::Close)),
        // The answer is damaged on its way.
        at("F13", "half_status_line", carried(Wire::HalfStatusLine)),
        at("F14", "half_body", carried(Wire::HalfBody)),
        at("F15", "drip", carried(Wire::Drip)),
        at("F16", "endless_body", carried(Wire::Endless)),
        at("F17", "huge_header", carried(Wire::HugeHeader)),
        at("F18", "gzip_bomb", carried(Wire::GzipBomb)),
        at("F19", "closed_while_kept_alive", carried(Wire::Trap)),
        // Errors, of the provider's or of something before it.
        at("F20", "error_before", error(500)),
        at("F21", "error_after", error(500).done()),
        at("F22", "bad_gateway", error(502).unsigned()),
        at("F23", "unavailable", before(Says::Unavailable).unsigned()),
        at("F24", "gateway_timeout_after", error(504).unsigned().done()),
        at("F25", "throttle", before(Says::Throttle(Wait::Seconds))),
        at("F26", "throttle_date", before(Says::Throttle(Wait::Date))),
        at("F27", "throttle_absurd", before(Says::Throttle(Wait::Absurd))),
        at("F28", "bad_request", error(400)),
        at("F28", "bad_request_unsigned_after", error(400).unsigned().done()),
        at("F29", "unauthorized", error(401)),
        at("F29", "unauthorized_unsigned_after", error(401).unsigned().done()),
        at("F30", "forbidden", error(403)),
        at("F30", "forbidden_unsigned_after", error(403).unsigned().done()),
        at("F31", "redirect_301", before(Says::Redirect(301)).unsigned()),
        at("F31", "redirect_302", before(Says::Redirect(302)).unsigned()),
        at("F31", "redirect_307", before(Says::Redirect(307)).unsigned()),
        at("F31", "redirect_308", before(Says::Redirect(308)).unsigned()),
        at("F33", "not_a_replay_409", error(409)),
        at("F34", "garbage_409_after", untruth(Untruth::Conflict)),
        at("F44", "not_found", error(404)),
        at("F44", "not_found_unsigned_after", error(404).unsigned().done()),
        at("F36", "html", before(Says::Page(200)).unsigned()),
        at("F36", "html_after", before(Says::Page(200)).unsigned().done()),
        at("F45", "maintenance", before(Says::Page(503)).unsigned()),
        // The key of the request.
        at("F40", "duplicated_request", Strike { fate: Fate::Twice, ..HONEST }),
        at("F42", "key_forgotten", no_answer(Fate::KeyForgotten, End::Close)),
        at("F43", "key_lost", no_answer(Fate::KeyLost, End::Close)),
        at("F62", "key_late", Strike { fate: Fate::KeyLate, ..carried(Wire::Slow) }),
        // The signature.
        at("F46", "clock_ahead", sealed(Seal::Clock(10))),
        at("F46", "clock_behind", sealed(Seal::Clock(-10))),
        at("F50", "unsigned", sealed(Seal::Absent)),
        at("F51", "wrong_signature", sealed(Seal::WrongKey)),
        at("F52", "old_signature", sealed(Seal::OldKey)),
        at("F53", "other_request_id", sealed(Seal::OtherRequestId)),
        // Signed, and not true.
        at("F35", "empty", untruth(Untruth::Empty)),
        at("F37", "not_json", untruth(Untruth::NotJson)),
        at("F38", "json_array", untruth(Untruth::Array)),
        at("F39", "duplicate_keys", untruth(Untruth::Twice)),
        at("F54", "other_invoice", untruth(Untruth::OtherInvoice)),
        at("F55", "other_amount", untruth(Untruth::OtherAmount)),
        at("F56", "other_reference", untruth(Untruth::OtherReference)),
        at("F57", "success_and_error", untruth(Untruth::Error)),
        at("F58", "success_and_pending", untruth(Untruth::Pending)),
        at("F59", "failed_and_done", untruth(Untruth::Failed)),
        at("F60", "new_status", untruth(Untruth::NewWord)),
        at("F61", "another_answer", untruth(Untruth::AnotherAnswer)),
        // Notifications.
        mode("N70", "notification_twice", Aim::Notification(Telling::Twice)),
        mode("N71", "notification_late", Aim::Notification(Telling::Late)),
        at("N72", "notification_before_answer", carried(Wire::Slow)),
        mode("N73", "notification_out_of_order", Aim::Notification(Telling::AfterTheNext)),
        mode("N74", "notification_forged", Aim::Notification(Telling::Forged)),
        mode("N75", "notification_replayed", Aim::Notification(Telling::Replayed)),
        mode("N76", "notification_other_body", Aim::Notification(Telling::OtherBody)),
        mode("N77", "notification_torn", Aim::Notification(Telling::Torn)),
        mode("N78", "notification_log_rotated", Aim::Notification(Telling::Rotated)),
        mode("N79", "notification_log_emptied", Aim::Notification(Telling::CopiedAndEmptied)),
        mode("N80", "notification_missing", Aim::Notification(Telling::Missing)),
    ];

    /// The word in a state file's `fault:`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.word
    }

    /// The fault that it plays, as `failure-modes.md` 4.2 numbers it.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.id
    }

    /// The mode of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word == word)
    }

    pub(super) const fn aim(self) -> Aim {
        self.aim
    }

    pub(super) const fn stage(self) -> Stage {
        match self.aim {
            Aim::Connection(_) => Stage::Connection,
            Aim::Head => Stage::Head,
            Aim::Request(_) => Stage::Request,
            Aim::Notification(_) => Stage::Notification,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use super::*;

    #[test]
    fn every_word_is_one_mode() {
        for mode in FaultMode::ALL {
            assert_eq!(FaultMode::from_word(mode.word()), Some(mode));
        }
        assert_eq!(FaultMode::from_word("timeout"), None);
    }

    #[test]
    fn every_fault_that_loopback_can_have_is_played() {
        // What is left out, the head of this file explains.
        let left_out = ["F01", "F04", "F05", "F32", "F41"];
        let numbered = |letter: char, numbers: RangeInclusive<u32>| {
            numbers.map(|number| format!("{letter}{number:02}")).collect::<Vec<_>>()
        };
        let catalogue = [numbered('F', 1..=46), numbered('F', 50..=62), numbered('N', 70..=80)].concat();
        let played: Vec<&str> = FaultMode::ALL.into_iter().map(FaultMode::id).collect();
        for id in &catalogue {
            assert_ne!(played.contains(&id.as_str()), left_out.contains(&id.as_str()), "{id}");
        }
        assert!(played.iter().all(|id| catalogue.iter().any(|known| known == id)), "{played:?}");
    }

    #[test]
    fn a_mode_that_does_nothing_has_something_to_say() {
        for mode in FaultMode::ALL {
            let Aim::Request(Strike { fate: Fate::Nothing | Fate::Late, says, wire, .. }) = mode.aim() else {
                continue;
            };
            let nothing_to_say = matches!(says, Says::Truth | Says::Untruth(_));
            assert!(!nothing_to_say || matches!(wire, Wire::Nothing(_)), "{}", mode.word());
        }
    }
}
