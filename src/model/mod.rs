//! The words of the program: money, ids, time, orders, operations, outcomes, places and secrets.
//!
//! Everything here is a checked value: whoever holds one need not check it again. No input or output, no clock and no
//! foreign format lives here; text becomes a value in the constructors and nowhere else. That a text may stand elsewhere than in
//! memory is known here, and how it is read there is not.

pub mod environment;
pub mod fault;
pub mod ids;
pub mod language;
pub mod listing;
pub mod moment;
pub mod money;
pub mod nearest;
pub mod operation;
pub mod order;
pub mod outcome;
pub mod rows;
pub mod secret;
pub mod status;
pub mod table;
pub mod time;
pub mod time_style;
pub mod verdict;
