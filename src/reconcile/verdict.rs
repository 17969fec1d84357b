//! The table that judges an order: what is expected of it, what DOKU says, and what follows.
//!
//! After a run the expectation is the operation's effect, because the export is older than the run; in an audit it is
//! the book's status (`DESIGN` 11.2). A signed answer alone proves a cancel or a refund, for DOKU documents no
//! notification of either, so silence after one is no break.

use super::evidence::{Done, DoneState, Picture};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};

/// The one conclusion about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Expectation and evidence agree.
    Matched,
    /// Not proved yet, and young enough to wait.
    Pending,
    /// Not proved, and too old to wait.
    Missing,
    /// DOKU names another amount.
    AmountMismatch,
    /// DOKU says something else.
    StatusMismatch,
    /// The customer paid an order that was cancelled.
    PaidAfterCancel,
    /// Money went back that never came.
    RefundedUnpaid,
    /// Nobody knows if money moved.
    InDoubt,
    /// Our operation was refused.
    Failed,
    /// Nothing was sent for it.
    NotSent,
}

impl Verdict {
    /// All verdicts, in the order of the summary.
    pub const ALL: [Self; 10] = [
        Self::Matched,
        Self::Pending,
        Self::Missing,
        Self::AmountMismatch,
        Self::StatusMismatch,
        Self::PaidAfterCancel,
        Self::RefundedUnpaid,
        Self::InDoubt,
        Self::Failed,
        Self::NotSent,
    ];

    /// The word in reconciliation.csv.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Pending => "pending",
            Self::Missing => "missing",
            Self::AmountMismatch => "amount_mismatch",
            Self::StatusMismatch => "status_mismatch",
            Self::PaidAfterCancel => "paid_after_cancel",
            Self::RefundedUnpaid => "refunded_unpaid",
            Self::InDoubt => "in_doubt",
            Self::Failed => "failed",
            Self::NotSent => "not_sent",
        }
    }

    /// Whether a person must look at it. What was not sent is judged by its state: a held row needs one, a skipped row
    /// does not.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::Missing
            | Self::AmountMismatch
            | Self::StatusMismatch
            | Self::PaidAfterCancel
            | Self::RefundedUnpaid
            | Self::Failed
            | Self::InDoubt => true,
            Self::Matched | Self::Pending | Self::NotSent => false,
        }
    }
}

/// What should be true of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// The effect of the operation that a run did.
    Effect(Operation),
    /// What the book says; `None` if it does not.
    Book(Option<BookStatus>),
}

/// Whether there was time enough for proof to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Within the grace.
    Young,
    /// Beyond it.
    Old,
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What should be true.
    pub expectation: Expectation,
    /// The order's amount.
    pub amount: Rupiah,
    /// What we did, the deciding operation; `None` if nothing.
    pub done: Option<&'a Done>,
    /// What DOKU's notifications say; `None` if nothing.
    pub picture: Option<&'a Picture>,
    /// Whether proof had time to arrive.
    pub age: Age,
}

