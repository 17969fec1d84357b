//! The last keeper of the pace: the place where calls leave.
//!
//! The dispatcher takes a token before a call's intent is made durable. If the disk is slow to sync for a moment, the calls of
//! that moment would leave together, and the provider would see more in a second than it allows. Here they are spaced again,
//! and mostly wait for nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::pacer::{Granted, Pacer};
use super::share::{Place, Purpose, Share};
use super::wait_asked_for;
use crate::doku::answer::retry_after;
use crate::doku::exchange::{Exchange, Request};
use crate::job::settings::{Limits, Window};
use crate::journal::{Journal, JournalError};
use crate::runner::clock::{Clock, RunClock};
use crate::runner::gateway::Gateway;
use crate::runner::places::Places;
use crate::runner::window;

/// Why a call stays that had no place yet, or one that came too late.
const STOPPED: &str = "the run was stopped before it could leave";

/// A gateway that lets calls leave in their places of a lane, and only while whoever sends still holds the journal and the
/// key of the request is still safe. A wait that an answer asks for holds back everybody before the answer is handed on.
pub struct LaneGate<G, J, C> {
    gateway: G,
    journal: Arc<J>,
    /// `None`: the job has no rate.
    share: Option<Arc<Share<J, C>>>,
    clock: RunClock<C>,
    /// How long a 429 asks for that does not say.
    backoff: Duration,
    /// Whether anything may still leave, as the run sees it.
    places: Arc<Places>,
    /// And as the clock does: whoever closes the places may come too late for what was held up together with him.
    window: Option<Window>,
}

impl<G: Clone, J, C: Clock> Clone for LaneGate<G, J, C> {
    fn clone(&self) -> Self {
        Self {
            gateway: self.gateway.clone(),
            journal: Arc::clone(&self.journal),
            share: self.share.clone(),
            clock: self.clock.clone(),
            backoff: self.backoff,
            places: Arc::clone(&self.places),
            window: self.window,
        }
    }
}

impl<G: Gateway, J: Journal, C: Clock> LaneGate<G, J, C> {
    /// A gate before this gateway.
    #[must_use]
    pub const fn before(
        gateway: G,
        journal: Arc<J>,
        share: Option<Arc<Share<J, C>>>,
        clock: RunClock<C>,
        backoff: Duration,
        places: Arc<Places>,
        window: Option<Window>,
    ) -> Self {
        Self { gateway, journal, share, clock, backoff, places, window }
    }

    /// Why a call that has its turn stays all the same; `None`: it may leave.
    fn objection(&self, request: &Request, purpose: Purpose) -> Option<String> {
        let is_open = window::is_open(self.window.as_ref(), self.clock.wall().now());
        // It may have waited for long, and the machine may have slept.
        if !is_open || !self.places.lets_go(purpose) {
            Some(STOPPED.to_owned())
        } else if !self.journal.may_send() {
            Some(JournalError::Fenced.to_string())
        } else if request.safe_until.is_some_and(|until| self.clock.latest() >= until) {
            Some("the horizon of its key passed before it could leave".to_owned())
        } else {
            None
        }
    }

    /// How long an answer asks everybody to wait.
    fn asks_for(&self, exchange: &Exchange) -> Option<Duration> {
        let Exchange::Answered(answer) = exchange else { return None };
        wait_asked_for(retry_after(answer, self.clock.now()), answer.status == 429, self.backoff)
    }
}

impl<G: Gateway, J: Journal, C: Clock> Gateway for LaneGate<G, J, C> {
    async fn exchange(&self, request: Request) -> Exchange {
        let purpose = if request.body.is_some() { Purpose::Request } else { Purpose::Inquiry };
        if let Some(share) = &self.share {
            match share.take(purpose).await {
                Ok(Place::Taken) => {}
                Ok(Place::Closed) => return Exchange::Withheld(STOPPED.to_owned()),
                Err(error) => return Exchange::Withheld(error.to_string()),
            }
        }
        if let Some(objection) = self.objection(&request, purpose) {
            return Exchange::Withheld(objection);
        }
        let exchange = self.gateway.exchange(request).await;
        if let (Some(share), Some(wait)) = (&self.share, self.asks_for(&exchange)) {
            share.hold(wait).await;
        }
        exchange
    }
}

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
