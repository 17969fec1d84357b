//! Virtual time, and the hazard of a run, which strikes at a step.
//!
//! True time is tokio's paused clock: it passes only when everybody waits. The wall clock of the machine is true time and
//! what somebody has set it by.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::commands::Hazard;
use crate::model::time::{Timestamp, after, parse_instant};
use crate::runner::clock::Clock;

/// The clock of the machine.
#[derive(Debug, Clone)]
pub(super) struct ModelClock {
    began: Instant,
    set_by_seconds: Arc<AtomicI64>,
    went_back_seconds: Arc<AtomicI64>,
}

impl ModelClock {
    pub(super) fn start() -> Self {
        Self { began: Instant::now(), set_by_seconds: Arc::default(), went_back_seconds: Arc::default() }
    }

    /// True time since the story began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// What a clock that nobody has touched says.
    pub(super) fn true_now(&self) -> Timestamp {
        after(parse_instant("2026-11-22T08:00:00Z").unwrap(), self.elapsed())
    }

    /// Sets the wall clock.
    pub(super) fn set_by(&self, seconds: i64) {
        self.set_by_seconds.fetch_add(seconds, Ordering::SeqCst);
        self.went_back_seconds.fetch_add((-seconds).max(0), Ordering::SeqCst);
    }

    /// Sets the wall clock right.
    pub(super) fn set_right(&self) {
        let wrong_by = self.set_by_seconds.load(Ordering::SeqCst);
        self.set_by(-wrong_by);
    }

    /// By how much the wall clock was ever set back, in all: by as much more a key must be remembered.
    pub(super) fn went_back(&self) -> Duration {
        Duration::from_secs(self.went_back_seconds.load(Ordering::SeqCst).unsigned_abs())
    }
}

impl Clock for ModelClock {
    fn now(&self) -> Timestamp {
        self.true_now() + chrono::Duration::seconds(self.set_by_seconds.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "time is paused: nobody waits")]
    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// The steps of one run, and what befalls it at one of them.
#[derive(Clone)]
pub(super) struct Steps(Arc<Inner>);

struct Inner {
    clock: ModelClock,
    hazard: Hazard,
    count: AtomicU32,
    dead: AtomicBool,
    struck: Notify,
    interrupt: watch::Sender<bool>,
}

impl Steps {
    pub(super) fn of_run(clock: &ModelClock, hazard: Hazard) -> Self {
        Self(Arc::new(Inner {
            clock: clock.clone(),
            hazard,
            count: AtomicU32::new(0),
            dead: AtomicBool::new(false),
            struck: Notify::new(),
            interrupt: watch::channel(false).0,
        }))
    }

    /// One more step. Nothing comes after it for a program that is killed here.
    pub(super) async fn step(&self) {
        let count = self.0.count.fetch_add(1, Ordering::SeqCst) + 1;
        match self.0.hazard {
            Hazard::Kill { step } if step == count => {
                self.0.dead.store(true, Ordering::SeqCst);
                self.0.struck.notify_one();
            }
            Hazard::Jump { step, seconds } if step == count => self.0.clock.set_by(seconds),
            Hazard::Interrupt { step } if step == count => drop(self.0.interrupt.send_replace(true)),
            Hazard::None | Hazard::Kill { .. } | Hazard::Jump { .. } | Hazard::Interrupt { .. } => {}
        }
        if self.0.dead.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when the program is killed.
    pub(super) async fn killed(&self) {
        self.0.struck.notified().await;
    }

    /// Ctrl-C, as the dispatcher hears of it.
    pub(super) fn interrupted(&self) -> watch::Receiver<bool> {
        self.0.interrupt.subscribe()
    }
}
