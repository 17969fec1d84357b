//! The last keeper of the pace: the place where calls leave.
//!
//! The dispatcher takes a token before a call's intent is made durable. If the disk is slow to sync for a moment, the calls of
//! that moment would leave together, and the provider would see more in a second than it allows. Here they are spaced again,
//! and mostly wait for nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::pacer::{Granted, Pacer};
use crate::doku::exchange::{Exchange, Request};
use crate::job::settings::Limits;
use crate::runner::clock::Clock;
use crate::runner::gateway::Gateway;

/// A gateway that lets calls leave at the job's rate.
#[derive(Clone)]
pub struct Gate<G, C: Clock> {
    gateway: G,
    /// `None`: the job has no rate.
    pacer: Option<Arc<Mutex<Pacer<C>>>>,
}

impl<G: Gateway, C: Clock> Gate<G, C> {
    /// A gate before this gateway.
    #[must_use]
    pub fn before(gateway: G, limits: &Limits, clock: C) -> Self {
        let pacer = (!limits.rate.is_empty()).then(|| Arc::new(Mutex::new(Pacer::new(limits, clock))));
        Self { gateway, pacer }
    }
}

impl<G: Gateway, C: Clock> Gateway for Gate<G, C> {
    async fn exchange(&self, request: Request) -> Exchange {
        if let Some(pacer) = &self.pacer {
            // Who waits for the lock gets it in turn, and one at a time waits for the pace.
            let mut pacer = pacer.lock().await;
            while pacer.ready(Duration::MAX).await == Granted::NotYet {}
        }
        self.gateway.exchange(request).await
    }
}
