//! What is to happen to an order.

use std::sync::Arc;

use crate::doku::request::Call;
use crate::journal::state::State;
use crate::model::fault::Fault;
use crate::model::ids::{Identifier, MerchantReference};
use crate::model::order::Order;

/// What is to happen to one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It is sent.
    Send {
        /// 0, or what a person reopened.
        generation: u16,
    },
    /// An item of this job exists: it is at its end, or will be settled.
    Continue(Arc<Earlier>),
    /// Another job has the item.
    Elsewhere(Arc<Earlier>),
    /// It is not meant.
    Skip(Arc<str>),
    /// A row guard keeps it back.
    Held(HeldBy),
    /// It is bad.
    Invalid(Box<[Fault]>),
}

/// What an earlier run has made of an order; the same for many of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Earlier {
    /// What is known.
    pub state: State,
    /// The job.
    pub job: String,
    /// The run that made the item.
    pub run: String,
}

/// The guard that keeps an order back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBy {
    /// Dearer than one order may be.
    MaxOrder,
    /// Never seen paid.
    RequirePaid,
    /// Seen paid.
    RefusePaid,
    /// DOKU has notified that the money went back already.
    AlreadyRefunded,
    /// The journal or DOKU knows the order with another amount.
    OtherAmount,
}

impl HeldBy {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::MaxOrder, Self::RequirePaid, Self::RefusePaid, Self::AlreadyRefunded, Self::OtherAmount];

    /// The word in `rekon_reason`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::MaxOrder => "max_order",
            Self::RequirePaid => "require_paid",
            Self::RefusePaid => "refuse_paid",
            Self::AlreadyRefunded => "already_refunded",
            Self::OtherAmount => "other_amount",
        }
    }
}

/// An order that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sendable {
    /// The order.
    pub order: Order,
    /// What is sent.
    pub call: Call,
    /// The payment's reference.
    pub payment_reference: MerchantReference,
    /// 0, or what a person reopened.
    pub generation: u16,
}

/// What a request needs, the file lacks and somebody else knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Found {
    pub(super) payment_reference: Option<MerchantReference>,
    pub(super) order_id: Option<Identifier>,
    pub(super) akulaku_reference: Option<Identifier>,
}
