//! What is to happen to an order.

use crate::doku::request::Call;
use crate::journal::state::State;
use crate::model::fault::Fault;
use crate::model::ids::MerchantReference;
use crate::model::order::Order;

/// What is to happen to one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It is sent.
    Send {
        /// What is sent.
        call: Call,
        /// The payment's reference.
        payment_reference: MerchantReference,
        /// 0, or what a person reopened.
        generation: u16,
    },
    /// An item of this job exists: it is at its end, or will be settled.
    Continue {
        /// What is known.
        state: State,
        /// The run that made it.
        run: String,
    },
    /// Another job has the item.
    Elsewhere {
        /// What is known.
        state: State,
        /// The job.
        job: String,
        /// The run that made it.
        run: String,
    },
    /// It is not meant.
    Skip(String),
    /// A row guard keeps it back.
    Held(HeldBy),
    /// It is bad.
    Invalid(Vec<Fault>),
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

/// An order with its disposition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedOrder {
    /// The order.
    pub order: Order,
    /// What is to happen to it.
    pub disposition: Disposition,
}

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Sendable<'a> {
    /// The order.
    pub order: &'a Order,
    /// What is sent.
    pub call: &'a Call,
    /// The payment's reference.
    pub payment_reference: &'a MerchantReference,
    /// 0, or what a person reopened.
    pub generation: u16,
}

impl PlannedOrder {
    /// The order with what is sent for it; `None` if it is not to be sent.
    #[must_use]
    pub const fn to_send(&self) -> Option<Sendable<'_>> {
        match &self.disposition {
            Disposition::Send { call, payment_reference, generation } => {
                Some(Sendable { order: &self.order, call, payment_reference, generation: *generation })
            }
            Disposition::Continue { .. }
            | Disposition::Elsewhere { .. }
            | Disposition::Skip(_)
            | Disposition::Held(_)
            | Disposition::Invalid(_) => None,
        }
    }
}
