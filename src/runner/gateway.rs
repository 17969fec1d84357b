//! The seam to the provider.

use std::future::Future;

use crate::doku::exchange::{Exchange, Request};

/// One HTTP exchange: sends the request once, and says how it ended. Never retries, never follows.
pub trait Gateway: Clone + Send + Sync + 'static {
    /// Sends a request and waits for the whole answer or the deadline.
    fn exchange(&self, request: Request) -> impl Future<Output = Exchange> + Send;
}
