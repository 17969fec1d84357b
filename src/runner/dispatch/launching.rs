//! How a call is started: what is due before what is new.

use std::sync::Arc;

use super::Dispatch;
use crate::journal::Journal;
use crate::journal::identity::Identity;
use crate::journal::record::{First, Intent};
use crate::model::time::Timestamp;
use crate::plan::Sendable;
use crate::runner::attempt::{Failed, attempt, inquire};
use crate::runner::clock::Clock;
use crate::runner::gateway::Gateway;
use crate::runner::line::{Due, What};
use crate::runner::progress::Progress;
use crate::runner::settle::{Efforts, Step};

impl<J: Journal, G: Gateway, C: Clock> Dispatch<J, G, C> {
    pub(super) fn something_is_ready(&self, now: Timestamp) -> bool {
        (!self.fresh.is_empty() && self.may_send_new()) || self.line.is_ready(now)
    }

    /// Whether a new order may be sent. What is begun is the single call of a half-open run, however long it has to wait.
    fn may_send_new(&self) -> bool {
        self.provider.health.may_send() && self.probe.lets_go() && (!self.probe.is_half_open() || self.line.is_empty())
    }

    /// Starts the next call: what is due before what is new.
    pub(super) fn launch(&mut self, now: Timestamp) {
        if let Some(due) = self.line.take_ready(now) {
            self.go_on_with(due, now);
        } else if self.may_send_new()
            && let Some(to_send) = self.fresh.next()
        {
            self.begin(&to_send, now);
        }
    }

    /// Sends an item again, or asks about it.
    fn go_on_with(&mut self, due: Due, now: Timestamp) {
        let Due { what, item, mut efforts, .. } = due;
        // While it stood in line the horizon may have passed.
        let what = match self.next_step(&item, &efforts, now) {
            Step::Resend(at) if what == What::Resend || at <= now => What::Resend,
            Step::Inquire(at) if what == What::Inquire || at <= now => What::Inquire,
            Step::Resend(_) | Step::Inquire(_) | Step::GiveUp | Step::Leave => return self.schedule(item, efforts),
        };
        Progress::add(&self.progress.requests, 1);
        let desk = Arc::clone(&self.desk);
        match what {
            What::Resend => {
                let Efforts { origin, role, .. } = efforts;
                efforts = Efforts { tries: efforts.tries + 1, origin, role, ..Efforts::default() };
                let intent = Intent::Again { run: desk.run.clone(), item: item.id, at: now };
                self.under_way.spawn(async move { (Box::pin(attempt(&desk, intent)).await, efforts) });
            }
            What::Inquire => {
                efforts.inquiries += 1;
                self.under_way.spawn(async move { (inquire(&desk, item).await.map_err(Failed::from), efforts) });
            }
        }
    }

    /// Sends a new order.
    fn begin(&mut self, to_send: &Sendable, now: Timestamp) {
        Progress::add(&self.progress.requests, 1);
        self.last_fresh_at = now;
        let (desk, intent) = (Arc::clone(&self.desk), self.first_intent(to_send, now));
        let efforts = Efforts { tries: 1, role: self.probe.send(), ..Efforts::default() };
        self.under_way.spawn(async move { (Box::pin(attempt(&desk, intent)).await, efforts) });
    }

    fn first_intent(&self, to_send: &Sendable, at: Timestamp) -> Intent {
        let Sendable { order, call, payment_reference, generation } = to_send;
        let invoice = order.invoice_number.clone();
        let identity = Identity { account: self.account.clone(), invoice, generation: *generation };
        let refund_reference = identity.refund_reference();
        let body = call.body(order, payment_reference, &refund_reference, &self.rules.settlement);
        let (run, payment_reference) = (self.desk.run.clone(), payment_reference.clone());
        Intent::First(Box::new(First { run, identity, amount: order.amount, payment_reference, body, at }))
    }
}
