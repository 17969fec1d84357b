//! The table that judges an order: what is expected of it, what DOKU says, and what follows.
//!
//! After a run the expectation is the operation's effect, because the export is older than the run; in an audit it is
//! the book's status (`DESIGN` 11.2). A signed answer alone proves a cancel or a refund, for DOKU documents no
//! notification of either, so silence after one is no break.

use super::evidence::{DoneState, Expectation};
use super::picture::Picture;
use super::reason::Reason;
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::verdict::Verdict;

/// Whether there was time enough for proof to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Within the grace.
    Young,
    /// Beyond it.
    Old,
}

/// What our operations on an order moved, as far as the book knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Nothing, or what the book says.
    AsTheBook,
    /// One of them was done over another amount than the book's.
    OtherAmount,
    /// Two refunds, or more, had their effect.
    Twice,
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What should be true.
    pub expectation: Expectation,
    /// The order's amount.
    pub amount: Rupiah,
    /// What we did and how it ended, the deciding operation; `None` if nothing.
    pub done: Option<(Operation, DoneState)>,
    /// A person has ruled so: it decides as a proof would, and is no word of DOKU's.
    pub ruled: bool,
    /// What all of our operations moved.
    pub moved: Moved,
    /// What DOKU's notifications say.
    pub picture: &'a Picture,
    /// Whether proof had time to arrive.
    pub age: Age,
}

impl Case<'_> {
    /// The operation of ours whose effect is proved.
    #[must_use]
    pub fn effect(&self) -> Option<Operation> {
        self.done.filter(|(_, state)| state.is_done()).map(|(operation, _)| operation)
    }
}

/// Judges one order. The verdict is the reason's.
#[must_use]
pub fn judge(case: &Case<'_>) -> Reason {
    match case.done.map(|(_, state)| state) {
        Some(DoneState::Unknown) => Reason::NoProof,
        Some(DoneState::Review) => Reason::PersonDecides,
        Some(DoneState::Conflict) => Reason::ProofsDisagree,
        Some(DoneState::Refused) if case.ruled => Reason::RuledNotDone,
        Some(DoneState::Refused) => Reason::Refused,
        Some(state @ (DoneState::Held | DoneState::NotAttempted | DoneState::Skipped | DoneState::Invalid)) => {
            not_sent(case, state)
        }
        Some(DoneState::Succeeded | DoneState::AlreadyDone) | None => by_evidence(case),
    }
}

/// Nothing was sent for it. In an audit that hides no break: the book is held against DOKU all the same.
fn not_sent(case: &Case<'_>, state: DoneState) -> Reason {
    let nothing = match state {
        DoneState::Held => Reason::Held,
        DoneState::NotAttempted => Reason::NotAttempted,
        DoneState::Skipped => Reason::Skipped,
        _ => Reason::InvalidRow,
    };
    match (case.expectation, state) {
        (Expectation::Effect(_), _) => nothing,
        (Expectation::Book(_), DoneState::Skipped | DoneState::Invalid) => by_evidence(case),
        (Expectation::Book(_), _) => {
            Some(by_evidence(case)).filter(|reason| reason.verdict().needs_a_person()).unwrap_or(nothing)
        }
    }
}

fn by_evidence(case: &Case<'_>) -> Reason {
    if case.moved == Moved::Twice {
        return Reason::RefundedTwice;
    }
    let by_status = match by_status(case) {
        reason if case.ruled => by_ruling(reason, case),
        reason => reason,
    };
    match by_status.verdict() {
        Verdict::PaidAfterCancel | Verdict::RefundedUnpaid => by_status,
        _ => another_amount(case).unwrap_or(by_status),
    }
}

