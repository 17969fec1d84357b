//! The journal that several hosts share: tables in PostgreSQL, one writer at a time by the lock on the log's head.
//!
//! [`address`] is where it is and how it is reached, [`connect`] the connections and what a server must be set to.

pub mod address;
pub mod connect;
pub mod limiter;
mod pgpass;
#[cfg(test)]
#[allow(dead_code, reason = "the integration tests include the same file, and use other parts of it")]
mod testing;
