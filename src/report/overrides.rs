//! Guards that were loosened, in words.

use crate::model::money::Rupiah;

/// A limit as a line of the terminal has it.
pub(super) fn in_words(guard: &str, limit: &str) -> String {
    spoken(guard, limit, |whole| Rupiah::new(whole).to_string())
}

/// A limit as people read it: `money` writes whole rupiah.
pub(super) fn spoken(guard: &str, limit: &str, money: impl Fn(u64) -> String) -> String {
    match (guard, limit.parse()) {
        ("max_total" | "max_order" | "max_total_per_day", Ok(whole)) => money(whole),
        _ => limit.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::speech::Speech;
    use crate::journal::history::Overridden;
    use crate::model::language::Language;

    #[test]
    fn money_is_grouped_and_everything_else_is_as_it_was_written() {
        let found = |guard: &str, from: &str, to: &str| Overridden {
            guard: guard.into(),
            from: from.into(),
            to: to.into(),
            reason: "a second batch".into(),
            by: "ani".into(),
        };
        assert_eq!(
            Speech::of(Language::English)
                .overrides(&[found("max_total", "75000000", "90000000"), found("max_share", "10%", "12%")]),
            "overridden: max_total Rp 75.000.000 -> Rp 90.000.000, by ani: a second batch\n\
             overridden: max_share 10% -> 12%, by ani: a second batch"
        );
    }
}
