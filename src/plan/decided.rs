//! What was decided about each order, as it is kept with a run that several hosts work on.
//!
//! Whoever joins the run reads the same input and decides nothing anew: what the first host knew when it began counts for all,
//! so that they send the same orders and each of them would write the same report. The form is this program's own and lives
//! no longer than the run.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::decide::Deciding;
use super::disposition::{Disposition, Earlier, Found, HeldBy};
use super::input::Input;
use super::made::Plan;
use crate::job::settings::{Guards, Job};
use crate::journal::history::{History, SameInput};
use crate::journal::log::hex;
use crate::journal::state::State;
use crate::model::fault::Fault;
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference, RunId};
use crate::model::listing::Unread;
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Operation;
use crate::model::time::{parse_instant, stored};

/// So many orders are looked at together.
const AT_A_TIME: usize = 4096;

/// All that cannot be read from the job and the input.
#[derive(Serialize, Deserialize)]
struct Decided {
    date: String,
    today: Sum,
    runs: Vec<Sum>,
    same_input: Option<(String, String, u64)>,
    notified: usize,
    /// What was decided, and about how many orders in a row.
    orders: Vec<(u32, Decision)>,
    /// By order: the payment's reference and the two identifiers that the file lacks.
    found: BTreeMap<u32, [Option<String>; 3]>,
}

type Sum = (u64, u64);

#[derive(Serialize, Deserialize, PartialEq, Eq)]
enum Decision {
    Send(u16),
    Continue(String, String, String),
    Elsewhere(String, String, String),
    Skip(String),
    Held(String),
    Invalid(Vec<(String, Option<String>)>),
}

/// What is not a decision about this input.
#[derive(Debug, thiserror::Error)]
#[error("what was decided when the run began cannot be read: {0}")]
pub struct NotDecided(String);

impl Plan {
    /// What was decided, to be kept with the run.
    ///
    /// # Panics
    /// Never: it is text and whole numbers.
    #[must_use]
    pub fn decided(&self) -> Vec<u8> {
        let History { date, today, runs, same_input } = &self.history;
        let mut orders: Vec<(u32, Decision)> = Vec::new();
        for decision in self.dispositions.iter().map(decision) {
            match orders.last_mut() {
                Some((count, last)) if *last == decision => *count += 1,
                _ => orders.push((1, decision)),
            }
        }
        let texts = |found: &Found| {
            let identifier = |id: &Option<Identifier>| id.as_ref().map(ToString::to_string);
            let reference = found.payment_reference.as_ref().map(ToString::to_string);
            [reference, identifier(&found.order_id), identifier(&found.akulaku_reference)]
        };
        let decided = Decided {
            date: date.clone(),
            today: sum(*today),
            runs: runs.iter().copied().map(sum).collect(),
            same_input: same_input.as_ref().map(|same| (same.run.to_string(), stored(same.finished_at), same.open)),
            notified: self.notified,
            orders,
            found: self.found.iter().map(|(order, found)| (*order, texts(found))).collect(),
        };
        serde_json::to_vec(&decided).expect("text and whole numbers")
    }

    /// What the journal remembered when the plan was made.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// SHA-256 over all rows with what was decided about each, in hex: the same where the same was read and decided.
    ///
    /// # Errors
    /// The input cannot be read again.
    pub fn rows_sha256(&self) -> Result<String, Unread> {
        let mut digest = Sha256::new();
        for row in self.rows() {
            let row = row?;
            let (fate, reason) = self.fate(&row);
            for number in [row.number, row.line, row.rupiah.whole()] {
                digest.update(number.to_be_bytes());
            }
            let invoice = row.invoice.as_ref().map(InvoiceNumber::as_str).unwrap_or_default();
            for text in [&*row.raw, invoice, fate.word(), &reason] {
                digest.update((text.len() as u64).to_be_bytes());
                digest.update(text.as_bytes());
            }
        }
        Ok(hex(&digest.finalize()))
    }

