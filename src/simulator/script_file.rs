//! The script of faults in YAML: the keys `faults`, `seed` and `status_lag` of a state file, or a file of its own.
//!
//! ```yaml
//! seed: 7                 # decides where the rules with a probability strike
//! status_lag: 2s          # an inquiry sees an effect, and the state that followed from it, only so long after it happened
//! faults:                 # every key but `fault` may be left out
//!   - operation: refund   # create | cancel | refund | inquiry
//!     invoice_number: INV-1
//!     nth: 2              # the first matching request that is struck
//!     times: 3            # how many are struck at most; left out: one, or all that the probability gives
//!     probability: 5%     # this share of them, to hundredths of a percent
//!     fault: throttle
//!     retry_after: 1s     # what a mode asks for that asks for patience
//!     delay: 300ms        # how late a mode is that is late
//! ```

use std::time::Duration;

use serde::Deserialize;
use serde_yaml::Spanned;

use super::call::Call;
use super::faults::{FaultMode, Stage};
use super::reading::{Reading, Scalar, or_none, raw};
use super::script::{DEFAULT_DELAY, DEFAULT_RETRY_AFTER, FaultRule, Probability};
use super::state::StartingState;
use crate::model::fault::Fault;
use crate::model::ids::InvoiceNumber;
use crate::model::nearest::nearest;
use crate::model::time::parse_span;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawScript {
    #[serde(deserialize_with = "or_none")]
    faults: Vec<Spanned<RawRule>>,
    seed: Scalar,
    status_lag: Scalar,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRule {
    operation: Scalar,
    invoice_number: Scalar,
    nth: Scalar,
    times: Scalar,
    probability: Scalar,
    fault: Scalar,
    retry_after: Scalar,
    delay: Scalar,
}

impl StartingState {
    /// Adds the script of a file of its own: its faults come after the state's, its seed and its lag replace the state's.
    ///
    /// # Errors
    /// Everything that is wrong with the file, in its order.
    pub fn add_script(&mut self, text: &str, file: &str) -> Result<(), Vec<Fault>> {
        let raw: RawScript = raw(text, file)?;
        let mut reading = Reading::new(text, file);
        let faults = reading.rules(&raw.faults);
        let seed = reading.seed(&raw.seed).unwrap_or(self.seed);
        let status_lag = reading.span("status_lag", &raw.status_lag).unwrap_or(self.status_lag);
        let faults = reading.finish(faults)?;
        self.faults.extend(faults);
        (self.seed, self.status_lag) = (seed, status_lag);
        Ok(())
    }
}

impl Reading<'_> {
    pub(super) fn rules(&mut self, raw: &[Spanned<RawRule>]) -> Vec<FaultRule> {
        raw.iter().filter_map(|rule| self.rule(rule)).collect()
    }

    /// There are too many modes to list them in a message.
    fn mode(&mut self, raw: &Scalar) -> Option<FaultMode> {
        let raw = raw.as_ref()?;
        let mode = FaultMode::from_word(&raw.value);
        if mode.is_none() {
            let hint = match nearest(&raw.value, FaultMode::ALL.map(FaultMode::word)) {
                Some(word) => format!("did you mean {word}?"),
                None => "docs/simulator.md lists them".to_owned(),
            };
            self.fault(raw, &format!("fault {:?} is not known", raw.value), Some(hint));
        }
        mode
    }

    /// A rule cannot be narrowed down by what is not known yet when its mode strikes.
    fn what_the_stage_does_not_know(&mut self, mode: FaultMode, raw: &RawRule) {
        let (unknown, why) = match mode.stage() {
            Stage::Request => return,
            Stage::Notification => (("operation", &raw.operation), "strikes notifications"),
            Stage::Connection | Stage::Head => {
                (("invoice_number", &raw.invoice_number), "strikes before the body is read")
            }
        };
        if let (key, Some(at)) = unknown {
            self.fault(at, &format!("{} {why}: {key} cannot narrow it down", mode.word()), None);
        }
    }

    pub(super) fn seed(&mut self, raw: &Scalar) -> Option<u64> {
        self.optional("seed", raw, |text| text.parse::<u64>().or(Err("is not a whole number from 0")))
    }

    pub(super) fn span(&mut self, key: &str, raw: &Scalar) -> Option<Duration> {
        self.optional(key, raw, |text| parse_span(text).ok_or("is not a span such as 250ms, 1s or 2m"))
    }

    fn rule(&mut self, item: &Spanned<RawRule>) -> Option<FaultRule> {
        let raw = &item.value;
        if raw.fault.is_none() {
            self.fault(item, "fault is missing", None);
        }
        let mode = self.mode(&raw.fault);
        let call = self.word("operation", &raw.operation, &Call::ALL.map(Call::word), Call::from_word);
        let invoice_number = self.optional("invoice_number", &raw.invoice_number, InvoiceNumber::new);
        let count = |text: &str| match text.parse::<u32>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err("is not a whole number from 1"),
        };
        let nth = self.optional("nth", &raw.nth, count);
        let times = self.optional("times", &raw.times, count);
        let percentage = |text: &str| Probability::parse(text).ok_or("is not a percentage such as 5% or 0.5%");
        let probability = self.optional("probability", &raw.probability, percentage);
        let retry_after = self.span("retry_after", &raw.retry_after);
        let delay = self.span("delay", &raw.delay);
        self.what_the_stage_does_not_know(mode?, raw);
        Some(FaultRule {
            call,
            invoice_number,
            nth: nth.unwrap_or(1),
            times: times.unwrap_or(if raw.probability.is_some() { u32::MAX } else { 1 }),
            probability,
            mode: mode?,
            retry_after: retry_after.unwrap_or(DEFAULT_RETRY_AFTER),
            delay: delay.unwrap_or(DEFAULT_DELAY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::script::{FaultScript, Target};

    fn with_script(text: &str) -> Result<StartingState, Vec<String>> {
        let state = "faults: [{fault: html}]\nseed: 3\nstatus_lag: 1s\n";
        let mut state = StartingState::parse(state, "state.yaml").expect("a good state");
        let told =
            |faults: Vec<Fault>| faults.iter().map(|fault| format!("{}: {}", fault.place, fault.message)).collect();
        state.add_script(text, "faults.yaml").map_err(told).map(|()| state)
    }

    #[test]
    fn all_faults_of_a_script_are_listed_with_their_places() {
        let text = "\
seed: -1
status_lag: 2
faults:
  - {fault: html, probability: 5}
  - {fault: htm, probability: 0%, retry_after: soon}
";
        let expected = [
            "faults.yaml:1:7: seed \"-1\" is not a whole number from 0",
            "faults.yaml:2:13: status_lag \"2\" is not a span such as 250ms, 1s or 2m",
            "faults.yaml:4:32: probability \"5\" is not a percentage such as 5% or 0.5%",
            "faults.yaml:5:13: fault \"htm\" is not known",
            "faults.yaml:5:31: probability \"0%\" is not a percentage such as 5% or 0.5%",
            "faults.yaml:5:48: retry_after \"soon\" is not a span such as 250ms, 1s or 2m",
        ];
        let faults = with_script(text).expect_err("faults");
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.starts_with(expected), "{fault}");
        }
        let orders = with_script("orders: []").expect_err("a script has no orders");
        assert_eq!(orders, ["faults.yaml:1:1: unknown field `orders`, expected one of faults, seed, status_lag"]);
    }

    #[test]
    fn a_script_of_its_own_adds_faults_and_replaces_seed_and_lag() {
        let state =
            with_script("seed: 7\nfaults:\n  - {fault: unsigned, probability: 5%, nth: 2}\n").expect("a script");
        let words: Vec<_> = state.faults.iter().map(|rule| (rule.mode.word(), rule.nth, rule.times)).collect();
        assert_eq!(words, [("html", 1, 1), ("unsigned", 2, u32::MAX)]);
        assert_eq!(state.faults[1].probability, Probability::parse("5%"));
        assert_eq!((state.seed, state.status_lag), (7, Duration::from_secs(1)));
        let state =
            with_script("faults: [{fault: html, probability: 5%, times: 2}]\nstatus_lag: 2s").expect("a script");
        assert_eq!((state.faults[1].times, state.seed, state.status_lag), (2, 3, Duration::from_secs(2)));
    }

    #[test]
    fn the_example_of_a_storm_strikes_about_one_request_in_four() {
        let state = with_script(include_str!("../../examples/faults-storm.yaml")).expect("a good script");
        let rules: Vec<_> = state.faults.into_iter().skip(1).collect();
        assert!(rules.iter().all(|rule| rule.probability.is_some()));
        let mut script = FaultScript::new(rules, state.seed);
        let target = Target { stage: Stage::Request, call: None, invoice_number: None };
        let struck = (0..1000).filter(|_| script.strike(&target).is_some()).count();
        assert!((200..300).contains(&struck), "{struck}");
    }

    #[test]
    fn every_mode_is_explained() {
        let page = include_str!("../../docs/simulator.md");
        // Four of a kind are told by their first.
        let told = |word: &str| page.contains(&format!("`{word}`")) || word.ends_with("_unsigned_after");
        let untold: Vec<_> = FaultMode::ALL.into_iter().map(FaultMode::word).filter(|word| !told(word)).collect();
        assert!(untold.is_empty(), "{untold:?}");
    }
}
