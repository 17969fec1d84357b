//! What a run would do, decided before anything is sent: every input row gets one disposition, every guard a reading.
//!
//! [`columns`] finds the fields in the file, [`book`] reads a good row quickly, [`fields`] and [`row`] say what is wrong with
//! another; [`input`] makes orders of rows, [`register`] keeps them small, [`index`] finds them. [`decide`] gives each order its
//! disposition, of which [`decisions`] keeps each once; [`needs`] says what its request lacks, [`guard`] compares the whole with
//! the job's limits and [`precedent`] with what was done before. [`made`] is the plan that comes of it, [`sending`] what it sends, [`eta`] how long that takes. All of
//! it is pure: journal, log and the present arrive as arguments.
//!
//! A plan can be saved as a file that binds: [`binding`] is the file, [`pages`] writes and reads it an item at a time, [`bound`] says what it is
//! made of, [`agree`] whether it is still what would be sent, and [`approval`] which signatures under it count.

pub mod agree;
pub mod approval;
pub mod binding;
pub mod book;
#[cfg(test)]
mod book_tests;
pub mod bound;
mod columns;
pub mod decide;
mod decided;
mod decisions;
pub mod disposition;
pub mod eta;
mod fields;
pub mod guard;
mod index;
pub mod input;
mod made;
mod needs;
pub mod pages;
pub mod phrase;
pub mod precedent;
mod register;
mod row;
mod sale;
pub mod sealing;
pub mod select;
mod sending;
#[cfg(test)]
mod tests;

pub use decide::Known;
pub use decided::NotDecided;
pub use disposition::{Disposition, Sendable};
pub use input::{Input, InputRow, Role};
pub use made::{DUPLICATE, Dispositions, LeftOut, Plan};
pub use register::Part;
pub use sending::Sending;