    /// The plan of a run that another host has begun, made of the same job and the same input.
    ///
    /// # Errors
    /// It does not fit them.
    pub fn adopted(
        job: &Job,
        operation: Operation,
        guards: &Guards,
        input: Input,
        decided: &[u8],
    ) -> Result<Self, NotDecided> {
        let decided: Decided = serde_json::from_slice(decided).map_err(|error| NotDecided(error.to_string()))?;
        let lacks = |what: &str| NotDecided(format!("it has no {what}"));
        let history = decided.history().ok_or_else(|| lacks("history"))?;
        let mut deciding = Deciding::begin(job, operation, guards, input);
        let mut decisions = decided.orders.iter().flat_map(|(count, decision)| (0..*count).map(move |_| decision));
        while !deciding.next(AT_A_TIME).map_err(|error| NotDecided(error.to_string()))?.is_empty() {
            for (number, order) in deciding.asked() {
                let decision = decisions.next().ok_or_else(|| lacks("so many orders"))?;
                let disposition =
                    disposition(decision, &deciding.faults_of(number)).ok_or_else(|| lacks("such disposition"))?;
                deciding.note(number, &order, disposition);
            }
        }
        if decisions.next().is_some() {
            return Err(lacks("so few orders"));
        }
        for (order, texts) in &decided.found {
            deciding.knows(*order, found(texts).ok_or_else(|| lacks("such identifier"))?);
        }
        Ok(deciding.finish(decided.notified, &history))
    }
}

impl Decided {
    fn history(&self) -> Option<History> {
        let same_input = match &self.same_input {
            None => None,
            Some((run, finished_at, open)) => {
                Some(SameInput { run: RunId::new(run).ok()?, finished_at: parse_instant(finished_at)?, open: *open })
            }
        };
        let runs = self.runs.iter().copied().map(tally).collect();
        Some(History { date: self.date.clone(), today: tally(self.today), runs, same_input })
    }
}

const fn sum(tally: Tally) -> Sum {
    (tally.count, tally.rupiah.whole())
}

const fn tally((count, rupiah): Sum) -> Tally {
    Tally { count, rupiah: Rupiah::new(rupiah) }
}

fn decision(disposition: &Disposition) -> Decision {
    let earlier = |Earlier { state, job, run }: &Earlier| (state.word().to_owned(), job.clone(), run.clone());
    match disposition {
        Disposition::Send { generation } => Decision::Send(*generation),
        Disposition::Continue(found) => {
            let (state, job, run) = earlier(found);
            Decision::Continue(state, job, run)
        }
        Disposition::Elsewhere(found) => {
            let (state, job, run) = earlier(found);
            Decision::Elsewhere(state, job, run)
        }
        Disposition::Skip(reason) => Decision::Skip(reason.to_string()),
        Disposition::Held(by) => Decision::Held(by.word().to_owned()),
        Disposition::Invalid(faults) => {
            Decision::Invalid(faults.iter().map(|fault| (fault.message.clone(), fault.hint.clone())).collect())
        }
    }
}

/// The disposition of an order, of which the input says this already; `None`: there is no such word.
fn disposition(decision: &Decision, of_input: &Faults) -> Option<Disposition> {
    let earlier = |state: &str, job: &String, run: &String| {
        Some(Arc::new(Earlier { state: State::from_word(state)?, job: job.clone(), run: run.clone() }))
    };
    Some(match decision {
        Decision::Send(generation) => Disposition::Send { generation: *generation },
        Decision::Continue(state, job, run) => Disposition::Continue(earlier(state, job, run)?),
        Decision::Elsewhere(state, job, run) => Disposition::Elsewhere(earlier(state, job, run)?),
        Decision::Skip(reason) => Disposition::Skip(reason.as_str().into()),
        Decision::Held(by) => Disposition::Held(HeldBy::ALL.into_iter().find(|known| known.word() == by)?),
        Decision::Invalid(_) if !of_input.known.is_empty() => Disposition::Invalid(of_input.known.as_slice().into()),
        Decision::Invalid(told) => Disposition::Invalid(
            told.iter()
                .map(|(message, hint)| Fault {
                    hint: hint.clone(),
                    ..Fault::new(of_input.place.clone(), message.clone())
                })
                .collect(),
        ),
    })
}

/// What is wrong with an order by its input alone, and where it stands.
pub(super) struct Faults {
    pub(super) known: Vec<Fault>,
    pub(super) place: crate::model::fault::Place,
}

fn found([reference, order_id, akulaku_reference]: &[Option<String>; 3]) -> Option<Found> {
    let identifier = |text: &Option<String>| text.as_deref().map(Identifier::new).transpose().ok();
    Some(Found {
        payment_reference: reference.as_deref().map(MerchantReference::new).transpose().ok()?,
        order_id: identifier(order_id)?,
        akulaku_reference: identifier(akulaku_reference)?,
    })
}
