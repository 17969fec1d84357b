//! Faults by script or by chance: when the simulator misbehaves, and how.
//!
//! A *mode* is a row of [`FaultMode::ALL`]. A *rule* says which requests a mode strikes. A new mode is a new row, and a new
//! variant only if the wire has to carry something new.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

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
    /// How many matching requests are struck at most, from the `nth` on.
    pub times: u32,
    /// How many of the matching requests are struck, from the `nth` on; absent: each.
    pub probability: Option<Probability>,
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
        Self {
            call: None,
            invoice_number: None,
            nth: 1,
            times: u32::MAX,
            probability: None,
            mode,
            retry_after: DEFAULT_RETRY_AFTER,
        }
    }

    fn matches(&self, call: Call, invoice_number: Option<&str>) -> bool {
        self.call.is_none_or(|wanted| wanted == call)
            && self.invoice_number.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == invoice_number)
    }
}

/// A share of requests, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probability(u16);

impl Probability {
    const CERTAIN: u16 = 10_000;

    /// Reads `5%` or `0.25%`. `None` if it is no percentage, none at all, more than all or finer than that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?;
        let (whole, hundredths) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(hundredths) || hundredths.len() > 2 {
            return None;
        }
        let share =
            whole.parse::<u16>().ok()?.checked_mul(100)?.checked_add(format!("{hundredths:0<2}").parse().ok()?)?;
        (1..=Self::CERTAIN).contains(&share).then_some(Self(share))
    }

    /// Whether the dice fall on the share: always the same for the same throw.
    fn strikes(self, seed: u64, rule: usize, request: u32) -> bool {
        let hash = Sha256::digest(format!("fault\n{seed}\n{rule}\n{request}"));
        let thrown = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
        thrown % u32::from(Self::CERTAIN) < u32::from(self.0)
    }
}

/// The rules with what each has seen so far.
#[derive(Debug)]
pub(super) struct FaultScript {
    rules: Vec<Scripted>,
    seed: u64,
}

/// A rule, the requests that it has matched, and those of them that it was due for.
#[derive(Debug)]
struct Scripted {
    rule: FaultRule,
    seen: u32,
    due: u32,
}

impl FaultScript {
    /// `seed` decides where the rules with a probability strike.
    pub(super) fn new(rules: Vec<FaultRule>, seed: u64) -> Self {
        Self { rules: rules.into_iter().map(|rule| Scripted { rule, seen: 0, due: 0 }).collect(), seed }
    }

    /// The rule that strikes this request: the first that matches and is due. Every rule counts every request that it
    /// matches, struck or not, so `nth` means the same whatever the other rules say.
    pub(super) fn strike(&mut self, call: Call, invoice_number: Option<&str>) -> Option<&FaultRule> {
        let mut struck = None;
        for (index, scripted) in self.rules.iter_mut().enumerate() {
            if !scripted.rule.matches(call, invoice_number) {
                continue;
            }
            scripted.seen = scripted.seen.saturating_add(1);
            if scripted.is_due(self.seed, index) {
                scripted.due = scripted.due.saturating_add(1);
                struck = struck.or(Some(&scripted.rule));
            }
        }
        struck
    }
}

impl Scripted {
    fn is_due(&self, seed: u64, index: usize) -> bool {
        let FaultRule { nth, times, probability, .. } = &self.rule;
        self.seen >= *nth
            && self.due < *times
            && probability.is_none_or(|probability| probability.strikes(seed, index, self.seen))
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
        let mut script = FaultScript::new(vec![rule], 0);
        assert_eq!(script.strike(Call::Inquiry, None), None, "another call is not counted");
        let struck: Vec<bool> = (0..4).map(|_| script.strike(REFUND, Some("INV-1")).is_some()).collect();
        assert_eq!(struck, [false, true, true, false]);
    }

