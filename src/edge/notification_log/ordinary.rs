//! An ordinary line of a notification log in our own form, read without a copy of anything but the body; sure or silent, as [`crate::doku::scan`].

use super::judge::{Body, Headers, Parts};
use crate::doku::notification::{self, Said};
use crate::doku::scan::{Scan, Unescaped, once};

/// The parts of a line, or `None` where it is for serde to say. The body's text goes into `buffer`.
pub(super) fn parts<'a, 'b>(mut scan: Scan<'a>, buffer: &'b mut Unescaped) -> Option<Parts<'a, 'b>> {
    let (mut received_at, mut path, mut headers, mut body) = (None, None, None, None);
    scan.object(|scan, key| match key {
        "received_at" => once(&mut received_at, scan.string()),
        "path" => once(&mut path, scan.string()),
        "headers" => once(&mut headers, read_headers(scan)),
        "body" => once(&mut body, buffer.read(scan)),
        _ => scan.skip(),
    })?;
    scan.end()?;
    body?;
    Some(Parts {
        received_at: received_at.unwrap_or_default().into(),
        path: path.unwrap_or_default().into(),
        headers,
        body: Body::Text {
            text: buffer.text().as_bytes().into(),
            said: notification::read(buffer.text()).map(Said::into_owned),
        },
    })
}

fn read_headers<'a>(scan: &mut Scan<'a>) -> Option<Headers<'a>> {
    let (mut client_id, mut request_id, mut timestamp, mut signature) = (None, None, None, None);
    scan.object(|scan, key| {
        let header = match key.len() {
            9 if key.eq_ignore_ascii_case("Client-Id") => &mut client_id,
            9 if key.eq_ignore_ascii_case("Signature") => &mut signature,
            10 if key.eq_ignore_ascii_case("Request-Id") => &mut request_id,
            17 if key.eq_ignore_ascii_case("Request-Timestamp") => &mut timestamp,
            _ => return scan.skip(),
        };
        once(header, scan.string())
    })?;
    let header = |text: Option<&'a str>| text.unwrap_or_default().into();
    Some(Headers {
        client_id: header(client_id),
        request_id: header(request_id),
        timestamp: header(timestamp),
        signature: header(signature),
    })
}
