//! Guards loosened for one run: `--override max_total=90000000`.
//!
//! An override only loosens, and only what is a number or a word: what compares with proof (`require_paid`, `refuse_paid`)
//! or with the merchant's own figures (`control`) is changed in the job, or not at all.

use super::growth::{Factor, Growth};
use super::guards::{COUNT, FACTOR, KEYS, RUPIAH, parse_count, parse_rupiah};
use super::limits::parse_percent;
use super::settings::{DuplicateInput, Guards};
use crate::model::money::Rupiah;
use crate::model::nearest::nearest;

/// A guard with the job's own limit and the one that counts for this run, both as a job file writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The guard's key.
    pub guard: &'static str,
    /// What the job says.
    pub from: String,
    /// What counts.
    pub to: String,
}

/// Guards that cannot, and why not.
const FIXED: [(&str, &str); 7] = [
    ("require_paid", "it asks for proof of the payment"),
    ("refuse_paid", "it goes by proof of the payment"),
    ("control", "it is what the file must add up to"),
    ("control.rows", "it is what the file must add up to"),
    ("control.amount", "it is what the file must add up to"),
    ("already_refunded", "DOKU has notified of the refund"),
    ("other_amount", "the amount is known to be another"),
];

/// The guards with some of them loosened, and what was loosened.
///
/// # Errors
/// Everything that is wrong with the texts.
pub fn loosen(guards: &Guards, texts: &[String]) -> Result<(Guards, Vec<Override>), Vec<String>> {
    let (mut loosened, mut overrides, mut wrong) = (guards.clone(), Vec::<Override>::new(), Vec::new());
    for text in texts {
        let key = text.split('=').next().unwrap_or_default();
        if overrides.iter().any(|known| known.guard == key) {
            wrong.push(format!("--override {key}: is there twice; keep one of them"));
            continue;
        }
        match one(&mut loosened, text) {
            Ok(found) => overrides.push(found),
            Err(why) => wrong.push(format!("--override {why}")),
        }
    }
    if wrong.is_empty() { Ok((loosened, overrides)) } else { Err(wrong) }
}

fn one(guards: &mut Guards, text: &str) -> Result<Override, String> {
    let (key, value) =
        text.split_once('=').ok_or_else(|| format!("{text:?} is not GUARD=VALUE, such as max_total=90000000"))?;
    if let Some((_, why)) = FIXED.iter().find(|(fixed, _)| *fixed == key) {
        return Err(format!("{key}: cannot be overridden, for {why}; correct the input, or change the job"));
    }
    let loosened: Vec<&str> = KEYS.into_iter().filter(|known| FIXED.iter().all(|(fixed, _)| fixed != known)).collect();
    let Some(guard) = loosened.iter().copied().find(|known| *known == key) else {
        let hint = nearest(key, loosened.iter().copied()).map_or_else(
            || format!("known guards: {}", loosened.join(", ")),
            |known| format!("did you mean {known:?}?"),
        );
        return Err(format!("{key:?} is no guard; {hint}"));
    };
    let (from, to) = match guard {
        "max_orders" => {
            let mut limit = Some(guards.max_orders);
            let done = raise(&mut limit, value, COUNT, parse_count, number);
            guards.max_orders = limit.unwrap_or(guards.max_orders);
            done
        }
        "max_total" => {
            let mut limit = Some(guards.max_total);
            let done = raise(&mut limit, value, RUPIAH, parse_rupiah, whole);
            guards.max_total = limit.unwrap_or(guards.max_total);
            done
        }
        "max_order" => raise(&mut guards.max_order, value, RUPIAH, parse_rupiah, whole),
        "max_share" => {
            raise(&mut guards.max_share, value, "a percentage such as 10%", parse_percent, |share| format!("{share}%"))
        }
        "max_growth" => {
            let mut limit = guards.max_growth.map(|growth| growth.factor);
            let done = raise(&mut limit, value, FACTOR, Factor::parse, |factor| factor.to_string());
            guards.max_growth = guards.max_growth.zip(limit).map(|(growth, factor)| Growth { factor, ..growth });
            done
        }
        "max_orders_per_day" => raise(&mut guards.max_orders_per_day, value, COUNT, parse_count, number),
        "max_total_per_day" => raise(&mut guards.max_total_per_day, value, RUPIAH, parse_rupiah, whole),
        _ => {
            let mut limit = Some(guards.duplicate_input);
            let word =
                |text: &str| DuplicateInput::WORDS.iter().find(|(word, _)| *word == text).map(|(_, found)| *found);
            let done = raise(&mut limit, value, "one of refuse, warn, allow", word, |found| found.word().to_owned());
            guards.duplicate_input = limit.unwrap_or(guards.duplicate_input);
            done
        }
    }
    .map_err(|why| format!("{guard}{why}"))?;
    Ok(Override { guard, from, to })
}