/// The reason where a ruling has made the verdict: not what our operation did or DOKU answered, for nobody knows that.
/// What DOKU says by itself needs no ruling.
fn by_ruling(reason: Reason, case: &Case<'_>) -> Reason {
    if by_status(&Case { done: None, ..*case }) == reason {
        return reason;
    }
    match reason.verdict() {
        Verdict::Matched => Reason::RuledDone,
        Verdict::StatusMismatch => Reason::RuledOtherwise,
        Verdict::PaidAfterCancel => Reason::PaidRuledCancelled,
        Verdict::RefundedUnpaid => Reason::RuledUnpaid,
        // None of these rests on what we did.
        Verdict::Pending
        | Verdict::Missing
        | Verdict::AmountMismatch
        | Verdict::InDoubt
        | Verdict::Failed
        | Verdict::NotSent => reason,
    }
}

/// How the amounts that DOKU names, or that our operations were over, differ from the order's; `None` if none does.
fn another_amount(case: &Case<'_>) -> Option<Reason> {
    let Some(other) = case.picture.other_amount else {
        return (case.moved == Moved::OtherAmount).then_some(Reason::RunAmount);
    };
    Some(if case.picture.several_amounts {
        Reason::SeveralAmounts
    } else if other > case.amount {
        Reason::DokuMore
    } else {
        Reason::DokuLess
    })
}

