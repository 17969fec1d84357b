//! Reconciliation: what the book says, what we did and what DOKU said become one verdict per order.
//!
//! The readers make [`record`]s of every line. The [`ledger`] joins them; [`settle`] looks for the orders of notifications
//! that do not name theirs; [`picture`] folds what was heard about an order, whatever the order in which it came;
//! [`verdict`] is the table that judges, [`reason`] the closed list of why; [`judge`] takes the orders one by one;
//! [`total`] adds up and proves that nothing was lost; what an audit has read and judges in no row stands [`aside`]. All of it
//! is pure.

pub mod aside;
pub mod contradict;
pub mod dated;
mod done;
pub mod ends;
pub mod evidence;
pub mod judge;
pub mod ledger;
mod packed;
pub mod picture;
pub mod reason;
pub mod record;
pub mod request;
pub mod settle;
pub mod severity;
pub mod sieve;
pub mod strays;
pub mod subject;
pub mod total;
pub mod verdict;
