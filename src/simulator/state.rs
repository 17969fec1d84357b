//! The starting state: which orders exist, what their customers will do, and which faults are scripted.
//!
//! Plain values. They come from a state file (`state_file.rs`) or are built by the program from a job's orders.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::script::FaultRule;
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference, RequestId};
use crate::model::money::Rupiah;
use crate::model::status::PaymentStatus;
use crate::model::time::Timestamp;

/// Everything that the simulator knows before the first request.
#[derive(Debug, Clone, Default)]
pub struct StartingState {
    /// The orders that exist. Of two with one invoice number, the later one counts; a state file has none such.
    pub orders: Vec<StartingOrder>,
    /// What the customers of newly created orders do.
    pub customers: Customers,
    /// When and how the simulator misbehaves.
    pub faults: Vec<FaultRule>,
    /// Decides where the faults with a probability strike.
    pub seed: u64,
    /// A status inquiry sees an effect, and the state that followed from it, only so long after it happened.
    pub status_lag: Duration,
}

/// An order that exists from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartingOrder {
    /// The merchant's number.
    pub invoice_number: InvoiceNumber,
    /// The full amount.
    pub amount: Rupiah,
    /// Where its payment stands.
    pub status: PaymentStatus,
    /// The merchant's reference of the payment; absent: the invoice number.
    pub payment_reference: Option<MerchantReference>,
    /// Akulaku's `ORDER_ID`; absent: a running number.
    pub order_id: Option<Identifier>,
    /// Akulaku's `AKULAKU_UNIQUE_REFERENCE`; absent: Client-Id and payment reference.
    pub akulaku_reference: Option<Identifier>,
    /// The `Request-Id` that created the order; absent: derived from the invoice number.
    pub request_id: Option<RequestId>,
    /// The reference of the refund of a refunded order; absent: derived from the invoice number.
    pub refund_reference: Option<MerchantReference>,
    /// Since when the status holds; absent: since the simulator started.
    pub since: Option<Timestamp>,
}

impl StartingOrder {
    /// An order of which only the essentials are known.
    #[must_use]
    pub const fn new(invoice_number: InvoiceNumber, amount: Rupiah, status: PaymentStatus) -> Self {
        Self {
            invoice_number,
            amount,
            status,
            payment_reference: None,
            order_id: None,
            akulaku_reference: None,
            request_id: None,
            refund_reference: None,
            since: None,
        }
    }
}

/// What the customers of newly created orders do, in percent of them. By default nobody pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Customers {
    pay: u8,
    fail: u8,
}

impl Customers {
    /// `pay` percent pay, `fail` percent fail to, the rest never come back. `None` if that is more than all of them.
    #[must_use]
    pub fn new(pay: u8, fail: u8) -> Option<Self> {
        pay.checked_add(fail).filter(|sum| *sum <= 100).map(|_| Self { pay, fail })
    }

    /// What the customer of this invoice does: the same every time, for it depends on a hash of the invoice number.
    #[must_use]
    pub fn decision(self, invoice_number: &InvoiceNumber) -> PaymentStatus {
        let hash = Sha256::digest(format!("customer\n{invoice_number}"));
        let percentile = u16::from_be_bytes([hash[0], hash[1]]) % 100;
        if percentile < u16::from(self.pay) {
            PaymentStatus::Success
        } else if percentile < u16::from(self.pay) + u16::from(self.fail) {
            PaymentStatus::Failed
        } else {
            PaymentStatus::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(customers: Customers) -> [usize; 3] {
        let invoices = (0..1000).map(|number| InvoiceNumber::new(&format!("INV-{number}")).expect("an invoice number"));
        let decided: Vec<PaymentStatus> = invoices.map(|invoice| customers.decision(&invoice)).collect();
        [PaymentStatus::Success, PaymentStatus::Failed, PaymentStatus::Pending]
            .map(|wanted| decided.iter().filter(|status| **status == wanted).count())
    }

    #[test]
    fn more_than_all_customers_cannot_be() {
        assert_eq!(Customers::new(60, 41), None);
        assert_eq!(Customers::new(255, 255), None);
        assert!(Customers::new(100, 0).is_some());
    }

    #[test]
    fn nobody_pays_by_default_and_everybody_pays_if_told() {
        assert_eq!(decisions(Customers::default()), [0, 0, 1000]);
        assert_eq!(Customers::new(100, 0).map(decisions), Some([1000, 0, 0]));
        assert_eq!(Customers::new(0, 100).map(decisions), Some([0, 1000, 0]));
    }

    #[test]
    fn the_shares_are_about_what_was_asked_for() {
        let [paid, failed, pending] = decisions(Customers::new(60, 10).expect("at most all"));
        assert!((550..650).contains(&paid), "{paid}");
        assert!((70..130).contains(&failed), "{failed}");
        assert_eq!(paid + failed + pending, 1000);
    }
}
