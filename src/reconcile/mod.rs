//! Reconciliation: what the book says, what we did and what DOKU said become one verdict per order.
//!
//! [`evidence`] folds what was heard about an order into one picture that does not depend on the order of arrival,
//! [`verdict`] is the table that judges it, [`total`] adds everything up and proves that nothing was lost. All of it is
//! pure.

pub mod contradict;
pub mod ends;
pub mod evidence;
pub mod judge;
pub mod total;
pub mod verdict;
