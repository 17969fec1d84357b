//! What a plan sends, one order after another: never are all requests in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use super::disposition::Sendable;
use super::made::Plan;

/// The orders of a plan that are to be sent, some read at a time.
#[derive(Debug)]
pub struct Sending {
    plan: Arc<Plan>,
    /// The first order that was not read yet.
    next: u32,
    ready: VecDeque<Sendable>,
}

/// So many orders are read at a time.
const AT_A_TIME: usize = 256;

impl Sending {
    /// All of them.
    #[must_use]
    pub fn of(plan: Arc<Plan>) -> Self {
        Self { plan, next: 0, ready: VecDeque::new() }
    }
}

impl Iterator for Sending {
    type Item = Sendable;

    fn next(&mut self) -> Option<Sendable> {
        if self.ready.is_empty() {
            let some: Vec<(u32, Sendable)> = self.plan.to_send_from(self.next).take(AT_A_TIME).collect();
            self.next = some.last().map_or(u32::MAX, |(number, _)| number + 1);
            self.ready.extend(some.into_iter().map(|(_, ready)| ready));
        }
        self.ready.pop_front()
    }
}
