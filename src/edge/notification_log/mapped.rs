//! A line of a log that others write, such as a web server's: the job says under which keys the parts of a notification
//! are. Read without haste, and numbers by their digits.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::judge::{Body, Headers, Parts};
use super::{Unmatched, careful};
use crate::job::settings::{LogFields, LogHeaders};

/// The parts of a line, or why it has none.
pub(super) fn parts(text: &[u8], fields: &LogFields) -> Result<Parts<'static, 'static>, Unmatched<'static>> {
    let line = std::str::from_utf8(text).unwrap_or_default();
    let Some(body) = find(line, &fields.body) else { return Err(careful::bare(text)) };
    let value = |path: &str| find(line, path).map(text_or_digits).map(kept).unwrap_or_default();
    Ok(Parts {
        received_at: value(&fields.received_at).into(),
        path: value(&fields.path).into(),
        headers: headers(line, &fields.headers),
        body: match serde_json::from_str::<String>(body).map(kept) {
            // Without a body nobody can tell a forgery.
            Ok(body) if body.is_empty() => Body::Json(body),
            Ok(body) => Body::text(body),
            Err(_) => Body::Json(body.to_owned()),
        },
    })
}

/// The value under a path of keys, as it is written. A key may itself have dots; a null is as good as none.
fn find<'a>(object: &'a str, path: &str) -> Option<&'a str> {
    let entries: HashMap<String, &'a RawValue> = serde_json::from_str(object).ok()?;
    if let Some(value) = entries.get(path) {
        return Some(value.get()).filter(|value| *value != "null");
    }
    let (first, rest) = path.split_once('.')?;
    find(entries.get(first)?.get(), rest)
}

fn text_or_digits(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

/// A text, or nothing where a web server wrote the hyphen that stands for nothing.
fn kept(text: String) -> String {
    if text == "-" { String::new() } else { text }
}

fn headers(line: &str, headers: &LogHeaders) -> Option<Headers<'static>> {
    match headers {
        LogHeaders::Map(path) => {
            let mut map: HashMap<String, Value> = serde_json::from_str(find(line, path)?).ok()?;
            for value in map.values_mut() {
                // Some servers log a header as the list of its values.
                if let Value::Array(values) = value
                    && let [only] = values.as_mut_slice()
                {
                    *value = only.take();
                }
                if value == "-" {
                    *value = Value::Null;
                }
            }
            Some(careful::from_map(&map))
        }
        LogHeaders::Each { client_id, request_id, request_timestamp, signature } => {
            let header = |path: &str| {
                let text = serde_json::from_str::<String>(find(line, path)?).ok()?;
                Some(kept(text)).filter(|text| !text.is_empty())
            };
            let text = |header: Option<String>| header.unwrap_or_default().into();
            let found = [header(request_id), header(request_timestamp), header(signature)];
            let [request_id, timestamp, signature] = match found {
                [None, None, None] => return None,
                found => found.map(text),
            };
            Some(Headers { client_id: text(client_id.as_deref().and_then(header)), request_id, timestamp, signature })
        }
    }
}
