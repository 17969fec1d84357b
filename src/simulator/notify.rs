//! Notifications: what the provider tells the merchant about a payment, and the log of what was told (`DESIGN` 5).
//!
//! A notification's `Request-Id` follows from the invoice and the status, so the log shows which ones have gone out, and a
//! restart repeats none of them.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::derived;
use super::faults::Untruth;
use super::lines::{Lines, TornEnd};
use super::sold::Sold;
use super::untruth;
use crate::doku::sign::{Components, Signer, TimestampName};
use crate::model::ids::ClientId;
use crate::model::secret::Secret;
use crate::model::time::{Timestamp, wire};

/// A signed notification; serialises as a line of the notification log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Notification {
    received_at: String,
    path: String,
    pub(super) headers: Headers,
    pub(super) body: String,
    #[serde(skip)]
    invoice_number: String,
}

impl Notification {
    /// Whose payment it is about.
    pub(super) fn invoice_number(&self) -> &str {
        &self.invoice_number
    }

    /// The same, arriving at another time.
    pub(super) fn received(self, at: Timestamp) -> Self {
        Self { received_at: wire(at), ..self }
    }
}

/// The headers of a notification (`doku-api.md` 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Headers {
    #[serde(rename = "Client-Id")]
    client_id: String,
    #[serde(rename = "Request-Id")]
    request_id: String,
    #[serde(rename = "Request-Timestamp")]
    request_timestamp: String,
    signature: String,
}

impl Headers {
    /// Names and values.
    pub(super) fn lines(&self) -> [(&'static str, &str); 4] {
        [
            ("Client-Id", &self.client_id),
            ("Request-Id", &self.request_id),
            ("Request-Timestamp", &self.request_timestamp),
            ("Signature", &self.signature),
        ]
    }
}

/// Who signs notifications, and for which path of the merchant's.
#[derive(Debug, Clone)]
pub(super) struct Notifier {
    pub(super) client_id: ClientId,
    pub(super) signer: Signer,
    pub(super) path: String,
}

impl Notifier {
    /// The notification of an order's payment. `None` while there is nothing to tell.
    pub(super) fn notification(&self, order: &Sold, now: Timestamp) -> Option<Notification> {
        let status = order.notified_status()?;
        let body = order.transaction(status).to_string();
        let invoice_number = order.invoice_number.as_str();
        let parts = [self.client_id.as_str(), invoice_number, status.word()];
        let request_id = derived::uuid("notification", &parts);
        Some(self.signed(&self.signer, request_id, wire(now), body, invoice_number))
    }

    /// One that says the opposite of a notification, by somebody who has not the key.
    pub(super) fn forged(&self, notification: &Notification, now: Timestamp) -> Notification {
        let (success, failed) = (r#""status":"SUCCESS""#, r#""status":"FAILED""#);
        let body = if notification.body.contains(success) {
            notification.body.replace(success, failed)
        } else {
            notification.body.replace(failed, success)
        };
        let request_id = derived::uuid("forged", &[&notification.headers.request_id]);
        self.signed(
            &Signer::new(&Secret::new("not the key")),
            request_id,
            wire(now),
            body,
            &notification.invoice_number,
        )
    }

    /// One with the same id and another amount, signed as it should be.
    pub(super) fn with_another_amount(&self, notification: &Notification) -> Notification {
        let body = untruth::told(Untruth::OtherAmount, Answer { status: 200, body: notification.body.clone() }).body;
        let (request_id, timestamp) = (notification.headers.request_id.clone(), notification.received_at.clone());
        self.signed(&self.signer, request_id, timestamp, body, &notification.invoice_number)
    }

    fn signed(
        &self,
        signer: &Signer,
        request_id: String,
        timestamp: String,
        body: String,
        invoice_number: &str,
    ) -> Notification {
        let client_id = self.client_id.as_str();
        let components = Components {
            client_id,
            request_id: &request_id,
            timestamp_name: TimestampName::Request,
            timestamp: &timestamp,
            target: &self.path,
            body: Some(body.as_bytes()),
        };
        let signature = signer.sign(&components);
        let headers =
            Headers { client_id: client_id.to_owned(), request_id, request_timestamp: timestamp.clone(), signature };
        let (path, invoice_number) = (self.path.clone(), invoice_number.to_owned());
        Notification { received_at: timestamp, path, headers, body, invoice_number }
    }
}

/// The notification log, as far as it says what has gone out.
#[derive(Debug, Default)]
pub(super) struct NotificationLog {
    told: BTreeSet<String>,
    file: Option<Lines>,
}

impl NotificationLog {
    /// A log in a file; it may hold lines already, of other writers too.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        #[derive(Deserialize)]
        struct Line {
            headers: LineHeaders,
        }
        #[derive(Deserialize)]
        struct LineHeaders {
            #[serde(rename = "Request-Id")]
            request_id: String,
        }
        let (lines, file) = Lines::open(path, TornEnd::Keep)?;
        // A line that does not read tells nothing; reporting it is the reconciliation's work.
        let told = lines.iter().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        Ok(Self { told: told.map(|line| line.headers.request_id).collect(), file: Some(file) })
    }

    /// Whether it has gone out before.
    pub(super) fn holds(&self, notification: &Notification) -> bool {
        self.told.contains(&notification.headers.request_id)
    }

    /// Writes a notification, whether the log holds it or not.
    pub(super) fn write(&mut self, notification: &Notification) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.append(&serde_json::to_string(notification)?)?;
        }
        self.told.insert(notification.headers.request_id.clone());
        Ok(())
    }

    /// Writes the first half of a notification's line.
    pub(super) fn write_half(&mut self, notification: &Notification) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let line = serde_json::to_string(notification)?;
        file.append_torn(&line.as_bytes()[..line.len() / 2])
    }

    /// Begins a new file; the old one is renamed.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Lines::rotate)
    }

    /// Copies the file elsewhere and empties it.
    pub(super) fn copy_and_empty(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Lines::copy_and_empty)
    }
}
