//! What a plan sends, one order after another: never are all requests in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use super::disposition::Sendable;
use super::made::Plan;

/// The orders of a plan that are to be sent, some read at a time. If they cannot be read it ends, and the plan says why.
#[derive(Debug)]
pub struct Sending {
    plan: Arc<Plan>,
    /// The first order that was not read yet.
    next: u32,
    ready: VecDeque<Sendable>,
}

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
        while self.ready.is_empty() {
            let some = self.plan.some_to_send(self.next).map_err(|error| self.plan.note_unread(error));
            let (ready, next) = some.ok()??;
            self.ready.extend(ready);
            self.next = next;
        }
        self.ready.pop_front()
    }
}
