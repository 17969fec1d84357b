//! One request from its arrival to what goes back: fault, signature, decision, ledger, notification, signed answer.

use std::io;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::answer::Answer;
use super::call::{Call, NoRoute, inquired, route};
use super::entry::{Entry, Payment};
use super::envelope::{self, Message, Reply};
use super::faults::{Aim, Door, End, Fate, Says, Seal, Stage, Strike, Telling, Untruth, Wire};
use super::ledger::Ledger;
use super::notify::{Notification, NotificationLog, Notifier};
use super::payment_page::{self, Shown, Visit};
use super::provider::{Memory, Provider, Request};
use super::requests::named_invoice;
use super::script::{FaultRule, FaultScript, Target};
use super::untruth;
use crate::doku::sign::Signer;
use crate::model::ids::InvoiceNumber;
use crate::model::secret::Secret;
use crate::model::status::PaymentStatus;
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
    /// A notification that goes out after the next one, by script.
    pub(super) held: Option<Notification>,
    /// What is done later, by script, and how much later; the server takes it away.
    pub(super) later: Vec<(Duration, Later)>,
    /// The last answer that went out.
    pub(super) last: Option<Reply>,
}

/// What a script puts off.
#[derive(Debug)]
pub(super) enum Later {
    /// A request that was not answered.
    Request(Message),
    /// A notification, which may have gone out before.
    Notification(Notification),
}

/// What the client gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// An answer, and how the wire carries it; the time is the script's, for a wire that takes its time.
    Reply(Reply, Wire, Duration),
    /// No answer.
    Nothing(End),
}

impl Desk {
    /// Tells the merchant about every payment that it has not been told about.
    pub(super) fn tell_all(&mut self, now: Timestamp) -> io::Result<()> {
        let notifications: Vec<Notification> =
            self.provider.orders().iter().filter_map(|order| self.notifier.notification(order, now)).collect();
        notifications.into_iter().try_for_each(|notification| self.tell(notification, now))
    }

    /// Serves one request.
    pub(super) fn serve(&mut self, message: &Message, now: Timestamp) -> Delivery {
        let delivery = if let Some((strike, rule)) = self.struck(message) {
            self.misbehave(strike, &rule, message, now)
        } else {
            let answer = self.answer(message, Memory::default(), now);
            let reply = envelope::seal(answer, message, &self.notifier.signer, now);
            Delivery::Reply(reply, Wire::Whole, Duration::ZERO)
        };
        if let Delivery::Reply(reply, ..) = &delivery {
            self.last = Some(reply.clone());
        }
        delivery
    }

    /// Does what was put off.
    pub(super) fn catch_up(&mut self, later: Later, now: Timestamp) {
        match later {
            Later::Request(message) => {
                self.answer(&message, Memory::default(), now);
            }
            // A log that cannot be written costs the notification.
            Later::Notification(notification) => drop(self.tell_again(notification.received(now))),
        }
    }

    /// The strike at a connection whose first request line this is, and for how long.
    pub(super) fn door(&mut self, method: &str, path: &str) -> Option<(Door, Duration)> {
        let rule = self.rule(Stage::Connection, method, path)?;
        let Aim::Connection(door) = rule.mode.aim() else { return None };
        Some((door, rule.delay))
    }

    /// Whether a request is struck whose head is read.
    pub(super) fn strikes_head(&mut self, method: &str, path: &str) -> bool {
        self.rule(Stage::Head, method, path).is_some()
    }

    fn rule(&mut self, stage: Stage, method: &str, path: &str) -> Option<&FaultRule> {
        let call = route(method, path).ok()?;
        self.script.strike(&Target { stage, call: Some(call), invoice_number: None })
    }

    /// Serves the payment page whose URL has that query.
    pub(super) fn visit(&mut self, query: &str, visit: Visit, now: Timestamp) -> Shown {
        let Some(order) = self.provider.orders().on_page(query) else { return payment_page::nobody() };
        let button = match visit {
            Visit::Look => return payment_page::of(order),
            Visit::Press(None) => return payment_page::not_understood(),
            // Only a pending order has buttons: the page was open for long, and says now what has happened meanwhile.
            Visit::Press(Some(_)) if order.status != PaymentStatus::Pending => return Shown::Again,
            Visit::Press(Some(button)) => button,
        };
        let invoice_number = order.invoice_number.clone();
        let payment = Payment { at: now, invoice_number: invoice_number.clone(), status: button.status() };
        let entry = Entry::Payment(payment);
        if let Err(why) = self.ledger.append(&entry) {
            return payment_page::not_done(&format!("The ledger cannot be written: {why}"));
        }
        self.provider.record(&entry);
        self.tell_about(&invoice_number, now);
        Shown::Again
    }

    /// The strike at this request, and its rule. Filters look at the request as it is, signed or not.
    fn struck(&mut self, message: &Message) -> Option<(Strike, FaultRule)> {
        let call = route(&message.method, &message.path).ok()?;
        let invoice_number = match call {
            Call::Change(_) => named_invoice(&message.body),
            Call::Inquiry => inquired(&message.path),
        };
        let target = Target { stage: Stage::Request, call: Some(call), invoice_number: invoice_number.as_deref() };
        let rule = self.script.strike(&target)?;
        let Aim::Request(strike) = rule.mode.aim() else { return None };
        Some((strike, rule.clone()))
    }