    #[test]
    fn a_rule_for_one_invoice_leaves_the_others_alone() {
        let invoice = InvoiceNumber::new("INV-7").expect("an invoice number");
        let rule = FaultRule { invoice_number: Some(invoice), times: 1, ..FaultRule::always(mode_of("unsigned")) };
        let mut script = FaultScript::new(vec![rule], 0);
        assert!(script.strike(REFUND, None).is_none());
        assert!(script.strike(REFUND, Some("INV-8")).is_none());
        assert!(script.strike(REFUND, Some("INV-7")).is_some());
        assert!(script.strike(REFUND, Some("INV-7")).is_none());
    }

    #[test]
    fn the_first_due_rule_wins_and_every_rule_counts() {
        let once = |word| FaultRule { times: 1, ..FaultRule::always(mode_of(word)) };
        let second = FaultRule { nth: 2, ..once("throttle") };
        let mut script = FaultScript::new(vec![once("html"), once("unsigned"), second], 0);
        let words: Vec<_> = (0..3).map(|_| script.strike(REFUND, None).map(|rule| rule.mode.word())).collect();
        assert_eq!(words, [Some("html"), Some("throttle"), None]);
    }

    /// Which of 1,000 requests a rule strikes that stands behind another one.
    fn storm(seed: u64, probability: &str, times: u32) -> Vec<bool> {
        let nowhere = FaultRule { call: Some(Call::Inquiry), ..FaultRule::always(mode_of("html")) };
        let probability = Probability::parse(probability);
        let rule = FaultRule { times, probability, ..FaultRule::always(mode_of("unsigned")) };
        let mut script = FaultScript::new(vec![nowhere, rule], seed);
        (0..1000).map(|_| script.strike(REFUND, None).is_some()).collect()
    }

    fn struck(storm: &[bool]) -> usize {
        storm.iter().filter(|struck| **struck).count()
    }

    #[test]
    fn a_probability_strikes_about_its_share_and_the_same_requests_every_time() {
        let storm_of_7 = storm(7, "20%", u32::MAX);
        assert!((160..240).contains(&struck(&storm_of_7)), "{}", struck(&storm_of_7));
        assert_eq!(storm_of_7, storm(7, "20%", u32::MAX));
        assert_ne!(storm_of_7, storm(8, "20%", u32::MAX), "another seed, another storm");
        assert!((1..40).contains(&struck(&storm(7, "1.5%", u32::MAX))));
        assert_eq!(struck(&storm(7, "100%", u32::MAX)), 1000);
    }

    #[test]
    fn a_probability_strikes_no_more_than_times_and_not_before_nth() {
        assert_eq!(struck(&storm(7, "20%", 3)), 3);
        let rule = FaultRule {
            nth: 4,
            probability: Probability::parse("100%"),
            times: 2,
            ..FaultRule::always(mode_of("html"))
        };
        let mut script = FaultScript::new(vec![rule], 0);
        let struck: Vec<bool> = (0..6).map(|_| script.strike(REFUND, None).is_some()).collect();
        assert_eq!(struck, [false, false, false, true, true, false]);
    }

    #[test]
    fn a_probability_is_a_percentage_of_something() {
        for bad in
            ["", "%", "5", "0%", "0.00%", "101%", "100.01%", "5.%", ".5%", "5.125%", "-5%", "+5%", "5 %", "99999%"]
        {
            assert_eq!(Probability::parse(bad), None, "{bad}");
        }
        for (text, share) in [("5%", 500), ("100%", 10_000), ("0.5%", 50), ("0.01%", 1), ("12.34%", 1234)] {
            assert_eq!(Probability::parse(text), Some(Probability(share)), "{text}");
        }
    }

    #[test]
    fn every_word_is_one_mode() {
        for mode in FaultMode::ALL {
            assert_eq!(FaultMode::from_word(mode.word()), Some(mode));
        }
        assert_eq!(FaultMode::from_word("timeout"), None);
    }
}