fn by_status(case: &Case<'_>) -> Reason {
    let (effect, heard, paid) = (case.effect(), case.picture.status, case.picture.saw_payment());
    match (case.expectation, effect) {
        (Expectation::Effect(Operation::Create), Some(Operation::Create)) => Reason::Created,
        (Expectation::Effect(Operation::Cancel), Some(Operation::Cancel)) => after_cancel(heard, paid),
        (Expectation::Effect(Operation::Refund), Some(Operation::Refund)) => after_refund(heard, paid),
        (Expectation::Effect(_), _) => Reason::NothingSent,
        // What has been given back is not to be refunded again; a book that knows it agrees.
        (Expectation::Book(book), Some(Operation::Cancel)) if paid && book != Some(BookStatus::Refunded) => {
            after_cancel(heard, paid)
        }
        (Expectation::Book(_), Some(Operation::Cancel)) if paid && heard != Some(PaymentStatus::Refunded) => {
            Reason::PaidCancelledByUs
        }
        (Expectation::Book(_), Some(Operation::Refund)) if heard.is_some() && !paid => Reason::RefundedByUs,
        (Expectation::Book(Some(book)), _) => against_book(book, case),
        (Expectation::Book(None), _) => match known_status(heard, effect) {
            Some(_) => Reason::BookSilent,
            None => wait(case.age, Reason::Awaited, Reason::Unproved),
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

fn after_cancel(heard: Option<PaymentStatus>, paid: bool) -> Reason {
    match heard {
        Some(PaymentStatus::Refunded) => Reason::CancelledRefunded,
        _ if paid => Reason::PaidCancelledByUs,
        _ => Reason::Cancelled,
    }
}

fn after_refund(heard: Option<PaymentStatus>, paid: bool) -> Reason {
    match heard {
        Some(_) if !paid => Reason::RefundedByUs,
        Some(_) => Reason::Refunded,
        None => Reason::RefundedSilently,
    }
}

/// The book against DOKU's word, word for word.
fn against_book(book: BookStatus, case: &Case<'_>) -> Reason {
    use BookStatus as B;
    use PaymentStatus as P;
    let (heard, age) = (case.picture.status, case.age);
    match (book, known_status(heard, case.effect())) {
        (B::Cancelled, Some(P::Success)) => Reason::PaidCancelledInBook,
        (B::Refunded, Some(P::Failed | P::Expired | P::Pending | P::Cancelled)) => Reason::RefundedInBook,
        // DOKU notifies payments only: these never have anything to say.
        (B::Pending | B::Expired | B::Cancelled, None) => Reason::NothingToNotify,
        (B::Cancelled, Some(P::Cancelled)) | (B::Refunded, Some(P::Refunded)) if heard != Some(book.as_notified()) => {
            Reason::Answered
        }
        (B::Pending, Some(P::Pending))
        | (B::Paid, Some(P::Success))
        | (B::Failed, Some(P::Failed))
        | (B::Expired, Some(P::Expired))
        | (B::Cancelled, Some(P::Cancelled | P::Failed | P::Expired | P::Pending))
        | (B::Refunded, Some(P::Refunded)) => {
            if case.picture.late {
                Reason::AgreeLate
            } else {
                Reason::Agree
            }
        }
        // Paid at DOKU; the refund itself is not notified and no result of ours proves it.
        (B::Refunded, Some(P::Success)) => wait(age, Reason::RefundAwaited, Reason::RefundUnproved),
        (B::Paid | B::Failed | B::Refunded, None) => wait(age, Reason::Awaited, Reason::Unproved),
        (B::Paid | B::Failed, Some(P::Pending)) if age == Age::Young => Reason::StillPending,
        (B::Pending, Some(doku @ (P::Failed | P::Cancelled | P::Expired | P::Success | P::Refunded)))
        | (B::Paid, Some(doku @ (P::Pending | P::Failed | P::Cancelled | P::Expired | P::Refunded)))
        | (B::Failed, Some(doku @ (P::Pending | P::Cancelled | P::Expired | P::Success | P::Refunded)))
        | (B::Expired, Some(doku @ (P::Pending | P::Failed | P::Cancelled | P::Success | P::Refunded)))
        | (B::Cancelled, Some(doku @ P::Refunded)) => Reason::Disagree(book, doku),
    }
}

const fn wait(age: Age, young: Reason, old: Reason) -> Reason {
    match age {
        Age::Young => young,
        Age::Old => old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(status: Option<PaymentStatus>) -> Picture {
        let paid = status == Some(PaymentStatus::Success);
        let own_amount = status.map(|_| Rupiah::new(5));
        Picture { status, paid, own_amount, notifications: u64::from(status.is_some()), ..Picture::default() }
    }

    /// An order of five rupiah that nobody has ruled, and of which nothing was done over another amount.
    fn case(expectation: Expectation, done: Option<(Operation, DoneState)>, picture: &Picture, age: Age) -> Case<'_> {
        let amount = Rupiah::new(5);
        Case { expectation, amount, done, ruled: false, moved: Moved::AsTheBook, picture, age }
    }

    fn audit(book: BookStatus, heard: Option<PaymentStatus>, age: Age) -> Verdict {
        let picture = picture(heard);
        let expectation = Expectation::Book(Some(book));
        judge(&case(expectation, None, &picture, age)).verdict()
    }

    fn run(operation: Operation, state: DoneState, heard: Option<PaymentStatus>) -> Verdict {
        let (picture, done) = (picture(heard), Some((operation, state)));
        let expectation = Expectation::Effect(operation);
        judge(&case(expectation, done, &picture, Age::Old)).verdict()
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
            let (silence, heard) = (picture(None), picture(Some(PaymentStatus::Success)));
            let done = Some((Operation::Refund, state));
            let expectation = Expectation::Book(Some(BookStatus::Paid));
            let case = case(expectation, done, &silence, Age::Old);
            assert_eq!(judge(&case), Reason::Unproved);
            assert_eq!(judge(&Case { picture: &heard, ..case }).verdict(), Verdict::NotSent);
        }
    }

    #[test]
    fn another_amount_is_a_break_whatever_the_status() {
        let cases = [(4, false, Reason::DokuLess), (6, false, Reason::DokuMore), (6, true, Reason::SeveralAmounts)];
        for (other, several_amounts, reason) in cases {
            let other_amount = Some(Rupiah::new(other));
            let heard = Picture { other_amount, several_amounts, ..picture(Some(PaymentStatus::Success)) };
            let expectation = Expectation::Book(Some(BookStatus::Paid));
            let case = case(expectation, None, &heard, Age::Young);
            assert_eq!(judge(&case), reason);
        }
    }

    #[test]
    fn what_we_moved_is_held_against_the_book() {
        use DoneState as D;
        let heard = picture(Some(PaymentStatus::Success));
        let more = Picture { other_amount: Some(Rupiah::new(6)), ..heard };
        let never_paid = picture(Some(PaymentStatus::Failed));
        let cases = [
            (D::Succeeded, Moved::AsTheBook, &heard, Reason::Answered),
            // What is not settled, or was refused, says so first.
            (D::Unknown, Moved::Twice, &heard, Reason::NoProof),
            (D::Conflict, Moved::OtherAmount, &heard, Reason::ProofsDisagree),
            (D::Refused, Moved::OtherAmount, &heard, Reason::Refused),
            // Money on the wrong side is more urgent than how much it was, and DOKU's amount can be shown.
            (D::Succeeded, Moved::OtherAmount, &never_paid, Reason::RefundedByUs),
            (D::Succeeded, Moved::OtherAmount, &more, Reason::DokuMore),
            (D::Succeeded, Moved::OtherAmount, &heard, Reason::RunAmount),
            (D::AlreadyDone, Moved::OtherAmount, &heard, Reason::RunAmount),
            (D::Succeeded, Moved::Twice, &heard, Reason::RefundedTwice),
            (D::Succeeded, Moved::Twice, &never_paid, Reason::RefundedTwice),
        ];
        for (state, moved, picture, reason) in cases {
            let done = Some((Operation::Refund, state));
            let expectation = Expectation::Book(Some(BookStatus::Refunded));
            let case =
                Case { expectation, amount: Rupiah::new(5), done, ruled: false, moved, picture, age: Age::Young };
            assert_eq!(judge(&case), reason, "{state:?} {moved:?}");
        }
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
            // The money is back already: to refund it once more is nobody's next step.
            (B::Cancelled, O::Cancel, Some(P::Refunded), Verdict::StatusMismatch),
            (B::Paid, O::Cancel, Some(P::Refunded), Verdict::StatusMismatch),
            (B::Refunded, O::Cancel, Some(P::Refunded), Verdict::Matched),
            (B::Pending, O::Cancel, None, Verdict::StatusMismatch),
            (B::Cancelled, O::Cancel, None, Verdict::Matched),
            (B::Paid, O::Create, None, Verdict::Missing),
            (B::Paid, O::Create, Some(P::Success), Verdict::Matched),
        ];
        for (book, operation, heard, verdict) in cases {
            let (picture, done) = (picture(heard), Some((operation, DoneState::Succeeded)));
            let expectation = Expectation::Book(Some(book));
            let case = case(expectation, done, &picture, Age::Old);
            assert_eq!(judge(&case).verdict(), verdict, "{book} {operation} {heard:?}");
        }
    }

    #[test]
    fn a_ruling_has_the_verdict_of_a_proof_and_never_its_reason() {
        let expectations = Operation::ALL.map(Expectation::Effect).into_iter();
        let books = BookStatus::ALL.map(Some).into_iter().chain([None]).map(Expectation::Book);
        let all_heard = || PaymentStatus::ALL.map(Some).into_iter().chain([None]);
        for expectation in expectations.chain(books) {
            for (heard, operation) in all_heard().flat_map(|heard| Operation::ALL.map(|operation| (heard, operation))) {
                for state in DoneState::ALL {
                    let (picture, done) = (picture(heard), Some((operation, state)));
                    let proved = case(expectation, done, &picture, Age::Old);
                    let ruled = judge(&Case { ruled: true, ..proved });
                    let told = format!("{expectation:?} {heard:?} {operation} {state:?}: {ruled}");
                    assert_eq!(ruled.verdict(), judge(&proved).verdict(), "{told}");
                    let by_itself = judge(&Case { done: None, ..proved });
                    let says_so = ruled.to_string().starts_with("a person ruled");
                    if state.is_done() || state == DoneState::Refused {
                        assert!(says_so || ruled == by_itself, "{told}");
                    }
                }
            }
        }
    }
}
