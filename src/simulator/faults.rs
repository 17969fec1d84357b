//! Faults by script: when the simulator misbehaves, and how.
//!
//! A *mode* is a row of [`FaultMode::ALL`]. A *rule* says which requests a mode strikes. A new mode is a new row, and a new
//! variant only if the wire has to carry something new.

use std::time::Duration;

use super::call::Call;
use crate::model::ids::InvoiceNumber;

/// One way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultMode {
    word: &'static str,
    strike: Strike,
}

/// Where on its way a request is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strike {
    /// Before anything was done: no effect, nothing remembered.
    Before(Instead),
    /// After the effect happened and was remembered: only the answer is lost.
    After(Instead),
    /// The honest answer goes out, badly signed.
    Seal(BadSeal),
}

/// What the wire carries instead of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// Nothing; the connection stays open until the client leaves.
    Silence,
    /// A TCP reset.
    Reset,
    /// A signed 500.
    Error,
    /// A signed 429 with `Retry-After`.
    Throttle,
    /// A signed 409 that is not the first answer's body.
    Conflict,
    /// 200 and a page for people, as a captive portal or a maintenance proxy sends it.
    Page,
}

/// What is wrong with an answer's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadSeal {
    /// Made with another key.
    WrongKey,
    /// Not there.
    Absent,
}

impl FaultMode {
    /// All modes.
    pub const ALL: [Self; 12] = [
        mode("timeout_before", Strike::Before(Instead::Silence)),
        mode("timeout_after", Strike::After(Instead::Silence)),
        mode("error_before", Strike::Before(Instead::Error)),
        mode("error_after", Strike::After(Instead::Error)),
        mode("throttle", Strike::Before(Instead::Throttle)),
        mode("wrong_signature", Strike::Seal(BadSeal::WrongKey)),
        mode("unsigned", Strike::Seal(BadSeal::Absent)),
        mode("reset_before", Strike::Before(Instead::Reset)),
        mode("reset_after", Strike::After(Instead::Reset)),
        mode("not_a_replay_409", Strike::Before(Instead::Conflict)),
        mode("html", Strike::Before(Instead::Page)),
        mode("html_after", Strike::After(Instead::Page)),
    ];

    /// The word in a state file's `fault:`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.word
    }

    /// The mode of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word == word)
    }

    pub(super) const fn strike(self) -> Strike {
        self.strike
    }
}

const fn mode(word: &'static str, strike: Strike) -> FaultMode {
    FaultMode { word, strike }
}

/// Which requests a mode strikes. Build one with [`FaultRule::always`] and narrow it, or read it from a state file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// Only this call; absent: any.
    pub call: Option<Call>,
    /// Only this invoice; absent: any.
    pub invoice_number: Option<InvoiceNumber>,
    /// The first request that is struck, counted from 1 among those that match the filters.
    pub nth: u32,
    /// How many matching requests in a row are struck, from the `nth` on.
    pub times: u32,
    /// How.
    pub mode: FaultMode,
    /// What `throttle` asks for; whole seconds reach the wire, rounded up.
    pub retry_after: Duration,
}

/// What `throttle` asks for unless the rule says otherwise.
pub(super) const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

impl FaultRule {
    /// The mode at every request, whatever it asks for.
    #[must_use]
    pub const fn always(mode: FaultMode) -> Self {
        Self { call: None, invoice_number: None, nth: 1, times: u32::MAX, mode, retry_after: DEFAULT_RETRY_AFTER }
    }

    fn matches(&self, call: Call, invoice_number: Option<&str>) -> bool {
        self.call.is_none_or(|wanted| wanted == call)
            && self.invoice_number.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == invoice_number)
    }

    /// Whether the rule strikes the matching request that comes after `earlier` others.
    const fn strikes(&self, earlier: u32) -> bool {
        let first = self.nth.saturating_sub(1);
        earlier >= first && earlier - first < self.times
    }
}

/// The rules with what each has seen so far.
#[derive(Debug)]
pub(super) struct FaultScript {
    rules: Vec<(FaultRule, u32)>,
}

impl FaultScript {
    pub(super) fn new(rules: Vec<FaultRule>) -> Self {
        Self { rules: rules.into_iter().map(|rule| (rule, 0)).collect() }
    }

    /// The rule that strikes this request: the first that matches and is due. Every rule counts every request that it
    /// matches, struck or not, so `nth` means the same whatever the other rules say.
    pub(super) fn strike(&mut self, call: Call, invoice_number: Option<&str>) -> Option<&FaultRule> {
        let mut struck = None;
        for (rule, seen) in &mut self.rules {
            if !rule.matches(call, invoice_number) {
                continue;
            }
            let due = rule.strikes(*seen);
            *seen = seen.saturating_add(1);
            if due && struck.is_none() {
                struck = Some(&*rule);
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::operation::Operation;

    const REFUND: Call = Call::Change(Operation::Refund);

    fn mode_of(word: &str) -> FaultMode {
        FaultMode::from_word(word).expect("a mode")
    }

    #[test]
    fn a_rule_strikes_from_the_nth_matching_request_as_often_as_it_says() {
        let rule = FaultRule { call: Some(REFUND), nth: 2, times: 2, ..FaultRule::always(mode_of("html")) };
        let mut script = FaultScript::new(vec![rule]);
        assert_eq!(script.strike(Call::Inquiry, None), None, "another call is not counted");
        let struck: Vec<bool> = (0..4).map(|_| script.strike(REFUND, Some("INV-1")).is_some()).collect();
        assert_eq!(struck, [false, true, true, false]);
    }

    #[test]
    fn a_rule_for_one_invoice_leaves_the_others_alone() {
        let invoice = InvoiceNumber::new("INV-7").expect("an invoice number");
        let rule = FaultRule { invoice_number: Some(invoice), times: 1, ..FaultRule::always(mode_of("unsigned")) };
        let mut script = FaultScript::new(vec![rule]);
        assert!(script.strike(REFUND, None).is_none());
        assert!(script.strike(REFUND, Some("INV-8")).is_none());
        assert!(script.strike(REFUND, Some("INV-7")).is_some());
        assert!(script.strike(REFUND, Some("INV-7")).is_none());
    }

    #[test]
    fn the_first_due_rule_wins_and_every_rule_counts() {
        let once = |word| FaultRule { times: 1, ..FaultRule::always(mode_of(word)) };
        let second = FaultRule { nth: 2, ..once("throttle") };
        let mut script = FaultScript::new(vec![once("html"), once("unsigned"), second]);
        let words: Vec<_> = (0..3).map(|_| script.strike(REFUND, None).map(|rule| rule.mode.word())).collect();
        assert_eq!(words, [Some("html"), Some("throttle"), None]);
    }

    #[test]
    fn every_word_is_one_mode() {
        for mode in FaultMode::ALL {
            assert_eq!(FaultMode::from_word(mode.word()), Some(mode));
        }
        assert_eq!(FaultMode::from_word("timeout"), None);
    }
}
