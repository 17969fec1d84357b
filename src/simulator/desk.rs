//! One request from its arrival to what goes back: fault, signature, decision, ledger, notification, signed answer.

use std::io;

use tokio::sync::mpsc::UnboundedSender;

use super::answer::Answer;
use super::call::{Call, NoRoute, inquired, route};
use super::entry::Entry;
use super::envelope::{self, Message, Reply};
use super::faults::{BadSeal, FaultRule, FaultScript, Instead, Strike};
use super::ledger::Ledger;
use super::notify::{Notification, NotificationLog, Notifier, Told};
use super::provider::{Provider, Request};
use super::requests::named_invoice;
use crate::doku::sign::Signer;
use crate::model::ids::InvoiceNumber;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;

/// Everything that changes while the simulator runs.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) provider: Provider,
    pub(super) script: FaultScript,
    pub(super) ledger: Ledger,
    pub(super) notifier: Notifier,
    pub(super) log: NotificationLog,
    /// To the merchant's URL; absent: there is none.
    pub(super) courier: Option<UnboundedSender<Notification>>,
}

/// What the client gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// An answer.
    Reply(Reply),
    /// Nothing, on an open connection.
    Silence,
    /// A TCP reset.
    Reset,
}

impl Desk {
    /// Tells the merchant about every payment that it has not been told about.
    pub(super) fn tell_all(&mut self, now: Timestamp) -> io::Result<()> {
        let notifications: Vec<Notification> =
            self.provider.orders().iter().filter_map(|order| self.notifier.notification(order, now)).collect();
        notifications.into_iter().try_for_each(|notification| self.tell(notification))
    }

    /// Serves one request.
    pub(super) fn serve(&mut self, message: &Message, now: Timestamp) -> Delivery {
        let Some(rule) = self.struck(message) else {
            let answer = self.answer(message, now);
            return Delivery::Reply(self.seal(answer, message, now));
        };
        match rule.mode.strike() {
            Strike::Before(instead) => self.instead(instead, &rule, message, now),
            Strike::After(instead) => {
                self.answer(message, now);
                self.instead(instead, &rule, message, now)
            }
            Strike::Seal(bad) => {
                let answer = self.answer(message, now);
                Delivery::Reply(self.seal_badly(bad, answer, message, now))
            }
        }
    }

    /// The rule that strikes this request. Filters look at the request as it is, signed or not.
    fn struck(&mut self, message: &Message) -> Option<FaultRule> {
        let call = route(&message.method, &message.path).ok()?;
        let invoice_number = match call {
            Call::Change(_) => named_invoice(&message.body),
            Call::Inquiry => inquired(&message.path),
        };
        self.script.strike(call, invoice_number.as_deref()).cloned()
    }

    fn answer(&mut self, message: &Message, now: Timestamp) -> Answer {
        let request_id = match envelope::open(message, &self.notifier.client_id, &self.notifier.signer) {
            Ok(request_id) => request_id,
            Err(why) => return Answer::error(401, "invalid_signature", &why),
        };
        let call = match route(&message.method, &message.path) {
            Ok(call) => call,
            Err(why @ NoRoute::Path) => return Answer::error(404, "not_found", &why.to_string()),
            Err(why @ NoRoute::Method { .. }) => return Answer::error(405, "method_not_allowed", &why.to_string()),
        };
        let request = Request { call, path: &message.path, id: request_id, body: &message.body };
        let decision = self.provider.decide(&request, now);
        let Some(entry) = decision.entry else { return decision.answer };
        // What is not in the ledger has not happened.
        if let Err(why) = self.ledger.append(&entry) {
            return Answer::error(500, "ledger", &format!("the ledger cannot be written: {why}"));
        }
        self.provider.record(&entry);
        if let Entry::Effect(effect) = &entry {
            self.tell_about(&effect.invoice_number, now);
        }
        decision.answer
    }

    /// Tells the merchant if there is news. A log that cannot be written costs the notification, which also happens in life; the
    /// next start makes up for it.
    fn tell_about(&mut self, invoice_number: &InvoiceNumber, now: Timestamp) {
        let order = self.provider.orders().get(invoice_number);
        if let Some(notification) = order.and_then(|order| self.notifier.notification(order, now)) {
            self.tell(notification).ok();
        }
    }

    fn tell(&mut self, notification: Notification) -> io::Result<()> {
        if self.log.tell(&notification)? == Told::Now
            && let Some(courier) = &self.courier
        {
            // The courier is gone only while the simulator stops.
            courier.send(notification).ok();
        }
        Ok(())
    }

    fn seal(&self, answer: Answer, message: &Message, now: Timestamp) -> Reply {
        envelope::seal(answer, message, &self.notifier.signer, now)
    }

    fn seal_badly(&self, bad: BadSeal, answer: Answer, message: &Message, now: Timestamp) -> Reply {
        match bad {
            BadSeal::WrongKey => {
                let stranger = Signer::new(&Secret::new("not the key"));
                envelope::seal(answer, message, &stranger, now)
            }
            BadSeal::Absent => {
                let mut reply = self.seal(answer, message, now);
                reply.headers.retain(|(name, _)| *name != "Signature");
                reply
            }
        }
    }

    /// What the wire carries where a rule keeps the answer back.
    fn instead(&self, instead: Instead, rule: &FaultRule, message: &Message, now: Timestamp) -> Delivery {
        let error = |status, code, text| self.seal(Answer::error(status, code, text), message, now);
        let reply = match instead {
            Instead::Silence => return Delivery::Silence,
            Instead::Reset => return Delivery::Reset,
            Instead::Error => error(500, "internal_error", "internal server error"),
            Instead::Conflict => error(409, "request_in_progress", "the request is being processed"),
            Instead::Throttle => {
                let mut reply = error(429, "too_many_requests", "too many requests");
                let seconds = rule.retry_after.as_millis().div_ceil(1000);
                reply.headers.push(("Retry-After", seconds.to_string()));
                reply
            }
            Instead::Page => Reply {
                status: 200,
                headers: vec![("Content-Type", "text/html".to_owned())],
                body: "<!doctype html><title>Maintenance</title><p>We will be back soon.</p>".to_owned(),
            },
        };
        Delivery::Reply(reply)
    }
}
