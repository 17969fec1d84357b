//! The reasons of the CSV files in the reader's language: the files hold them as English texts.

use crate::reconcile::reason::{Ageing, Key, Reason};
use crate::report::words::speech::Speech;

/// Knows every reason by its text.
#[derive(Debug)]
pub(super) struct Reasons {
    known: Vec<(String, Reason)>,
    speech: &'static Speech,
}

impl Reasons {
    /// For a reader.
    pub(super) fn new(speech: &'static Speech) -> Self {
        let mut known: Vec<(String, Reason)> =
            Reason::all().into_iter().map(|reason| (reason.to_string(), reason)).collect();
        // One may begin as another does.
        known.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self { known, speech }
    }

    /// A text as the reader has it; one that is not known stays as it is.
    pub(super) fn told(&self, text: &str) -> String {
        let rest_behind = |known: &str| {
            let rest = text.strip_prefix(known)?;
            if rest.is_empty() { Some("") } else { rest.strip_prefix("; ") }
        };
        let found = self.known.iter().find_map(|(known, reason)| Some((*reason, rest_behind(known)?)));
        let Some((reason, rest)) = found else { return text.to_owned() };
        let (mut ageing, mut key) = (None, None);
        for part in rest.split("; ").filter(|part| !part.is_empty()) {
            let an_age = Ageing::ALL.into_iter().find(|one| one.word() == part);
            let a_key =
                [Key::RequestId, Key::Invoice, Key::Reference].into_iter().find(|one| one.label() == Some(part));
            if an_age.is_none() && a_key.is_none() {
                return text.to_owned();
            }
            (ageing, key) = (ageing.or(an_age), key.or(a_key));
        }
        (self.speech.reason)(reason, ageing, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::language::Language;

    #[test]
    fn every_reason_is_told_in_the_language_of_the_reader_and_stays_in_english() {
        let (english, indonesian) = (Speech::of(Language::English), Speech::of(Language::Indonesian));
        let (as_it_is, told) = (Reasons::new(english), Reasons::new(indonesian));
        for reason in Reason::all() {
            let text = reason.text(Some(Ageing::Over7Days), Some(Key::Invoice));
            assert_eq!(as_it_is.told(&text), text);
            let expected = (indonesian.reason)(reason, Some(Ageing::Over7Days), Some(Key::Invoice));
            assert_eq!(told.told(&text), expected);
            assert_eq!(told.told(&reason.to_string()), (indonesian.reason)(reason, None, None));
        }
        assert_eq!(told.told("something; else"), "something; else");
    }
}
