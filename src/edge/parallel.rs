//! Pieces of work on all cores, with the results in the order of the pieces.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use super::blocks::hand_over;

/// How many threads there is work for: as many as this machine has cores for us.
#[must_use]
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
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
    let threads = threads.max(1);
    let (free, freed) = channel();
    for _ in 0..=2 * threads {
        free.send(Vec::new()).expect("the other end is in the line above");
    }
    let (freed, next, work) = (&Mutex::new(freed), &AtomicUsize::new(0), &work);
    let (done, results) = channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let done = done.clone();
            scope.spawn(move || {
                loop {
                    let permit = freed.lock().expect("nothing can panic while it is held").recv();
                    let piece = next.fetch_add(1, Ordering::Relaxed);
                    let Some(permit) = permit.ok().filter(|_| piece < pieces) else { return };
                    let result = catch_unwind(AssertUnwindSafe(|| work(piece)));
                    if done.send((piece as u64, permit, result)).is_err() {
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
