//! Notifications: what the provider tells the merchant about a payment, and the log of what was told (`DESIGN` 5).
//!
//! A notification's `Request-Id` follows from the invoice and the status, so the log shows which ones have gone out, and a
//! restart repeats none of them.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::derived;
use super::lines::{Lines, TornEnd};
use super::sold::Sold;
use crate::doku::sign::{Components, Signer, TimestampName};
use crate::model::ids::ClientId;
use crate::model::time::{Timestamp, wire};

/// A signed notification; serialises as a line of the notification log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Notification {
    received_at: String,
    path: String,
    pub(super) headers: Headers,
    pub(super) body: String,
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
        let client_id = self.client_id.as_str();
        let request_id = derived::uuid("notification", &[client_id, order.invoice_number.as_str(), status.word()]);
        let timestamp = wire(now);
        let components = Components {
            client_id,
            request_id: &request_id,
            timestamp_name: TimestampName::Request,
            timestamp: &timestamp,
            target: &self.path,
            body: Some(body.as_bytes()),
        };
        let signature = self.signer.sign(&components);
        let headers =
            Headers { client_id: client_id.to_owned(), request_id, request_timestamp: timestamp.clone(), signature };
        Some(Notification { received_at: timestamp, path: self.path.clone(), headers, body })
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

    /// Writes the notification unless the log holds it.
    pub(super) fn tell(&mut self, notification: &Notification) -> io::Result<Told> {
        let request_id = &notification.headers.request_id;
        if self.told.contains(request_id) {
            return Ok(Told::Before);
        }
        if let Some(file) = &mut self.file {
            file.append(&serde_json::to_string(notification)?)?;
        }
        self.told.insert(request_id.clone());
        Ok(Told::Now)
    }
}

/// Whether a notification is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The log did not hold it.
    Now,
    /// It has gone out before.
    Before,
}
