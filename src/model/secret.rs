//! A value that must not be seen: redacted in `Debug`, without `Display` or `Serialize`.

use std::fmt;

/// The merchant's secret key, used as raw UTF-8 text (`doku-api.md` 1.1).
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Keeps the text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself, for signing only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_secret() {
        assert_eq!(format!("{:?}", Secret::new("SK-abc")), "Secret(***)");
    }
}
