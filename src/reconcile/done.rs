//! What we did to an order, where several results speak of it.

use super::evidence::DoneState;
use crate::model::operation::Operation;

/// One result among several about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Result<K, I> {
    pub(super) operation: Operation,
    /// The Request-Id, or what stands for it: results of one request are of one thing, and so are those without one.
    pub(super) request: Option<I>,
    pub(super) state: DoneState,
    /// A person has ruled so.
    pub(super) ruled: bool,
    /// When it came to its end, and whatever else tells two of them apart; the later one is the newer one.
    pub(super) at: K,
}

/// What decides about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deciding {
    /// The place of the result.
    pub(super) place: usize,
    /// Its state; or [`DoneState::Conflict`], where other results of the same request contradict it.
    pub(super) state: DoneState,
}

/// What decides about an order, whatever the order in which results were read.
///
/// Of one request the newest proof decides, for it has settled the doubts that were there before it; but proofs that
/// contradict each other are a conflict, for what is settled never changes (`DESIGN` 7.7). Of several requests of
/// one operation doubt decides: that an earlier one was refused says nothing about a later one. Of several operations the
/// latest of the order's life that came to something, and again doubt before everything else.
pub(super) fn deciding<K: Ord + Copy, I: Ord + Copy>(results: &[Result<K, I>]) -> Option<Deciding> {
    let mut places: Vec<usize> = (0..results.len()).collect();
    places.sort_by_key(|place| {
        let result = &results[*place];
        (result.operation, result.request, certainty(result.state), result.at, weight(result.state))
    });
    let of_request = |left: &usize, right: &usize| {
        (results[*left].operation, results[*left].request) == (results[*right].operation, results[*right].request)
    };
    let end = |same: &[usize]| {
        let place = *same.last()?;
        let state = if is_contradicted(same, results) { DoneState::Conflict } else { results[place].state };
        Some(Deciding { place, state })
    };
    let ends: Vec<Deciding> = places.chunk_by(of_request).filter_map(end).collect();
    let last = |operation: Operation| {
        let of_operation = ends.iter().copied().filter(|end| results[end.place].operation == operation);
        of_operation.max_by_key(|Deciding { place, state }| {
            (state.is_in_doubt(), weight(*state), results[*place].at, results[*place].request)
        })
    };
    let latest = || [Operation::Refund, Operation::Cancel, Operation::Create].into_iter().filter_map(last);
    let in_doubt = latest().find(|end| end.state.is_in_doubt());
    let came_to_something = || latest().find(|end| end.state.is_done() || end.state == DoneState::Refused);
    in_doubt.or_else(came_to_something).or_else(|| latest().next())
}

/// Whether answers to one request, of which the newest is the last one, say both that it was done and that it was refused.
/// A ruling is no answer; and if it is the newest, it has settled the matter.
fn is_contradicted<K, I>(same: &[usize], results: &[Result<K, I>]) -> bool {
    let is_ruled = same.last().is_some_and(|newest| results[*newest].ruled);
    let says = |is: fn(DoneState) -> bool| {
        same.iter().map(|place| &results[*place]).any(|result| !result.ruled && is(result.state))
    };
    !is_ruled && says(DoneState::is_done) && says(|state| state == DoneState::Refused)
}

