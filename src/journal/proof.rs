//! Kept answers as proof: whether an answer still proves what the journal concluded from it, with the merchant's key alone.

use crate::doku::answer::{self, Expected, PaymentPage};
use crate::doku::exchange::{Answer, Exchange};
use crate::doku::sign::Signer;
use crate::doku::status::{self, Inquiry};
use crate::model::ids::RequestId;
use crate::model::time::Timestamp;

use super::record::Item;

/// An answer from which the journal concluded something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The item that it is about.
    pub item: Item,
    /// What was asked.
    pub asked: Asked,
    /// The word of the conclusion: `applied`, `already` or `refused`.
    pub concluded: String,
    /// The answer.
    pub answer: Answer,
    /// When it came.
    pub at: Timestamp,
}

/// What an answer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The operation.
    Operation,
    /// The status, under an id of its own.
    Status(RequestId),
}

impl Item {
    /// What an answer about this item must echo.
    #[must_use]
    pub fn expected(&self, page: PaymentPage) -> Expected<'_> {
        Expected {
            operation: self.identity.account.operation,
            client_id: &self.identity.account.client_id,
            request_id: &self.request_id,
            invoice: &self.identity.invoice,
            amount: self.amount,
            payment_reference: &self.payment_reference,
            refund_reference: self.refund_reference.as_ref(),
            first_intent_at: self.first_intent_at,
            page,
        }
    }
}

impl Proof {
    /// Whether the answer, read again, leads to the same conclusion.
    #[must_use]
    pub fn holds(&self, signer: &Signer) -> bool {
        // Where a payment page may be was decided when it was created; here it only has to be one.
        let expected = self.item.expected(PaymentPage::Loopback);
        let exchange = Exchange::Answered(self.answer.clone());
        let concluded = match &self.asked {
            Asked::Operation => answer::read(&expected, signer, &exchange, self.at).outcome.word(),
            Asked::Status(request_id) => match status::read(&expected, signer, request_id, &exchange).0 {
                Inquiry::Applied => "applied",
                Inquiry::Already => "already",
                Inquiry::NoProof => "no_proof",
            },
        };
        concluded == self.concluded
    }
}
