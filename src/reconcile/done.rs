//! What we did to an order, where several results speak of it.

use super::evidence::DoneState;
use crate::model::operation::Operation;

/// One result among several about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Result<K, I> {
    pub(super) operation: Operation,
    /// The Request-Id, or what stands for it: results of one request are of one thing.
    pub(super) request: I,
    pub(super) state: DoneState,
    /// When it came to its end, and whatever else tells two of them apart; the later one is the newer one.
    pub(super) at: K,
}

/// The place of the result that decides about an order, whatever the order in which results were read.
///
/// Of one request the newest proof decides, for it has settled the doubts that were there before it. Of several requests of
/// one operation doubt decides: that an earlier one was refused says nothing about a later one. Of several operations the
/// latest of the order's life that came to something, and again doubt before everything else.
pub(super) fn deciding<K: Ord + Copy, I: Ord + Copy>(results: &[Result<K, I>]) -> Option<usize> {
    let mut places: Vec<usize> = (0..results.len()).collect();
    places.sort_by_key(|place| {
        let result = &results[*place];
        (result.operation, result.request, certainty(result.state), result.at, weight(result.state))
    });
    let of_request = |left: &usize, right: &usize| {
        (results[*left].operation, results[*left].request) == (results[*right].operation, results[*right].request)
    };
    let ends: Vec<usize> = places.chunk_by(of_request).filter_map(|same| same.last().copied()).collect();
    let state = |place: &usize| results[*place].state;
    let last = |operation: Operation| {
        let of_operation = ends.iter().copied().filter(|place| results[*place].operation == operation);
        of_operation.max_by_key(|place| {
            (state(place).is_in_doubt(), weight(state(place)), results[*place].at, results[*place].request)
        })
    };
    let latest = || [Operation::Refund, Operation::Cancel, Operation::Create].into_iter().filter_map(last);
    let in_doubt = latest().find(|place| state(place).is_in_doubt());
    let came_to_something = || latest().find(|place| state(place).is_done() || state(place) == DoneState::Refused);
    in_doubt.or_else(came_to_something).or_else(|| latest().next())
}

/// What is sure about a request outlives what is not: a proof, or proofs that disagree, then doubt, then nothing.
const fn certainty(state: DoneState) -> u8 {
    match state {
        DoneState::Conflict | DoneState::Succeeded | DoneState::AlreadyDone | DoneState::Refused => 2,
        DoneState::Review | DoneState::Unknown => 1,
        DoneState::NotAttempted | DoneState::Held | DoneState::Skipped | DoneState::Invalid => 0,
    }
}

/// Among results of which nothing else says which counts more.
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
        // Operation, request, state, when; and which of them decides.
        let cases = [
            (vec![(O::Refund, 1, D::Unknown, 1), (O::Refund, 1, D::Succeeded, 2)], 1),
            (vec![(O::Create, 1, D::Succeeded, 1), (O::Refund, 2, D::Unknown, 0)], 1),
            (vec![(O::Create, 1, D::Unknown, 0), (O::Refund, 2, D::Succeeded, 2)], 0),
            (vec![(O::Create, 1, D::Succeeded, 1), (O::Refund, 2, D::Refused, 2)], 1),
            (vec![(O::Create, 1, D::Succeeded, 1), (O::Refund, 0, D::Skipped, 0)], 0),
            (vec![(O::Refund, 0, D::NotAttempted, 0)], 0),
            // Refused, opened again, and unknown since.
            (vec![(O::Refund, 1, D::Refused, 1), (O::Refund, 2, D::Unknown, 0)], 1),
            (vec![(O::Refund, 1, D::Refused, 3), (O::Refund, 2, D::Review, 0)], 1),
            (vec![(O::Refund, 1, D::Refused, 1), (O::Refund, 2, D::Succeeded, 2)], 1),
            // In conflict, and a person has ruled since.
            (vec![(O::Refund, 1, D::Conflict, 1), (O::Refund, 1, D::AlreadyDone, 2)], 1),
            (vec![(O::Refund, 1, D::Refused, 1), (O::Refund, 1, D::Conflict, 1)], 1),
            (vec![(O::Refund, 1, D::Unknown, 0), (O::Refund, 1, D::Review, 0)], 1),
        ];
        for (results, expected) in cases {
            let result = |(operation, request, state, at)| Result { operation, request, state, at };
            let results: Vec<Result<i32, i32>> = results.into_iter().map(result).collect();
            let backwards: Vec<Result<i32, i32>> = results.iter().rev().copied().collect();
            assert_eq!(deciding(&results), Some(expected), "{results:?}");
            assert_eq!(deciding(&backwards).map(|place| backwards[place]), Some(results[expected]));
        }
    }
}