/// Raises a limit; says what it was and what it is.
fn raise<T: Copy + PartialOrd>(
    limit: &mut Option<T>,
    value: &str,
    expected: &str,
    read: impl FnOnce(&str) -> Option<T>,
    text: impl Fn(T) -> String,
) -> Result<(String, String), String> {
    let own = limit.ok_or(": the job has no such guard, so there is nothing to loosen")?;
    let meant = read(value).ok_or_else(|| format!(" {value:?} is not {expected}"))?;
    if meant <= own {
        return Err(format!("={value}: the job allows {} already, and an override only loosens", text(own)));
    }
    *limit = Some(meant);
    Ok((text(own), text(meant)))
}

fn number(count: u64) -> String {
    count.to_string()
}

fn whole(amount: Rupiah) -> String {
    amount.whole().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guards() -> Guards {
        Guards {
            max_share: Some(10),
            max_growth: Some(Growth { runs: 7, factor: Factor::parse("3").unwrap() }),
            max_total_per_day: Some(Rupiah::new(500)),
            duplicate_input: DuplicateInput::Refuse,
            ..Guards::new(5, Rupiah::new(100))
        }
    }

    fn loosened(texts: &[&str]) -> Result<(Guards, Vec<Override>), Vec<String>> {
        loosen(&guards(), &texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn an_override_that_is_wrong_says_why() {
        let cases = [
            ("max_total", "--override \"max_total\" is not GUARD=VALUE, such as max_total=90000000"),
            ("max_totl=5", "--override \"max_totl\" is no guard; did you mean \"max_total\"?"),
            (
                "require_paid=false",
                "--override require_paid: cannot be overridden, for it asks for proof of the payment; correct the input, or change the job",
            ),
            (
                "refuse_paid=false",
                "--override refuse_paid: cannot be overridden, for it goes by proof of the payment; correct the input, or change the job",
            ),
            (
                "control.rows=5",
                "--override control.rows: cannot be overridden, for it is what the file must add up to; correct the input, or change the job",
            ),
            ("max_order=5", "--override max_order: the job has no such guard, so there is nothing to loosen"),
            ("max_total=90.000", "--override max_total \"90.000\" is not whole rupiah without separators"),
            ("max_total=100", "--override max_total=100: the job allows 100 already, and an override only loosens"),
            ("max_total=99", "--override max_total=99: the job allows 100 already, and an override only loosens"),
            ("max_share=9%", "--override max_share=9%: the job allows 10% already, and an override only loosens"),
            ("max_share=200%", "--override max_share \"200%\" is not a percentage such as 10%"),
            ("max_growth=2.5", "--override max_growth=2.5: the job allows 3 already, and an override only loosens"),
            (
                "duplicate_input=refuse",
                "--override duplicate_input=refuse: the job allows refuse already, and an override only loosens",
            ),
            ("max_orders=+9", "--override max_orders \"+9\" is not a whole number from 1"),
        ];
        for (text, expected) in cases {
            assert_eq!(loosened(&[text]), Err(vec![expected.to_owned()]));
        }
        assert_eq!(
            loosened(&["max_orders=9", "max_orders=10"]).unwrap_err(),
            ["--override max_orders: is there twice; keep one of them"]
        );
    }

    #[test]
    fn what_is_loosened_is_told_with_both_limits() {
        let texts = [
            "max_orders=6",
            "max_total=900",
            "max_share=11%",
            "max_growth=3.5",
            "max_total_per_day=501",
            "duplicate_input=warn",
        ];
        let (guards, overrides) = loosened(&texts).unwrap();
        assert_eq!((guards.max_orders, guards.max_total, guards.max_share), (6, Rupiah::new(900), Some(11)));
        assert_eq!(guards.max_growth.unwrap().factor.to_string(), "3.5");
        assert_eq!((guards.max_total_per_day, guards.duplicate_input), (Some(Rupiah::new(501)), DuplicateInput::Warn));
        let told: Vec<String> = overrides.iter().map(|one| format!("{} {} {}", one.guard, one.from, one.to)).collect();
        assert_eq!(
            told,
            [
                "max_orders 5 6",
                "max_total 100 900",
                "max_share 10% 11%",
                "max_growth 3 3.5",
                "max_total_per_day 500 501",
                "duplicate_input refuse warn"
            ]
        );
    }
}
