//! How fast a run goes, how often it tries, and when it stops.

use crate::job::settings::{Breaker, Job, Limits, Retries, Window};
use crate::model::order::Settlement;

/// How fast, how often and when to stop.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How fast.
    pub limits: Limits,
    /// How often.
    pub retries: Retries,
    /// When the provider is ill.
    pub breaker: Breaker,
    /// So many orders are proved before the others are sent.
    pub canaries: usize,
    /// When calls may be made.
    pub window: Option<Window>,
    /// Sent with every creation.
    pub settlement: Vec<Settlement>,
}

impl Rules {
    /// The rules of a job.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        Self {
            limits: job.limits.clone(),
            retries: job.retries.clone(),
            breaker: job.breaker,
            canaries: job.canary.map_or(0, |canaries| canaries.get() as usize),
            window: job.window,
            settlement: job.settlement.clone(),
        }
    }
}
