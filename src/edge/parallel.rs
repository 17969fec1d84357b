//! Pieces of work on all cores, with the results in the order of the pieces.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// How many threads there is work for: as many as this machine has cores for us.
#[must_use]
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Gives up what is not needed any more, while others go on: to give memory back takes time.
pub fn let_go(value: impl Send + 'static) {
    // Where there is no thread for it, it is given up at once.
    drop(thread::Builder::new().spawn(move || drop(value)));
}

/// Does the pieces `0..pieces` on `threads` threads, and hands the results to `take` on the calling thread, in their order. No
/// more than a few results wait for an earlier one.
///
/// # Errors
/// What `take` says; the pieces that have not begun are left.
///
/// # Panics
/// If `work` or `take` does.
pub fn in_order<R: Send, E>(
    pieces: usize,
    threads: usize,
    work: impl Fn(usize) -> R + Sync,
    take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let mut left = 0..pieces;
    work_off(threads, |_| left.next(), |piece| work(*piece), take)
}

/// Does pieces of work on `threads` threads, and hands the results to `take` on the calling thread, in the order of the
/// pieces. `next` makes the pieces, one after another, on whichever thread has nothing to do; it is given a piece that is
/// done with, if there is one. No more than a few pieces are there at any time.
///
/// # Errors
/// What `take` says; the pieces that have not begun are left.
///
/// # Panics
/// If `next`, `work` or `take` does.
pub(super) fn work_off<P: Send, R: Send, E>(
    threads: usize,
    next: impl FnMut(Option<P>) -> Option<P> + Send,
    work: impl Fn(&mut P) -> R + Sync,
    take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads.max(1);
    let (free, freed) = channel();
    for _ in 0..PIECES_PER_THREAD * threads {
        free.send(None).expect("the other end is in the line above");
    }
    let (source, work) = (&Mutex::new(Source { freed, next, index: 0 }), &work);
    let (done, results) = channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let done = done.clone();
            scope.spawn(move || {
                // A panic goes to the calling thread; otherwise that would wait for this result for ever.
                while let Some((index, piece)) = Source::next_of(source) {
                    let result = piece.and_then(|mut piece| {
                        let result = catch_unwind(AssertUnwindSafe(|| work(&mut piece)))?;
                        Ok((piece, result))
                    });
                    if done.send((index, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        // When this returns or panics its ends of the channels are gone; by that all the others end.
        let free = free;
        hand_over(results, &free, take)
    })
}

/// Pieces under way for each thread: one in its hands, and some that wait for an earlier one, or for the calling thread.
const PIECES_PER_THREAD: usize = 4;

/// Where the pieces come from.
struct Source<P, N> {
    /// Pieces that are done with, or leave to make a new one.
    freed: Receiver<Option<P>>,
    next: N,
    index: u64,
}

impl<P, N: FnMut(Option<P>) -> Option<P>> Source<P, N> {
    /// The next piece with its number, or the panic that it met; `None`: there are no more, or nobody wants them.
    fn next_of(source: &Mutex<Self>) -> Option<(u64, thread::Result<P>)> {
        let mut source = source.lock().ok()?;
        let used = source.freed.recv().ok()?;
        let index = source.index;
        source.index += 1;
        match catch_unwind(AssertUnwindSafe(|| (source.next)(used))) {
            Ok(piece) => piece.map(|piece| (index, Ok(piece))),
            Err(panic) => Some((index, Err(panic))),
        }
    }
}

/// What became of a piece: its number, and the piece with its result, or the panic.
type Done<P, R> = (u64, thread::Result<(P, R)>);

/// Takes the results in their order, and gives the pieces back.
fn hand_over<P, R, E>(
    results: Receiver<Done<P, R>>,
    free: &Sender<Option<P>>,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let mut next = 0;
    let mut early: VecDeque<Option<(P, R)>> = VecDeque::new();
    for (index, result) in results {
        let result = result.unwrap_or_else(|panic| resume_unwind(panic));
        let at = usize::try_from(index - next).expect("there are no more results than pieces");
        if early.len() <= at {
            early.resize_with(at + 1, || None);
        }
        early[at] = Some(result);
        while let Some((piece, result)) = early.front_mut().and_then(Option::take) {
            early.pop_front();
            next += 1;
            take(result)?;
            // There may be nobody left who wants it.
            let _ = free.send(Some(piece));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_pieces_and_an_error_ends_it() {
        for threads in [1, 2, 5] {
            let mut taken = Vec::new();
            let whole = in_order(
                40,
                threads,
                |piece| piece * 2,
                |result| {
                    taken.push(result);
                    Ok::<(), ()>(())
                },
            );
            assert_eq!(whole, Ok(()));
            assert_eq!(taken, (0..40).map(|piece| piece * 2).collect::<Vec<usize>>());
            let stopped = in_order(1000, threads, |piece| piece, |piece| if piece == 7 { Err(piece) } else { Ok(()) });
            assert_eq!(stopped, Err(7));
        }
    }

    #[test]
    #[should_panic(expected = "in a piece")]
    fn a_panic_in_a_piece_comes_to_the_caller() {
        let _ = in_order(9, 2, |piece| assert!(piece != 4, "in a piece"), |()| Ok::<(), ()>(()));
    }
}
