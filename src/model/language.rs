//! The language of a reader.

/// In which language something is told to people. Documents for machines have one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Bahasa Indonesia.
    Indonesian,
}

impl Language {
    /// All of them with their words in job files and on the command line, as HTML has them.
    pub const WORDS: [(&'static str, Self); 2] = [("en", Self::English), ("id", Self::Indonesian)];

    /// The word in job files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Indonesian => "id",
        }
    }
}