/// A verdict and its reason in a few words.
pub type Judgement = (Verdict, &'static str);

/// Judges one order.
#[must_use]
pub fn judge(case: &Case<'_>) -> Judgement {
    match case.done.map(|done| done.state) {
        Some(DoneState::Unknown) => return (Verdict::InDoubt, "no proof yet"),
        Some(DoneState::Review) => return (Verdict::InDoubt, "a person decides"),
        Some(DoneState::Conflict) => return (Verdict::InDoubt, "proofs disagree"),
        Some(DoneState::Refused) => return (Verdict::Failed, "the operation was refused"),
        Some(DoneState::Succeeded | DoneState::AlreadyDone) | None => {}
        Some(state @ (DoneState::Held | DoneState::NotAttempted | DoneState::Skipped | DoneState::Invalid)) => {
            return not_sent(case, state);
        }
    }
    by_evidence(case)
}

/// Nothing was sent for it. In an audit that hides no break: the book is held against DOKU all the same.
fn not_sent(case: &Case<'_>, state: DoneState) -> Judgement {
    let reason = match state {
        DoneState::Held => "held by a guard",
        DoneState::NotAttempted => "not attempted",
        DoneState::Skipped => "skipped",
        _ => "invalid row",
    };
    let nothing = (Verdict::NotSent, reason);
    match (case.expectation, state) {
        (Expectation::Effect(_), _) => nothing,
        (Expectation::Book(_), DoneState::Skipped | DoneState::Invalid) => by_evidence(case),
        (Expectation::Book(_), _) => {
            Some(by_evidence(case)).filter(|(verdict, _)| verdict.needs_a_person()).unwrap_or(nothing)
        }
    }
}

fn by_evidence(case: &Case<'_>) -> Judgement {
    let status_verdict = by_status(case);
    match status_verdict.0 {
        Verdict::PaidAfterCancel | Verdict::RefundedUnpaid => status_verdict,
        _ if amount_differs(case) => (Verdict::AmountMismatch, "DOKU names another amount"),
        _ => status_verdict,
    }
}

fn amount_differs(case: &Case<'_>) -> bool {
    case.picture.is_some_and(|picture| picture.amounts.iter().any(|amount| *amount != case.amount))
}

fn by_status(case: &Case<'_>) -> Judgement {
    let effect = case.done.filter(|done| done.state.is_done()).map(|done| done.operation);
    let heard = case.picture.and_then(|picture| picture.status);
    let paid = case.picture.is_some_and(|picture| picture.paid) || heard == Some(PaymentStatus::Refunded);
    match (case.expectation, effect) {
        (Expectation::Effect(Operation::Create), Some(Operation::Create)) => (Verdict::Matched, "created"),
        (Expectation::Effect(Operation::Cancel), Some(Operation::Cancel)) => after_cancel(heard, paid),
        (Expectation::Effect(Operation::Refund), Some(Operation::Refund)) => after_refund(heard, paid),
        (Expectation::Effect(_), _) => (Verdict::NotSent, "nothing was sent"),
        (Expectation::Book(_), Some(Operation::Cancel)) if paid => {
            (Verdict::PaidAfterCancel, "paid although cancelled")
        }
        (Expectation::Book(_), Some(Operation::Refund)) if heard.is_some() && !paid => {
            (Verdict::RefundedUnpaid, "refunded, but DOKU never saw it paid")
        }
        (Expectation::Book(Some(book)), _) => against_book(book, known_status(heard, effect), case.age),
        (Expectation::Book(None), _) => match known_status(heard, effect) {
            Some(_) => (Verdict::Matched, "the book does not say"),
            None => wait(case.age),
        },
    }
}

/// DOKU's status as notified, or as the signed answer to a cancel or refund of ours has made it.
#[must_use]
pub fn known_status(heard: Option<PaymentStatus>, effect: Option<Operation>) -> Option<PaymentStatus> {
    let answered = match effect {
        Some(Operation::Refund) => Some(PaymentStatus::Refunded),
        Some(Operation::Cancel) => Some(PaymentStatus::Cancelled),
        Some(Operation::Create) | None => None,
    };
    heard.max(answered)
}

fn after_cancel(heard: Option<PaymentStatus>, paid: bool) -> Judgement {
    match heard {
        Some(PaymentStatus::Refunded) => (Verdict::StatusMismatch, "cancelled by us, refunded at DOKU"),
        _ if paid => (Verdict::PaidAfterCancel, "paid although cancelled"),
        _ => (Verdict::Matched, "cancelled"),
    }
}

fn after_refund(heard: Option<PaymentStatus>, paid: bool) -> Judgement {
    match heard {
        Some(_) if !paid => (Verdict::RefundedUnpaid, "refunded, but DOKU never saw it paid"),
        Some(_) => (Verdict::Matched, "refunded"),
        None => (Verdict::Matched, "refunded; DOKU does not notify refunds"),
    }
}

/// The book against DOKU's word, word for word.
fn against_book(book: BookStatus, heard: Option<PaymentStatus>, age: Age) -> Judgement {
    use PaymentStatus as P;
    match (book, heard) {
        (BookStatus::Cancelled, Some(P::Success)) => (Verdict::PaidAfterCancel, "the book says cancelled, DOKU paid"),
        (BookStatus::Refunded, Some(P::Failed | P::Expired | P::Pending | P::Cancelled)) => {
            (Verdict::RefundedUnpaid, "the book says refunded, DOKU never saw it paid")
        }
        // DOKU notifies payments only: these never have anything to say.
        (BookStatus::Pending | BookStatus::Expired | BookStatus::Cancelled, None) => {
            (Verdict::Matched, "DOKU has nothing to notify")
        }
        (BookStatus::Pending, Some(P::Pending))
        | (BookStatus::Paid, Some(P::Success))
        | (BookStatus::Failed, Some(P::Failed))
        | (BookStatus::Expired, Some(P::Expired))
        | (BookStatus::Cancelled, Some(P::Cancelled | P::Failed | P::Expired | P::Pending))
        | (BookStatus::Refunded, Some(P::Refunded)) => (Verdict::Matched, "book and DOKU agree"),
        // Paid at DOKU; the refund itself is not notified and no result of ours proves it.
        (BookStatus::Paid | BookStatus::Failed | BookStatus::Refunded, None)
        | (BookStatus::Refunded, Some(P::Success)) => wait(age),
        (BookStatus::Paid | BookStatus::Failed, Some(P::Pending)) if age == Age::Young => wait(age),
        (BookStatus::Pending, Some(P::Failed | P::Cancelled | P::Expired | P::Success | P::Refunded))
        | (BookStatus::Paid, Some(P::Pending | P::Failed | P::Cancelled | P::Expired | P::Refunded))
        | (BookStatus::Failed, Some(P::Pending | P::Cancelled | P::Expired | P::Success | P::Refunded))
        | (BookStatus::Expired, Some(P::Pending | P::Failed | P::Cancelled | P::Success | P::Refunded))
        | (BookStatus::Cancelled, Some(P::Refunded)) => (Verdict::StatusMismatch, "book and DOKU disagree"),
    }
}

const fn wait(age: Age) -> Judgement {
    match age {
        Age::Young => (Verdict::Pending, "no proof yet, within the grace"),
        Age::Old => (Verdict::Missing, "no proof, and the grace is over"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(status: Option<PaymentStatus>) -> Option<Picture> {
        status.map(|status| Picture {
            status: Some(status),
            paid: status == PaymentStatus::Success,
            amounts: vec![Rupiah::new(5)],
            notifications: 1,
            ..Picture::default()
        })
    }

    fn done(operation: Operation, state: DoneState) -> Done {
        Done { operation, state, request_id: None, payment_status: None, settled_at: None }
    }

    fn audit(book: BookStatus, heard: Option<PaymentStatus>, age: Age) -> Verdict {
        let picture = picture(heard);
        let expectation = Expectation::Book(Some(book));
        judge(&Case { expectation, amount: Rupiah::new(5), done: None, picture: picture.as_ref(), age }).0
    }

    fn run(operation: Operation, state: DoneState, heard: Option<PaymentStatus>) -> Verdict {
        let (picture, done) = (picture(heard), done(operation, state));
        let expectation = Expectation::Effect(operation);
        judge(&Case {
            expectation,
            amount: Rupiah::new(5),
            done: Some(&done),
            picture: picture.as_ref(),
            age: Age::Old,
        })
        .0
    }

    #[test]
    fn an_audit_holds_the_book_against_doku() {
        use BookStatus as B;
        use PaymentStatus as P;
        use Verdict as V;
        let cases = [
            (B::Paid, None, V::Pending, V::Missing),
            (B::Paid, Some(P::Pending), V::Pending, V::StatusMismatch),
            (B::Paid, Some(P::Failed), V::StatusMismatch, V::StatusMismatch),
            (B::Paid, Some(P::Refunded), V::StatusMismatch, V::StatusMismatch),
            (B::Paid, Some(P::Success), V::Matched, V::Matched),
            (B::Pending, Some(P::Failed), V::StatusMismatch, V::StatusMismatch),
            (B::Pending, Some(P::Success), V::StatusMismatch, V::StatusMismatch),
            (B::Pending, None, V::Matched, V::Matched),
            (B::Failed, None, V::Pending, V::Missing),
            (B::Failed, Some(P::Success), V::StatusMismatch, V::StatusMismatch),
            (B::Failed, Some(P::Failed), V::Matched, V::Matched),
            (B::Expired, Some(P::Success), V::StatusMismatch, V::StatusMismatch),
            (B::Expired, None, V::Matched, V::Matched),
            (B::Cancelled, Some(P::Success), V::PaidAfterCancel, V::PaidAfterCancel),
            (B::Cancelled, Some(P::Failed), V::Matched, V::Matched),
            (B::Refunded, Some(P::Failed), V::RefundedUnpaid, V::RefundedUnpaid),
            (B::Refunded, Some(P::Success), V::Pending, V::Missing),
            (B::Refunded, Some(P::Refunded), V::Matched, V::Matched),
        ];
        for (book, heard, young, old) in cases {
            assert_eq!(audit(book, heard, Age::Young), young, "{book} {heard:?} young");
            assert_eq!(audit(book, heard, Age::Old), old, "{book} {heard:?} old");
        }
    }

    #[test]
    fn after_a_run_the_effect_is_expected() {
        use DoneState as D;
        use Operation as O;
        use PaymentStatus as P;
        use Verdict as V;
        let cases = [
            (O::Refund, D::Unknown, Some(P::Refunded), V::InDoubt),
            (O::Refund, D::Review, None, V::InDoubt),
            (O::Refund, D::Conflict, None, V::InDoubt),
            (O::Refund, D::Refused, Some(P::Success), V::Failed),
            (O::Refund, D::Held, Some(P::Success), V::NotSent),
            (O::Refund, D::NotAttempted, None, V::NotSent),
            (O::Refund, D::Skipped, Some(P::Success), V::NotSent),
            (O::Refund, D::Invalid, None, V::NotSent),
            (O::Refund, D::Succeeded, Some(P::Failed), V::RefundedUnpaid),
            (O::Refund, D::Succeeded, Some(P::Success), V::Matched),
            (O::Refund, D::AlreadyDone, Some(P::Refunded), V::Matched),
            (O::Refund, D::Succeeded, None, V::Matched),
            (O::Cancel, D::Succeeded, Some(P::Success), V::PaidAfterCancel),
            (O::Cancel, D::Succeeded, Some(P::Failed), V::Matched),
            (O::Cancel, D::Succeeded, None, V::Matched),
            (O::Create, D::Succeeded, None, V::Matched),
            (O::Create, D::Succeeded, Some(P::Success), V::Matched),
        ];
        for (operation, state, heard, verdict) in cases {
            assert_eq!(run(operation, state, heard), verdict, "{operation} {state:?} {heard:?}");
        }
    }

    #[test]
    fn in_an_audit_a_row_that_was_not_sent_hides_no_break() {
        for state in [DoneState::Held, DoneState::NotAttempted] {
            let done = done(Operation::Refund, state);
            let expectation = Expectation::Book(Some(BookStatus::Paid));
            let mut case =
                Case { expectation, amount: Rupiah::new(5), done: Some(&done), picture: None, age: Age::Old };
            assert_eq!(judge(&case).0, Verdict::Missing);
            let heard = picture(Some(PaymentStatus::Success));
            case.picture = heard.as_ref();
            assert_eq!(judge(&case).0, Verdict::NotSent);
        }
    }

    #[test]
    fn another_amount_is_a_break_whatever_the_status() {
        let mut heard = picture(Some(PaymentStatus::Success)).unwrap();
        heard.amounts = vec![Rupiah::new(5), Rupiah::new(6)];
        let expectation = Expectation::Book(Some(BookStatus::Paid));
        let case = Case { expectation, amount: Rupiah::new(5), done: None, picture: Some(&heard), age: Age::Young };
        assert_eq!(judge(&case).0, Verdict::AmountMismatch);
    }

    #[test]
    fn in_an_audit_a_proved_effect_of_ours_is_dokus_word() {
        use BookStatus as B;
        use Operation as O;
        use PaymentStatus as P;
        let cases = [
            (B::Paid, O::Refund, Some(P::Success), Verdict::StatusMismatch),
            (B::Refunded, O::Refund, Some(P::Failed), Verdict::RefundedUnpaid),
            (B::Refunded, O::Refund, Some(P::Success), Verdict::Matched),
            (B::Refunded, O::Refund, None, Verdict::Matched),
            (B::Paid, O::Cancel, Some(P::Success), Verdict::PaidAfterCancel),
            (B::Pending, O::Cancel, None, Verdict::StatusMismatch),
            (B::Cancelled, O::Cancel, None, Verdict::Matched),
            (B::Paid, O::Create, None, Verdict::Missing),
            (B::Paid, O::Create, Some(P::Success), Verdict::Matched),
        ];
        for (book, operation, heard, verdict) in cases {
            let (picture, done) = (picture(heard), done(operation, DoneState::Succeeded));
            let expectation = Expectation::Book(Some(book));
            let amount = Rupiah::new(5);
            let case = Case { expectation, amount, done: Some(&done), picture: picture.as_ref(), age: Age::Old };
            assert_eq!(judge(&case).0, verdict, "{book} {operation} {heard:?}");
        }
    }
}
