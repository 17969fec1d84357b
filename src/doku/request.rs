//! An order that is ready to be sent: everything that its operation's body needs is there.

use super::{cancel, create, refund};
use crate::model::ids::{Identifier, MerchantReference};
use crate::model::operation::Operation;
use crate::model::order::{Order, Sale, Settlement};

/// What an operation needs beyond invoice, amount and payment reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Make the order.
    Create(Box<Sale>),
    /// Cancel it; identifiers are sent if they are known.
    Cancel {
        /// `ORDER_ID`.
        order_id: Option<Identifier>,
        /// `AKULAKU_UNIQUE_REFERENCE`.
        akulaku_reference: Option<Identifier>,
    },
    /// Refund it; both identifiers are mandatory.
    Refund {
        /// `ORDER_ID`.
        order_id: Identifier,
        /// `AKULAKU_UNIQUE_REFERENCE`.
        akulaku_reference: Identifier,
    },
}

impl Call {
    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Create(_) => Operation::Create,
            Self::Cancel { .. } => Operation::Cancel,
            Self::Refund { .. } => Operation::Refund,
        }
    }

    /// The body of the request: written once, then hashed, signed, stored and sent as it is.
    #[must_use]
    pub fn body(
        &self,
        order: &Order,
        payment_reference: &MerchantReference,
        refund_reference: &MerchantReference,
        settlement: &[Settlement],
    ) -> Vec<u8> {
        match self {
            Self::Create(sale) => create::body(order, sale, payment_reference, settlement),
            Self::Cancel { order_id, akulaku_reference } => {
                cancel::body(&order.invoice_number, payment_reference, order_id.as_ref(), akulaku_reference.as_ref())
            }
            Self::Refund { order_id, akulaku_reference } => {
                refund::body(&order.invoice_number, payment_reference, order_id, akulaku_reference, refund_reference)
            }
        }
    }
}
