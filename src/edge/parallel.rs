//! Pieces of work on all cores, with the results in the order of the pieces.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, TryLockError};
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

/// The same, for a `take` that wants them all.
pub fn all_in_order<R: Send>(pieces: usize, threads: usize, work: impl Fn(usize) -> R + Sync, mut take: impl FnMut(R)) {
    let taken = in_order(pieces, threads, work, |result| {
        take(result);
        Ok::<(), Infallible>(())
    });
    match taken {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

/// Does pieces of work on `threads` threads, and hands the results to `take` on the calling thread, in the order of the
/// pieces. `next` makes the pieces, one after another, on whichever thread has nothing to do; it is given a piece that is
/// done with, if there is one. No more than a few pieces are there at any time.
///
/// The calling thread is one of them: it works whenever there is nothing to take. One that only took results would be woken
/// for each, and to wake a thread takes about as long as to take a result.
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
    let pieces = &Pieces { freed: Mutex::new(freed), source: Mutex::new(Source { next, index: 0 }), work };
    let (done, results) = channel();
    thread::scope(|scope| {
        for _ in 1..threads {
            let done = done.clone();
            scope.spawn(move || {
                while let Some(piece) = pieces.wait_for_room().and_then(|used| pieces.do_next(used)) {
                    if done.send(piece).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        // When this returns or panics its ends of the channels are gone; by that all the others end.
        let (results, mut taker) = (results, Taker { free, next: 0, early: VecDeque::new(), take });
        let mut has_more = true;
        loop {
            let mut ready = results.try_recv().ok();
            if ready.is_none()
                && has_more
                && let Some(used) = pieces.room_now()
            {
                ready = pieces.do_next(used);
                has_more = ready.is_some();
            }
            match ready.or_else(|| results.recv().ok()) {
                Some(piece) => taker.hand_over(piece)?,
                None => return Ok(()),
            }
        }
    })
}

/// Pieces under way for each thread: one in its hands, and some that wait for an earlier one, or for the calling thread.
const PIECES_PER_THREAD: usize = 4;

/// So often is looked whether the source is free before it is slept for.
const LOOKS: usize = 500;

/// The pieces, and what is to be done with each.
struct Pieces<P, N, W> {
    /// Pieces that are done with, or leave to make a new one.
    freed: Mutex<Receiver<Option<P>>>,
    source: Mutex<Source<N>>,
    work: W,
}

/// Where the pieces come from.
struct Source<N> {
    next: N,
    index: u64,
}

/// What became of a piece: its number, and the piece with its result, or the panic that it met. A panic goes to the calling
/// thread, which would wait for the result for ever otherwise.
type Done<P, R> = (u64, thread::Result<(P, R)>);

#[expect(clippy::option_option, reason = "there may be leave to make a piece, and with it one that is done with")]
impl<P, R, N, W> Pieces<P, N, W>
where
    N: FnMut(Option<P>) -> Option<P>,
    W: Fn(&mut P) -> R,
{
    /// Leave to make a piece, as soon as there is any; `None`: nobody wants more.
    fn wait_for_room(&self) -> Option<Option<P>> {
        self.freed.lock().ok()?.recv().ok()
    }

    /// The same, if there is any now and nobody waits for it.
    fn room_now(&self) -> Option<Option<P>> {
        self.freed.try_lock().ok()?.try_recv().ok()
    }

    /// The source, when nobody else is at it. Another one is there for some microseconds, and who sleeps meanwhile is woken after
    /// many more; only a source that itself waits for something is worth to be slept for.
    fn my_turn(&self) -> Option<MutexGuard<'_, Source<N>>> {
        for _ in 0..LOOKS {
            match self.source.try_lock() {
                Ok(source) => return Some(source),
                Err(TryLockError::WouldBlock) => thread::yield_now(),
                Err(TryLockError::Poisoned(_)) => return None,
            }
        }
        self.source.lock().ok()
    }

    /// Does the next piece; `None`: there are no more.
    fn do_next(&self, used: Option<P>) -> Option<Done<P, R>> {
        let (index, piece) = {
            let mut source = self.my_turn()?;
            let index = source.index;
            source.index += 1;
            (index, catch_unwind(AssertUnwindSafe(|| (source.next)(used))).transpose()?)
        };
        let done = piece.and_then(|mut piece| {
            let result = catch_unwind(AssertUnwindSafe(|| (self.work)(&mut piece)))?;
            Ok((piece, result))
        });
        Some((index, done))
    }
}

/// Takes the results in their order, and gives the pieces back.
struct Taker<P, R, T> {
    free: Sender<Option<P>>,
    next: u64,
    /// From the next one on.
    early: VecDeque<Option<(P, R)>>,
    take: T,
}

impl<P, R, T> Taker<P, R, T> {
    fn hand_over<E>(&mut self, (index, result): Done<P, R>) -> Result<(), E>
    where
        T: FnMut(R) -> Result<(), E>,
    {
        let result = result.unwrap_or_else(|panic| resume_unwind(panic));
        let at = usize::try_from(index - self.next).expect("there are no more results than pieces");
        if self.early.len() <= at {
            self.early.resize_with(at + 1, || None);
        }
        self.early[at] = Some(result);
        while let Some((piece, result)) = self.early.front_mut().and_then(Option::take) {
            self.early.pop_front();
            self.next += 1;
            (self.take)(result)?;
            // There may be nobody left who wants it.
            let _ = self.free.send(Some(piece));
        }
        Ok(())
    }
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
