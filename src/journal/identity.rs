//! The keys of an item, derived from what it is, so that a lost journal cannot produce a second one.
//!
//! Neither run nor row, amount nor secret goes in: a second job over the same invoice must collide, and a rotated key
//! must not change an id (`failure-modes.md` 2.1).

use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::Account;
use crate::model::ids::{InvoiceNumber, MerchantReference, RequestId};

/// What an item is. A higher generation exists only after a person reopened a proven refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Environment, client and operation.
    pub account: Account,
    /// The order.
    pub invoice: InvoiceNumber,
    /// 0 at first.
    pub generation: u16,
}

impl Identity {
    /// DOKU's idempotency key, formatted as a UUID.
    ///
    /// # Panics
    /// Never: a UUID is a request id.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        RequestId::new(text_of(self.derive("request"), &mut [0; LENGTH])).expect("a UUID is a request id")
    }

    /// The merchant's reference of a refund, formatted as a UUID.
    ///
    /// # Panics
    /// Never: a UUID is a reference.
    #[must_use]
    pub fn refund_reference(&self) -> MerchantReference {
        let reference = self.derive("refund-reference");
        MerchantReference::new(text_of(reference, &mut [0; LENGTH])).expect("a UUID is a reference")
    }

    /// A hash of label and identity. The parts are separated by a byte that none of them can hold.
    fn derive(&self, label: &str) -> Uuid {
        let parts = [
            "rekon/v1",
            label,
            self.account.environment.word(),
            self.account.client_id.as_str(),
            self.account.operation.word(),
            self.invoice.as_str(),
        ];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
            hash.update(b"\0");
        }
        hash.update(self.generation.to_string());
        uuid_of(hash)
    }
}

/// The characters of a UUID.
const LENGTH: usize = Hyphenated::LENGTH;

fn text_of(uuid: Uuid, characters: &mut [u8; LENGTH]) -> &str {
    uuid.hyphenated().encode_lower(characters)
}

/// The hash of a text in the form of a UUID.
#[must_use]
pub fn hashed(text: &str) -> Uuid {
    uuid_of(Sha256::new_with_prefix(text))
}

fn uuid_of(hash: Sha256) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::environment::Environment;
    use crate::model::ids::ClientId;
    use crate::model::operation::Operation;

    fn identity(
        environment: Environment,
        client: &str,
        operation: Operation,
        invoice: &str,
        generation: u16,
    ) -> Identity {
        let account = Account { environment, client_id: ClientId::new(client).unwrap(), operation };
        Identity { account, invoice: InvoiceNumber::new(invoice).unwrap(), generation }
    }

    /// Any change of these values would let a journal that was lost and made anew send twice.
    #[test]
    fn the_ids_of_an_identity_never_change() {
        let refund = identity(Environment::Production, "MCH-0001", Operation::Refund, "INV-1", 0);
        assert_eq!(refund.request_id().as_str(), "3e7e57b3-bf44-84b4-a3b5-d9a04f5a84b7");
        assert_eq!(refund.refund_reference().as_str(), "2f1e07e2-d0f6-870d-9d98-e61e5fdd5e25");
    }

    #[test]
    fn every_part_of_the_identity_changes_the_id() {
        let ids = [
            identity(Environment::Production, "MCH-1", Operation::Refund, "INV-1", 0),
            identity(Environment::Sandbox, "MCH-1", Operation::Refund, "INV-1", 0),
            identity(Environment::Production, "MCH-2", Operation::Refund, "INV-1", 0),
            identity(Environment::Production, "MCH-1", Operation::Cancel, "INV-1", 0),
            identity(Environment::Production, "MCH-1", Operation::Refund, "INV-2", 0),
            identity(Environment::Production, "MCH-1", Operation::Refund, "INV-1", 1),
        ]
        .map(|identity| identity.request_id());
        for (index, id) in ids.iter().enumerate() {
            assert!(ids[..index].iter().all(|other| other != id), "{id}");
        }
    }
}
