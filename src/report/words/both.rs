//! A text that is told in one place only, in both languages side by side. Documents and logs for machines have its English.

use std::borrow::Cow;

use super::speech::{Speech, Unit};
use crate::journal::Loss;
use crate::model::language::Language;

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Both {
    /// English.
    pub english: Cow<'static, str>,
    /// Bahasa Indonesia.
    pub indonesian: Cow<'static, str>,
}

/// A text in English and in Bahasa Indonesia.
pub fn both(english: impl Into<Cow<'static, str>>, indonesian: impl Into<Cow<'static, str>>) -> Both {
    Both { english: english.into(), indonesian: indonesian.into() }
}

/// A text of words that both languages have.
pub fn spoken(text: impl Fn(&Speech) -> String) -> Both {
    both(text(Speech::of(Language::English)), text(Speech::of(Language::Indonesian)))
}

/// So many of them.
#[must_use]
pub fn counted(count: u64, unit: Unit) -> Both {
    spoken(|words| (words.counted)(count, unit))
}

/// What a journal lacks.
#[must_use]
pub fn lost(loss: &Loss) -> Both {
    let time = |at| Language::Indonesian.time(at);
    both(loss.to_string(), format!("catatan dari {} sampai {} hilang", time(loss.since), time(loss.until)))
}

impl Both {
    /// What is the same in both: a name, a code, or a fault, which is told in English only.
    #[must_use]
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { indonesian: text.clone().into(), english: text.into() }
    }
}

/// What can be told to a reader of either language. A bare text is told as it is.
pub trait Told {
    /// The text in a language.
    fn told(&self, language: Language) -> &str;
}

impl Told for Both {
    fn told(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Indonesian => &self.indonesian,
        }
    }
}

impl Told for str {
    fn told(&self, _: Language) -> &str {
        self
    }
}

impl Told for String {
    fn told(&self, _: Language) -> &str {
        self
    }
}
