//! What a job reads: its orders, its notification logs, and the results of other runs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::load::{Case, shown};
use super::screen::Screen;
use super::unreadable::unreadable;
use crate::edge::credentials::Credentials;
use crate::edge::csv::{self, Listed, NotListed, NotRead};
use crate::edge::notification_log::{self, Verifier};
use crate::edge::{files, results};
use crate::job::settings::{Column, Field, Notifications, STDIN, Source};
use crate::journal::log::sha256;
use crate::model::fault::{Fault, Place};
use crate::model::ids::InvoiceNumber;
use crate::model::listing::Listing;
use crate::model::money::Tally;
use crate::model::operation::{Operation, Task};
use crate::model::status::PaymentStatus;
use crate::model::table::Table;
use crate::model::time::Timestamp;
use crate::plan::decide::Heard;
use crate::plan::{Input, guard, input};
use crate::reconcile::evidence::{Log, Unmatched, UnmatchedReason};
use crate::report::words::both::both;

impl Case {
    /// The orders as they are written, and the SHA-256 of what it was read from: the content of the file, or the rows of the job.
    fn listing(&self) -> Result<(Listing, String), Failure> {
        match &self.job.orders.source {
            Source::Rows(rows) => {
                let digest = sha256(format!("{:?}", rows.header).as_bytes());
                let values: Vec<&Vec<String>> = rows.rows.iter().map(|(_, values)| values).collect();
                let digest = sha256(format!("{digest} {values:?}").as_bytes());
                let table = Table::from_rows(&self.file, rows.start, rows.header.clone(), rows.rows.clone());
                Ok((table.into(), digest))
            }
            Source::File(template) => {
                let path = self.path(template);
                let name = shown(&path);
                let headers = self.known_headers();
                let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
                let listed = csv::list(&name, &path, self.job.orders.format, &headers);
                let listed = listed.map_err(|why| self.named_by("orders.file", unlisted(&name, why)))?;
                let Listed { listing, sha256, uncopied } = listed;
                if let Some(why) = uncopied {
                    self.told.uncopied.get_or_init(|| why);
                }
                Ok((listing, sha256))
            }
        }
    }

    /// What messages call the orders.
    pub(super) fn orders_name(&self) -> String {
        match &self.job.orders.source {
            Source::Rows(_) => self.file.clone(),
            Source::File(template) => shown(&self.path(template)),
        }
    }

    /// The orders as rows and orders.
    pub(super) fn input(&self, now: Timestamp) -> Result<Input, Failure> {
        let (listing, digest) = self.listing()?;
        let mut input = input::read(&self.job, listing, now).map_err(Failure::Faults)?;
        input.sha256 = Some(digest);
        Ok(input)
    }

    /// The headers that the file of the orders may have.
    pub(super) fn known_headers(&self) -> Vec<String> {
        let named = self.job.orders.columns.values().filter_map(|column| match column {
            Column::Header(name) => Some(name.clone()),
            Column::Value(_) => None,
        });
        let unmapped = Field::WORDS.iter().filter(|(_, field)| !self.job.orders.columns.contains_key(field));
        named.chain(unmapped.map(|(word, _)| (*word).to_owned())).collect()
    }

    /// All notification logs of the job, and `more` of the embedded simulator's.
    pub(super) fn log(&self, credentials: &Credentials, more: Option<&Path>) -> Result<Log, Failure> {
        let signers = credentials.signers();
        let Notifications { path, fields, .. } = &self.job.notifications;
        let verifier = Verifier { signers: &signers, client_id: &credentials.client_id, path, fields: fields.as_ref() };
        let mut log = Log::default();
        if self.is_piped() {
            log = notification_log::read_piped(&verifier).map_err(|error| unreadable("stdin", &error))?;
        }
        for path in self.logs()?.iter().map(PathBuf::as_path).chain(more.filter(|path| path.exists())) {
            let name = shown(path);
            let read = notification_log::read(path, &name, &verifier)
                .map_err(|error| self.named_by("notifications.files", unreadable(&name, &error)))?;
            log.heard.extend(read.heard);
            log.unmatched.extend(read.unmatched);
        }
        Ok(log)
    }

    /// The files of the notification logs.
    pub(super) fn logs(&self) -> Result<Vec<PathBuf>, Failure> {
        let files: Vec<String> = self.job.notifications.files.iter().filter(|file| *file != STDIN).cloned().collect();
        self.matching("notifications.files", &files)
    }

    /// Whether a notification log comes through standard input.
    pub(super) fn is_piped(&self) -> bool {
        self.job.notifications.files.iter().any(|file| file == STDIN)
    }

