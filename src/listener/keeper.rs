//! Keeps notifications: those that arrive together become durable together, and copies are told apart here and nowhere else.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::figures::{Figures, count};
use super::judge::{Identity, Merchant, Verified};
use super::memory::Memory;
use super::{Clock, Tell};
use crate::edge::append::{DailyLog, LogError};
use crate::model::time::BusinessDate;

/// What the keeper is asked for.
#[derive(Debug)]
pub(super) enum Wish {
    /// To keep a notification.
    Keep(Verified, oneshot::Sender<Kept>),
    /// To say whether it could.
    Probe(oneshot::Sender<Writable>),
}

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is on the disk.
    Written,
    /// It was there already.
    Copy,
    /// The disk did not take it.
    NotWritten,
}

/// Whether the disk takes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writable {
    Yes,
    No,
}

/// The one writer of the log.
pub(super) struct Keeper {
    log: DailyLog,
    memory: Memory,
    writable: Writable,
    clock: Clock,
    tell: Tell,
    figures: Arc<Figures>,
}

/// So many notifications become durable together at most.
const LARGEST_BATCH: usize = 1024;

impl Keeper {
    /// The keeper of a log; knows again what the newest files hold, as far as so many notifications and bytes go.
    pub(super) fn new(
        log: DailyLog,
        merchant: &Merchant,
        (most_known, most_bytes): (usize, u64),
        (clock, tell): (Clock, Tell),
        figures: Arc<Figures>,
    ) -> Result<Self, LogError> {
        let mut found = Vec::new();
        for bytes in log.newest(most_bytes)? {
            let lines = bytes.split(|byte| *byte == b'\n').rev();
            found.extend(lines.filter_map(|line| merchant.recall(line)).take(most_known - found.len()));
        }
        let mut memory = Memory::new(most_known);
        found.into_iter().rev().for_each(|identity| memory.remember(identity));
        Ok(Self { log, memory, writable: Writable::Yes, clock, tell, figures })
    }

    /// Fulfils wishes until nobody can have any more.
    pub(super) async fn work(mut self, mut wishes: mpsc::Receiver<Wish>) {
        loop {
            let mut batch = Vec::new();
            if wishes.recv_many(&mut batch, LARGEST_BATCH).await == 0 {
                return;
            }
            let fulfil = move || {
                self.fulfil(batch);
                self
            };
            self = tokio::task::spawn_blocking(fulfil).await.expect("it does not panic, and nobody stops it");
        }
    }

    fn fulfil(&mut self, batch: Vec<Wish>) {
        let mut lines = Vec::new();
        let mut new: Vec<(Identity, oneshot::Sender<Kept>)> = Vec::new();
        let (mut in_batch, mut copies, mut probes) = (HashSet::new(), Vec::new(), Vec::new());
        for wish in batch {
            match wish {
                Wish::Keep(verified, answer) if self.memory.holds(verified.identity) => {
                    count(&self.figures.copies);
                    answer.send(Kept::Copy).ok();
                }
                Wish::Keep(verified, answer) if !in_batch.insert(verified.identity) => copies.push(answer),
                Wish::Keep(verified, answer) => {
                    lines.extend_from_slice(&verified.line);
                    new.push((verified.identity, answer));
                }
                Wish::Probe(answer) => probes.push(answer),
            }
        }
        // Who has left meanwhile sends it again, and is told then.
        if !new.is_empty() {
            let written = self.write(&lines);
            for (identity, answer) in new {
                // Counted here: whoever sent it may have left before the answer.
                if written == Writable::Yes {
                    count(&self.figures.written);
                    self.memory.remember(identity);
                }
                answer.send(if written == Writable::Yes { Kept::Written } else { Kept::NotWritten }).ok();
            }
            for answer in copies {
                if written == Writable::Yes {
                    count(&self.figures.copies);
                }
                answer.send(if written == Writable::Yes { Kept::Copy } else { Kept::NotWritten }).ok();
            }
        }
        if !probes.is_empty() {
            let probed = self.log.probe();
            let writable = self.note(probed.err());
            probes.into_iter().for_each(|answer| {
                answer.send(writable).ok();
            });
        }
    }

    fn write(&mut self, lines: &[u8]) -> Writable {
        count(&self.figures.fsyncs);
        let written = self.log.append(lines, BusinessDate::of((self.clock)()));
        self.note(written.err())
    }

    /// Tells the operator when the disk begins to fail, and when it works again.
    fn note(&mut self, error: Option<std::io::Error>) -> Writable {
        let before = self.writable;
        self.writable = if error.is_none() { Writable::Yes } else { Writable::No };
        match (before, error) {
            (Writable::Yes, Some(error)) => (self.tell)(&format!(
                "the log cannot be written: {error}; notifications are answered with 503 until it can, and DOKU sends them again"
            )),
            (Writable::No, None) => (self.tell)("the log can be written again"),
            (Writable::Yes, None) | (Writable::No, Some(_)) => {}
        }
        self.figures.set_writable(self.writable == Writable::Yes);
        self.writable
    }
}
