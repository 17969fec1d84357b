//! The section `notifications`: which logs there are, and what their lines look like.

use super::reader::Reader;
use super::settings::{LogFields, LogHeaders, Notifications, STDIN};
use super::values::check_templates;
use super::yaml::{Node, Value};
use crate::model::operation::Task;

pub(super) fn read(reader: &mut Reader<'_>, node: Option<&Node>, task: Option<Task>) -> Notifications {
    let mut notifications = Notifications::default();
    let keys = ["files", "path", "fields"];
    let Some(section) = node.and_then(|node| reader.section(node, "notifications", &keys)) else {
        return notifications;
    };
    if let Some(node) = section.get("files")
        && let Some(files) = reader.texts(node, "notifications.files")
    {
        check_templates(reader, &section, "files", &files);
        refuse_stdin(reader, node, task);
        notifications.files = files;
    }
    let path = |text: &str| text.starts_with('/').then(|| text.to_owned());
    if let Some(node) = section.get("path")
        && let Some(path) = reader.parse(node, "notifications.path", "a path that begins with /", path)
    {
        notifications.path = path;
    }
    notifications.fields = section.get("fields").and_then(|node| read_fields(reader, node));
    notifications
}

/// What changes money reads its log before and after, and standard input can be read once.
fn refuse_stdin(reader: &mut Reader<'_>, node: &Node, task: Option<Task>) {
    let Value::List(items) = &node.value else { return };
    let is_stdin = |item: &&Node| matches!(&item.value, Value::Scalar(text) if text == STDIN);
    if let Some(item) = items.iter().find(is_stdin)
        && matches!(task, Some(Task::Change(_)))
    {
        let message = "notifications.files \"-\" is for audits: a job that changes money reads its log twice";
        reader.fault(item, message, "write the log to a file and name that");
    }
}

fn read_fields(reader: &mut Reader<'_>, node: &Node) -> Option<LogFields> {
    let what = "notifications.fields";
    let section = reader.section(node, what, &["received_at", "path", "headers", "body"])?;
    let mut fields = LogFields::default();
    let mut set = |key: &str, field: &mut String| {
        let read = section.get(key).and_then(|node| read_key(reader, node, &format!("{what}.{key}")));
        *field = read.unwrap_or_else(|| std::mem::take(field));
    };
    set("received_at", &mut fields.received_at);
    set("path", &mut fields.path);
    set("body", &mut fields.body);
    if let Some(node) = section.get("headers") {
        fields.headers = read_headers(reader, node)?;
    }
    Some(fields)
}

fn read_headers(reader: &mut Reader<'_>, node: &Node) -> Option<LogHeaders> {
    let what = "notifications.fields.headers";
    let Value::Map(_) = node.value else { return read_key(reader, node, what).map(LogHeaders::Map) };
    let section = reader.section(node, what, &["Client-Id", "Request-Id", "Request-Timestamp", "Signature"])?;
    let client_id = section.get("Client-Id").map(|node| read_key(reader, node, &format!("{what}.Client-Id")));
    let mut required = |name: &str| {
        let node = reader.required(&section, what, name, "say which key of a line holds this header")?;
        read_key(reader, node, &format!("{what}.{name}"))
    };
    let (request_id, request_timestamp) = (required("Request-Id"), required("Request-Timestamp"));
    let signature = required("Signature");
    Some(LogHeaders::Each {
        client_id: client_id.flatten(),
        request_id: request_id?,
        request_timestamp: request_timestamp?,
        signature: signature?,
    })
}

/// A key, or a path of keys.
fn read_key(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<String> {
    let path = |text: &str| text.split('.').all(|key| !key.is_empty()).then(|| text.to_owned());
    reader.parse(node, what, "a key of a log line, or a path such as request.headers", path)
}