    /// Serves a request as a rule has it: first the effect, then what is said, then how it is signed.
    fn misbehave(&mut self, strike: Strike, rule: &FaultRule, message: &Message, now: Timestamp) -> Delivery {
        let truth = self.meet(strike.fate, rule.delay, message, now);
        if let Wire::Nothing(end) = strike.wire {
            return Delivery::Nothing(end);
        }
        if strike.says == Says::Untruth(Untruth::AnotherAnswer)
            && let Some(last) = self.last.clone()
        {
            return Delivery::Reply(last, strike.wire, rule.delay);
        }
        let (answer, headers) = untruth::said(strike.says, truth, rule.retry_after, now);
        let mut reply = self.seal(strike.seal, answer, message, now);
        for (name, value) in headers {
            reply.headers.retain(|(present, _)| *present != name);
            reply.headers.push((name, value));
        }
        Delivery::Reply(reply, strike.wire, rule.delay)
    }

    /// What becomes of the effect, and the honest answer where there is one by now.
    fn meet(&mut self, fate: Fate, delay: Duration, message: &Message, now: Timestamp) -> Option<Answer> {
        let memory = match fate {
            Fate::Nothing => return None,
            Fate::Late => {
                self.later.push((delay, Later::Request(message.clone())));
                return None;
            }
            Fate::Twice => {
                self.answer(message, Memory::default(), now);
                Memory::default()
            }
            Fate::Done => Memory::default(),
            Fate::KeyForgotten => Memory { until: Some(now + delay), ..Memory::default() },
            Fate::KeyLost => Memory { until: Some(now), ..Memory::default() },
            Fate::KeyLate => Memory { from: Some(now + delay), ..Memory::default() },
        };
        Some(self.answer(message, memory, now))
    }

    fn seal(&self, seal: Seal, answer: Answer, message: &Message, now: Timestamp) -> Reply {
        let ours = &self.notifier.signer;
        let with = |key| envelope::seal(answer.clone(), message, &Signer::new(&Secret::new(key)), now);
        match seal {
            Seal::Good => envelope::seal(answer, message, ours, now),
            Seal::WrongKey => with("not the key"),
            Seal::OldKey => with("the key before the last rotation"),
            Seal::OtherRequestId => {
                envelope::seal_as("00000000-0000-0000-0000-000000000000", answer, message, ours, now)
            }
            Seal::Clock(minutes) => envelope::seal(answer, message, ours, now + chrono::Duration::minutes(minutes)),
            Seal::Absent => {
                let mut reply = envelope::seal(answer, message, ours, now);
                reply.headers.retain(|(name, _)| *name != "Signature");
                reply
            }
        }
    }

    fn answer(&mut self, message: &Message, memory: Memory, now: Timestamp) -> Answer {
        let request_id = match envelope::open(message, &self.notifier.client_id, &self.notifier.signer) {
            Ok(request_id) => request_id,
            Err(why) => return Answer::error(401, "invalid_signature", &why),
        };
        let call = match route(&message.method, &message.path) {
            Ok(call) => call,
            Err(why @ NoRoute::Path) => return Answer::error(404, "not_found", &why.to_string()),
            Err(why @ NoRoute::Method { .. }) => return Answer::error(405, "method_not_allowed", &why.to_string()),
        };
        let request = Request { call, path: &message.path, id: request_id, body: &message.body, memory };
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
            self.tell(notification, now).ok();
        }
    }

    /// Sends a notification out unless it has gone out before, as the script has it.
    fn tell(&mut self, notification: Notification, now: Timestamp) -> io::Result<()> {
        if self.log.holds(&notification) {
            return Ok(());
        }
        let invoice_number = Some(notification.invoice_number());
        let rule = self.script.strike(&Target { stage: Stage::Notification, call: None, invoice_number });
        let struck = rule.map(|rule| (rule.mode.aim(), rule.delay));
        let before = self.held.take();
        match struck {
            Some((Aim::Notification(telling), delay)) => self.mistell(telling, delay, notification, now)?,
            _ => self.tell_again(notification)?,
        }
        before.map_or(Ok(()), |held| self.tell_again(held))
    }

    fn mistell(&mut self, telling: Telling, delay: Duration, told: Notification, now: Timestamp) -> io::Result<()> {
        match telling {
            Telling::Missing => {}
            Telling::Late => self.later.push((delay, Later::Notification(told))),
            Telling::AfterTheNext => self.held = Some(told),
            Telling::Twice => {
                self.tell_again(told.clone())?;
                self.tell_again(told)?;
            }
            Telling::Forged => {
                self.tell_again(self.notifier.forged(&told, now))?;
                self.tell_again(told)?;
            }
            Telling::Replayed => {
                self.tell_again(told.clone())?;
                self.later.push((delay, Later::Notification(told)));
            }
            Telling::OtherBody => {
                let other = self.notifier.with_another_amount(&told);
                self.tell_again(told)?;
                self.tell_again(other)?;
            }
            Telling::Torn => self.log.write_half(&told)?,
            Telling::Rotated => {
                self.log.rotate()?;
                self.tell_again(told)?;
            }
            Telling::CopiedAndEmptied => {
                self.tell_again(told)?;
                self.log.copy_and_empty()?;
            }
        }
        Ok(())
    }

    /// Sends a notification out, whether it has gone out before or not.
    fn tell_again(&mut self, notification: Notification) -> io::Result<()> {
        self.log.write(&notification)?;
        if let Some(courier) = &self.courier {
            // The courier is gone only while the simulator stops.
            courier.send(notification).ok();
        }
        Ok(())
    }
}