    /// A cancel that must not touch what was paid needs to see what was paid: a log of which no line can be proved is a
    /// slip, in the key or in the path.
    pub(super) fn refuse_unproved(&self, log: &Log) -> Result<(), Failure> {
        let stranger = |line: &Unmatched| line.reason == UnmatchedReason::OtherClient;
        let unproved = log.unmatched.iter().filter(|line| !stranger(line)).count();
        if !self.refuses_paid() || !log.heard.is_empty() || unproved == 0 {
            return Ok(());
        }
        let files = self.job.notifications.files.join(", ");
        let message = format!(
            "none of the {unproved} lines of notifications.files {files} can be proved, and guards.refuse_paid needs them"
        );
        let hint = "check the key and notifications.path; without notifications leave notifications.files out";
        Err(Failure::Faults(vec![Fault::new(self.place("notifications.files"), message).hint(hint)]))
    }

    /// What the file of the orders does not add up to, though the job says so.
    pub(super) fn out_of_control(&self, all: Tally) -> Vec<Fault> {
        let fault = |reading: guard::Reading| {
            let message =
                format!("{} is {}, the file has {}: {}", reading.guard, reading.limit, reading.found, reading.headroom);
            let place = self.place(&format!("orders.{}", reading.guard));
            Fault::new(place, message).hint("check that this is the right file, and that it is whole")
        };
        let broken = guard::control(self.job.orders.control, all).into_iter().filter(|reading| !reading.holds());
        broken.map(fault).collect()
    }

    /// Whether the job cancels, and must not cancel what was paid.
    pub(super) fn refuses_paid(&self) -> bool {
        let guards = self.job.guards.as_ref();
        self.job.task == Task::Change(Operation::Cancel) && guards.is_some_and(|guards| guards.refuse_paid)
    }

    /// The header of a field in the file of the orders.
    pub(super) fn header(&self, field: Field) -> &str {
        match self.job.orders.columns.get(&field) {
            Some(Column::Header(name)) => name.as_str(),
            Some(Column::Value(_)) | None => field.word(),
        }
    }

    /// Files with results of runs that the journal has not seen. A rehearsal proves nothing about another environment: its
    /// results are passed over, and named.
    pub(super) fn results(&self, screen: Screen) -> Result<Vec<PathBuf>, Failure> {
        let own = self.job.merchant.environment;
        let mut found = self.matching("reconcile.results", &self.job.reconcile.results)?;
        found.retain(|path| {
            let other = results::environment_of(path).filter(|environment| *environment != own);
            if let Some(other) = other {
                let file = shown(path);
                screen.note(&both(
                    format!("{file}: left out, for it is of the {other}"),
                    format!("{file}: dilewati, karena berasal dari {other}"),
                ));
            }
            other.is_none()
        });
        Ok(found)
    }

    /// The files that globs match, which the job has under a key.
    pub(super) fn matching(&self, key: &str, templates: &[String]) -> Result<Vec<PathBuf>, Failure> {
        let patterns: Vec<String> = templates.iter().map(|template| self.fill(template)).collect();
        files::matching(&self.folder, &patterns).map_err(|message| {
            Failure::Faults(vec![Fault::new(self.place(key), message).hint("*, ?, ** and [a-z] are special")])
        })
    }

    /// Why a file is not to be had, where the job names it; what is wrong inside has a place of its own.
    pub(super) fn named_by(&self, key: &str, failure: Failure) -> Failure {
        let place = self.place(key);
        match failure {
            Failure::Faults(mut faults) if place.line > 0 => {
                for fault in faults.iter_mut().filter(|fault| fault.place.line == 0) {
                    fault.message = format!("{}: {}", fault.place, fault.message);
                    fault.place = place.clone();
                }
                Failure::Faults(faults)
            }
            other => other,
        }
    }
}

/// What verified notifications say per invoice, for the plan.
pub(super) fn heard(log: &Log) -> HashMap<InvoiceNumber, Heard> {
    let mut heard: HashMap<InvoiceNumber, Heard> = HashMap::new();
    for line in &log.heard {
        let said = &line.notification;
        let known = heard.entry(said.invoice.clone()).or_default();
        known.paid |= said.status == PaymentStatus::Success;
        known.refunded |= said.status == PaymentStatus::Refunded;
        known.amounts.insert(said.amount);
        // The smallest text of several, so that the order of lines does not matter.
        let keep = |known: &mut Option<String>, said: &Option<String>| {
            if let Some(text) = said
                && known.as_ref().is_none_or(|known| text < known)
            {
                *known = Some(text.clone());
            }
        };
        keep(&mut known.payment_reference, &said.payment_reference);
        keep(&mut known.order_id, &said.order_id);
        keep(&mut known.akulaku_reference, &said.akulaku_reference);
    }
    heard
}

fn unlisted(name: &str, why: NotListed) -> Failure {
    match why {
        NotListed::NotRead(NotRead::Unreadable(error)) => unreadable(name, &error),
        NotListed::NotRead(NotRead::Faulty(faults)) => Failure::Faults(faults),
        NotListed::NoRoom(folder, error) => {
            let message = format!("no room for a private copy of it in {}: {error}", folder.display());
            let hint = "make room there, or name another folder in TMPDIR";
            Failure::Faults(vec![Fault::new(Place::file(name), message).hint(hint)])
        }
    }
}
