//! The script of faults: which requests, connections and notifications a mode strikes.
//!
//! A rule strikes by count or by chance. Chance is a hash of the seed, the rule and the running number of what it matched,
//! so that the same script strikes the same requests every time.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::call::Call;
use super::faults::{FaultMode, Stage};
use crate::model::ids::InvoiceNumber;

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
    /// How late a mode is that does something late.
    pub delay: Duration,
}

/// What `throttle` asks for unless the rule says otherwise.
pub(super) const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// How late a mode is unless the rule says otherwise.
pub(super) const DEFAULT_DELAY: Duration = Duration::from_secs(1);

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
            delay: DEFAULT_DELAY,
        }
    }

    fn matches(&self, target: &Target<'_>) -> bool {
        let Target { stage, call, invoice_number } = *target;
        self.mode.stage() == stage
            && self.call.is_none_or(|wanted| Some(wanted) == call)
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

/// What may be struck, as far as it is known at its stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) stage: Stage,
    /// Absent: a notification.
    pub(super) call: Option<Call>,
    /// Absent: not known, or there is none.
    pub(super) invoice_number: Option<&'a str>,
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

    /// Whether there are rules for that stage at all.
    pub(super) fn watches(&self, stage: Stage) -> bool {
        self.rules.iter().any(|scripted| scripted.rule.mode.stage() == stage)
    }

    /// The rule that strikes: the first that matches and is due. Every rule counts all that it matches, struck or not, so
    /// `nth` means the same whatever the other rules say.
    pub(super) fn strike(&mut self, target: &Target<'_>) -> Option<&FaultRule> {
        let mut struck = None;
        for (index, scripted) in self.rules.iter_mut().enumerate() {
            if !scripted.rule.matches(target) {
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

    fn request(call: Call, invoice_number: Option<&str>) -> Target<'_> {
        Target { stage: Stage::Request, call: Some(call), invoice_number }
    }

    fn mode_of(word: &str) -> FaultMode {
        FaultMode::from_word(word).expect("a mode")
    }

    #[test]
    fn a_rule_strikes_from_the_nth_matching_request_as_often_as_it_says() {
        let rule = FaultRule { call: Some(REFUND), nth: 2, times: 2, ..FaultRule::always(mode_of("html")) };
        let mut script = FaultScript::new(vec![rule], 0);
        assert_eq!(script.strike(&request(Call::Inquiry, None)), None, "another call is not counted");
        let struck: Vec<bool> = (0..4).map(|_| script.strike(&request(REFUND, Some("INV-1"))).is_some()).collect();
        assert_eq!(struck, [false, true, true, false]);
    }

    #[test]
    fn a_rule_for_one_invoice_leaves_the_others_alone() {
        let invoice = InvoiceNumber::new("INV-7").expect("an invoice number");
        let rule = FaultRule { invoice_number: Some(invoice), times: 1, ..FaultRule::always(mode_of("unsigned")) };
        let mut script = FaultScript::new(vec![rule], 0);
        assert!(script.strike(&request(REFUND, None)).is_none());
        assert!(script.strike(&request(REFUND, Some("INV-8"))).is_none());
        assert!(script.strike(&request(REFUND, Some("INV-7"))).is_some());
        assert!(script.strike(&request(REFUND, Some("INV-7"))).is_none());
    }

    #[test]
    fn the_first_due_rule_wins_and_every_rule_counts() {
        let once = |word| FaultRule { times: 1, ..FaultRule::always(mode_of(word)) };
        let second = FaultRule { nth: 2, ..once("throttle") };
        let mut script = FaultScript::new(vec![once("html"), once("unsigned"), second], 0);
        let words: Vec<_> =
            (0..3).map(|_| script.strike(&request(REFUND, None)).map(|rule| rule.mode.word())).collect();
        assert_eq!(words, [Some("html"), Some("throttle"), None]);
    }

    /// Which of 1,000 requests a rule strikes that stands behind another one.
    fn storm(seed: u64, probability: &str, times: u32) -> Vec<bool> {
        let nowhere = FaultRule { call: Some(Call::Inquiry), ..FaultRule::always(mode_of("html")) };
        let probability = Probability::parse(probability);
        let rule = FaultRule { times, probability, ..FaultRule::always(mode_of("unsigned")) };
        let mut script = FaultScript::new(vec![nowhere, rule], seed);
        (0..1000).map(|_| script.strike(&request(REFUND, None)).is_some()).collect()
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
        let struck: Vec<bool> = (0..6).map(|_| script.strike(&request(REFUND, None)).is_some()).collect();
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
}
