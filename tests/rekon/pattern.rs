//! Whether a text fits a pattern, as a validator of JSON Schema looks at it: anywhere in the text, unless the pattern says where.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Whether the text has a part that the pattern describes.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let parsed = regex_syntax::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    (0..=text.len()).any(|from| !ends(&parsed, text, from).is_empty())
}

/// Where a part that begins there may end.
fn ends(node: &Hir, text: &str, from: usize) -> BTreeSet<usize> {
    let only = |holds: bool, end: usize| if holds { BTreeSet::from([end]) } else { BTreeSet::new() };
    match node.kind() {
        HirKind::Empty => only(true, from),
        HirKind::Literal(literal) => only(text.as_bytes()[from..].starts_with(&literal.0), from + literal.0.len()),
        HirKind::Class(class) => {
            let next = text[from..].chars().next();
            let is_in = |character: char| match class {
                Class::Unicode(class) => class.iter().any(|range| (range.start()..=range.end()).contains(&character)),
                Class::Bytes(_) => panic!("a pattern of bytes"),
            };
            only(next.is_some_and(is_in), from + next.map_or(0, char::len_utf8))
        }
        HirKind::Look(Look::Start) => only(from == 0, from),
        HirKind::Look(Look::End) => only(from == text.len(), from),
        HirKind::Look(other) => panic!("{other:?} is not understood here"),
        HirKind::Capture(capture) => ends(&capture.sub, text, from),
        HirKind::Concat(parts) => parts
            .iter()
            .fold(only(true, from), |so_far, part| so_far.into_iter().flat_map(|end| ends(part, text, end)).collect()),
        HirKind::Alternation(parts) => parts.iter().flat_map(|part| ends(part, text, from)).collect(),
        HirKind::Repetition(repeated) => {
            let (least, most) = (repeated.min as usize, repeated.max.map_or(text.len() + 1, |most| most as usize));
            let (mut now, mut found) = (only(true, from), BTreeSet::new());
            for count in 0..=most {
                if count >= least {
                    found.extend(&now);
                }
                now = now.into_iter().flat_map(|end| ends(&repeated.sub, text, end)).collect();
                if now.is_empty() {
                    break;
                }
            }
            found
        }
    }
}

#[test]
fn a_pattern_describes_a_part_of_a_text_or_all_of_it() {
    for (pattern, text, expected) in [
        ("b", "abc", true),
        ("^b", "abc", false),
        ("c$", "abc", true),
        ("^a*$", "", true),
        ("^a*$", "aaa", true),
        ("^a+$", "", false),
        ("^[a-c]{2,3}$", "abca", false),
        ("^[a-c]{2,3}$", "abc", true),
        (r"^(x|1[0-9]?)\.\.y?$", "1..y", true),
        (r"^(x|1[0-9]?)\.\.y?$", "1xxy", false),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}