/// Whether money was given back twice: refunds under several Request-Ids had their effect. What one of them found to be done
/// already is no second effect, and without a Request-Id nobody knows that it is another refund.
pub(super) fn refunded_twice<K, I: Copy + PartialEq>(results: &[Result<K, I>]) -> bool {
    let effects =
        results.iter().filter(|result| result.operation == Operation::Refund && result.state == DoneState::Succeeded);
    let mut requests = effects.filter_map(|result| result.request);
    requests.next().is_some_and(|first| requests.any(|other| other != first))
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
            let results: Vec<Result<i32, i32>> = results.into_iter().map(answer).collect();
            let backwards: Vec<Result<i32, i32>> = results.iter().rev().copied().collect();
            let state = results[expected].state;
            assert_eq!(deciding(&results), Some(Deciding { place: expected, state }), "{results:?}");
            assert_eq!(deciding(&backwards).map(|deciding| backwards[deciding.place]), Some(results[expected]));
        }
    }

    fn answer((operation, request, state, at): (Operation, i32, DoneState, i32)) -> Result<i32, i32> {
        Result { operation, request: Some(request), state, ruled: false, at }
    }

    #[test]
    fn answers_to_one_request_that_contradict_each_other_are_a_conflict() {
        use DoneState as D;
        let (done, already, refused) = ((1, D::Succeeded, 2), (1, D::AlreadyDone, 2), (1, D::Refused, 2));
        let newer = |(request, state, at), ruled| (request, state, at + 1, ruled);
        let of = |(request, state, at)| (request, state, at, false);
        let cases = [
            // One answer, read twice; and the same effect, found out in two ways.
            (vec![of(done), of(done)], D::Succeeded),
            (vec![of(done), newer(already, false)], D::AlreadyDone),
            // Another request: the order was opened again.
            (vec![of(refused), newer((2, D::Succeeded, 2), false)], D::Succeeded),
            // A person has ruled, before or after.
            (vec![of(done), newer(refused, true)], D::Refused),
            (vec![of(refused), newer(already, true)], D::AlreadyDone),
            (vec![of(refused), of(done), newer(already, true)], D::AlreadyDone),
            ((vec![(1, D::Refused, 1, true), of(done)]), D::Succeeded),
            (vec![of(done), of(refused)], D::Conflict),
            (vec![of(refused), newer(already, false)], D::Conflict),
            (vec![of(done), newer(refused, false)], D::Conflict),
            (vec![(1, D::AlreadyDone, 1, true), of(done), newer(refused, false)], D::Conflict),
            // Nothing that came to nothing changes it, and no later request hides it.
            (vec![of(done), newer(refused, false), newer((1, D::NotAttempted, 3), false)], D::Conflict),
            (vec![of(done), of(refused), newer((2, D::Succeeded, 3), false)], D::Conflict),
        ];
        for (results, expected) in cases {
            let result =
                |(request, state, at, ruled)| Result { ruled, ..answer((Operation::Refund, request, state, at)) };
            let mut results: Vec<Result<i32, i32>> = results.into_iter().map(result).collect();
            for _ in 0..2 {
                assert_eq!(deciding(&results).map(|deciding| deciding.state), Some(expected), "{results:?}");
                results.reverse();
            }
        }
    }

    #[test]
    fn only_refunds_with_an_effect_under_several_request_ids_gave_back_twice() {
        use DoneState as D;
        use Operation as O;
        let cases = [
            (vec![(O::Refund, 1, D::Succeeded, 1), (O::Refund, 1, D::Succeeded, 2)], false),
            (vec![(O::Refund, 1, D::Succeeded, 1), (O::Refund, 2, D::AlreadyDone, 2)], false),
            (vec![(O::Refund, 1, D::Succeeded, 1), (O::Refund, 2, D::Refused, 2)], false),
            (vec![(O::Create, 1, D::Succeeded, 1), (O::Create, 2, D::Succeeded, 2)], false),
            (vec![(O::Cancel, 1, D::Succeeded, 1), (O::Refund, 2, D::Succeeded, 2)], false),
            (vec![(O::Refund, 1, D::Succeeded, 1), (O::Refund, 2, D::Succeeded, 1)], true),
        ];
        for (results, expected) in cases {
            let results: Vec<Result<i32, i32>> = results.into_iter().map(answer).collect();
            assert_eq!(refunded_twice(&results), expected, "{results:?}");
            let unnamed: Vec<_> = results.iter().map(|result| Result { request: None, ..*result }).collect();
            assert!(!refunded_twice(&unnamed));
        }
    }
}
