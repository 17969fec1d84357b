//! Ids that follow from what they stand for, so that a restart gives the same ones.

use sha2::{Digest as _, Sha256};

/// A UUID made of a hash of `label` and `parts`.
pub(super) fn uuid(label: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&label).chain(parts) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_depends_on_every_part_and_on_nothing_else() {
        assert_eq!(uuid("a", &["b", "c"]), uuid("a", &["b", "c"]));
        assert_ne!(uuid("a", &["b", "c"]), uuid("a", &["bc"]));
        assert_ne!(uuid("a", &["b"]), uuid("b", &["b"]));
        assert_eq!(uuid("a", &["b"]).len(), 36);
    }
}
