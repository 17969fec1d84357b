//! What we did to an order, where several results speak of it.

use super::evidence::DoneState;
use crate::model::operation::Operation;

/// The result that decides about an order, whatever the order in which results were read: the latest operation of its
/// life that came to something, doubt before everything else. `of` says what a result was and how it ended; what has it
/// later, by `at`, is the newer one.
pub(super) fn deciding<T: Copy, K: Ord>(
    results: &[T],
    of: impl Fn(&T) -> (Operation, DoneState),
    at: impl Fn(&T) -> K,
) -> Option<T> {
    let last = |operation: Operation| {
        results.iter().filter(|done| of(done).0 == operation).max_by_key(|done| (weight(of(done).1), at(done)))
    };
    let latest = || [Operation::Refund, Operation::Cancel, Operation::Create].into_iter().filter_map(last);
    let in_doubt = latest().find(|done| of(done).1.is_in_doubt());
    let came_to_something = || latest().find(|done| of(done).1.is_done() || of(done).1 == DoneState::Refused);
    in_doubt.or_else(came_to_something).or_else(|| latest().next()).copied()
}

/// Of several results of one operation: a proof outweighs a doubt, for the doubt was settled by it.
const fn weight(state: DoneState) -> u8 {
    match state {
        DoneState::Conflict => 9,
        DoneState::Succeeded => 8,
        DoneState::AlreadyDone => 7,
        DoneState::Refused => 6,
        DoneState::Review => 5,
        DoneState::Unknown => 4,
        DoneState::NotAttempted => 3,
        DoneState::Held => 2,
        DoneState::Skipped => 1,
        DoneState::Invalid => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deciding_result_does_not_depend_on_the_order_of_files() {
        use DoneState as D;
        use Operation as O;
        let cases = [
            (vec![(O::Refund, D::Unknown), (O::Refund, D::Succeeded)], (O::Refund, D::Succeeded)),
            (vec![(O::Create, D::Succeeded), (O::Refund, D::Unknown)], (O::Refund, D::Unknown)),
            (vec![(O::Create, D::Unknown), (O::Refund, D::Succeeded)], (O::Create, D::Unknown)),
            (vec![(O::Create, D::Succeeded), (O::Refund, D::Refused)], (O::Refund, D::Refused)),
            (vec![(O::Create, D::Succeeded), (O::Refund, D::Skipped)], (O::Create, D::Succeeded)),
            (vec![(O::Refund, D::NotAttempted)], (O::Refund, D::NotAttempted)),
        ];
        for (mut results, expected) in cases {
            for _ in 0..2 {
                assert_eq!(deciding(&results, |done| *done, |_| 0), Some(expected));
                results.reverse();
            }
        }
    }
}
