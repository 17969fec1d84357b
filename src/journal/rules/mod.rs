//! The rules of the journal, whatever it is stored in: what a [`change`] reads, what it writes, and when it is refused.
//!
//! Pure: a rule sees the journal through a [`desk`], and each store is one. [`items`] is what becomes of items and their
//! attempts, [`late`] of outcomes that come when others have taken over, [`runs`] of runs, [`days`] of the sums per business day. That a change counts only once it is durable is the
//! store's part.

mod change;
mod days;
mod desk;
mod evidence;
mod items;
mod late;
mod runs;
pub(in crate::journal) mod words;

pub(in crate::journal) use change::{Change, Done};
pub(in crate::journal) use days::{DaySum, Sums, date};
pub(in crate::journal) use desk::{Asked, Began, Desk, Ended, Standing};
pub(in crate::journal) use evidence::{answer_sha256, facts_text};
pub use late::{Late, TakenIn};
pub(in crate::journal) use runs::{RowsDigest, ended_before, name};
