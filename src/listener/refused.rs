//! What was refused, set down for people in a file of its own: never proof, never in the log, and never more than so much.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::sync::mpsc;

use super::judge::{Message, Refusal};
use crate::edge::append::BoundedFile;

/// So much of a body is kept.
const BODY: usize = 4096;

/// So much of a target.
const TARGET: usize = 1024;

/// The line about a refused message.
pub(super) fn line(message: &Message<'_>, refusal: Refusal) -> Vec<u8> {
    let (status, reason) = refusal.told();
    let body = &message.body[..message.body.len().min(BODY)];
    let (name, body) = match std::str::from_utf8(body) {
        Ok(text) => ("body", text.to_owned()),
        Err(_) => ("body_base64", STANDARD.encode(body)),
    };
    let target: String = message.target.chars().take(TARGET).collect();
    let mut line = json!({
        "received_at": message.received_at, "refused": reason, "status": status, "path": target,
        "headers": message.headers, "body_bytes": message.body.len(),
    });
    line[name] = body.into();
    let mut line = line.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Writes lines down until nobody has any more. A disk that is full loses them; the log is what matters.
pub(super) async fn write_down(mut file: BoundedFile, mut lines: mpsc::Receiver<Vec<u8>>) {
    loop {
        let mut batch = Vec::new();
        if lines.recv_many(&mut batch, 64).await == 0 {
            return;
        }
        let write = move || {
            batch.iter().for_each(|line| {
                file.append(line).ok();
            });
            file
        };
        file = tokio::task::spawn_blocking(write).await.expect("it does not panic, and nobody stops it");
    }
}
