//! Lines of every kind: what is heard, what is not, and why; and that the short way leads where the careful one does.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::judge::{Body, Parts};
use super::*;
use crate::doku::sign::{Components, TimestampName};
use crate::job::settings::LogHeaders;
use crate::model::secret::Secret;
use crate::model::time;

const BODY: &str = r#"{"order":{"invoice_number":"INV-1","amount":90000},"transaction":{"status":"SUCCESS","date":"2026-11-21T18:02:00Z"}}"#;

fn signed(target: &str, secret: &str) -> String {
    Signer::new(&Secret::new(secret)).sign(&Components {
        client_id: "MCH-1",
        request_id: "N-1",
        timestamp_name: TimestampName::Request,
        timestamp: "2026-11-21T18:02:11Z",
        target,
        body: Some(BODY.as_bytes()),
    })
}

fn line(client: &str, signature: &str, body: &serde_json::Value) -> String {
    serde_json::json!({
        "received_at": "2026-11-21T18:02:12Z", "path": "/hooks/doku?x=1",
        "headers": {"client-id": client, "Request-Id": "N-1", "Request-Timestamp": "2026-11-21T18:02:11Z", "Signature": signature},
        "body": body,
    })
    .to_string()
}

fn read(text: &str) -> Log {
    let signers = ["SK-new", "SK"].map(|key| Signer::new(&Secret::new(key)));
    let client_id = ClientId::new("MCH-1").unwrap();
    let verifier = Verifier { signers: &signers, client_id: &client_id, path: "/payments/notifications", fields: None };
    read_lines("log.jsonl", text.as_bytes(), &verifier)
}

#[test]
fn only_what_verifies_is_heard_and_everything_else_is_named() {
    let body = serde_json::Value::from(BODY);
    let object: serde_json::Value = serde_json::from_str(BODY).unwrap();
    let good = signed("/payments/notifications", "SK");
    let cases = [
        (line("MCH-1", &signed("/payments/notifications", "SK-other"), &body), UnmatchedReason::InvalidSignature),
        (line("MCH-1", &signed("/elsewhere", "SK"), &body), UnmatchedReason::InvalidSignature),
        (line("MCH-1", &good, &BODY.replace('9', "8").into()), UnmatchedReason::InvalidSignature),
        (line("MCH-1", "HMACSHA256=", &body), UnmatchedReason::InvalidSignature),
        (line("MCH-1", "", &body), UnmatchedReason::Unverifiable),
        (line("MCH-1", &good, &object), UnmatchedReason::Unverifiable),
        (BODY.to_owned(), UnmatchedReason::Unverifiable),
        (serde_json::json!({"body": BODY}).to_string(), UnmatchedReason::Unverifiable),
        (line("MCH-2", &good, &body), UnmatchedReason::OtherClient),
        ("{}".to_owned(), UnmatchedReason::Malformed),
        (r#"["2026-11-21T18:02:12Z", "/", null, ""]"#.to_owned(), UnmatchedReason::Malformed),
        ("not json".to_owned(), UnmatchedReason::Malformed),
    ];
    for (text, reason) in cases {
        let log = read(&format!("{text}\n"));
        assert_eq!(log.heard, [], "{text}");
        assert_eq!(log.unmatched.iter().map(|line| line.reason).collect::<Vec<_>>(), [reason], "{text}");
    }
    for target in ["/payments/notifications", "/hooks/doku", "/hooks/doku?x=1"] {
        assert_eq!(read(&format!("{}\n", line("MCH-1", &signed(target, "SK"), &body))).heard.len(), 1, "{target}");
    }
}

#[test]
fn a_torn_last_line_is_named_with_its_offset() {
    let whole = format!("{}\n", line("MCH-1", &signed("/payments/notifications", "SK"), &BODY.into()));
    let text = format!("{whole}{}", &whole[..whole.len() / 2]);
    let log = read(&text);
    assert_eq!(log.heard.len(), 1);
    assert_eq!(log.unmatched[0].line, 2);
    assert_eq!(log.unmatched[0].reason, UnmatchedReason::Malformed);
    assert_eq!(log.unmatched[0].detail, format!("torn last line at byte {}", whole.len()));
}

#[test]
fn a_complete_last_line_without_a_line_end_is_heard() {
    let text = line("MCH-1", &signed("/payments/notifications", "SK"), &BODY.into());
    assert_eq!(read(&text).heard.len(), 1);
}

#[test]
fn a_line_of_any_of_the_keys_is_heard_and_of_no_other() {
    let body = Value::from(BODY);
    let lines = ["SK-new", "SK", "SK-older"].map(|key| line("MCH-1", &signed("/payments/notifications", key), &body));
    let log = read(&format!("{}\n", lines.join("\n")));
    assert_eq!(log.heard.iter().map(|line| line.line).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(log.unmatched.iter().map(|line| line.line).collect::<Vec<_>>(), [3]);
}

#[test]
fn a_mark_at_the_beginning_and_carriage_returns_are_left_out() {
    let good = line("MCH-1", &signed("/payments/notifications", "SK"), &BODY.into());
    let log = read(&format!("\u{feff}{good}\r\n\r\n  \n{good}\r\ntorn"));
    assert_eq!(log.heard.iter().map(|line| line.line).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(log.unmatched[0].detail, format!("torn last line at byte {}", 3 + 2 * good.len() + 2 + 2 + 3 + 2));
    assert_eq!(read(&format!("{good}\n\u{feff}{good}\n")).heard.len(), 1);
}

/// Every line with its number, as far as it can be compared.
fn all(text: &[u8], cuts: &[usize]) -> Vec<(u64, String)> {
    let signers = ["SK-new", "SK"].map(|key| Signer::new(&Secret::new(key)));
    let client_id = ClientId::new("MCH-1").unwrap();
    let path = "/payments/notifications";
    let verifier = Verifier { signers: &signers, client_id: &client_id, path, fields: None };
    let (mut found, mut scratch, mut first_line, mut start) = (Vec::new(), Scratch::default(), 1, 0);
    for end in cuts.iter().copied().chain([text.len()]) {
        let bytes = &text[start..end];
        let lines = Lines { bytes, offset: start as u64, first_line };
        read_block(lines, &verifier, &mut scratch, &mut |number, line| found.push((number, format!("{line:?}"))));
        first_line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        start = end;
    }
    found
}

#[test]
fn blocks_of_lines_say_the_same_as_the_whole() {
    let good = line("MCH-1", &signed("/payments/notifications", "SK"), &BODY.into());
    let text = format!("\u{feff}{good}\n\n{{}}\n{BODY}\r\n{good}\n{}", &good[..50]);
    let whole = all(text.as_bytes(), &[]);
    assert_eq!(whole.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    for cuts in [&ends[..], &ends[..1], &ends[2..4]] {
        assert_eq!(all(text.as_bytes(), cuts), whole, "{cuts:?}");
    }
}

#[test]
fn the_same_line_has_the_same_hash_wherever_it_stands() {
    let hashes = |text: &str| -> Vec<u64> {
        let (signers, client_id) = ([Signer::new(&Secret::new("SK"))], ClientId::new("MCH-1").unwrap());
        let verifier = Verifier { signers: &signers, client_id: &client_id, path: "/", fields: None };
        let mut hashes = Vec::new();
        let lines = Lines { bytes: text.as_bytes(), offset: 0, first_line: 1 };
        read_block(lines, &verifier, &mut Scratch::default(), &mut |_, line| {
            hashes.push(match line {
                Line::Heard(heard) => heard.hash,
                Line::Unmatched(unmatched) => unmatched.hash,
            });
        });
        hashes
    };
    let good = line("MCH-1", &signed("/", "SK"), &BODY.into());
    let found = hashes(&format!("{good}\n{{}}\nnot json\n{good}\r\n"));
    assert_eq!(found[0], found[3]);
    assert_ne!(found[0], found[1]);
    assert_ne!(found[1], found[2]);
    assert_eq!(hashes(&good), found[..1]);
}

/// The parts as texts: received at, path, headers, body and whether it was a text.
type Texts = (String, String, Option<[String; 4]>, String, bool);

fn texts(parts: Parts<'_, '_>) -> Texts {
    let headers = parts.headers.map(|headers| {
        [headers.client_id, headers.request_id, headers.timestamp, headers.signature].map(Cow::into_owned)
    });
    let (body, is_text) = match parts.body {
        Body::Text { text, .. } => (String::from_utf8(text.into_owned()).unwrap(), true),
        Body::Json(body) => (body, false),
    };
    (parts.received_at.into_owned(), parts.path.into_owned(), headers, body, is_text)
}

const LINES: [&str; 4] = [
    r#"{"received_at":"2026-11-21T18:02:11Z","path":"/payments/notifications","headers":{"Client-Id":"MCH-1","Request-Id":"N-1","Request-Timestamp":"2026-11-21T18:02:11Z","Signature":"HMACSHA256=x"},"body":"{\"order\":{\"invoice_number\":\"INV-1\",\"amount\":90000},\"transaction\":{\"status\":\"SUCCESS\"}}"}"#,
    r#"{"body":"{\n\t\"a\":\"b\\\"c\\/d\" }", "headers": {"signature": "s", "User-Agent": "DOKU", "REQUEST-ID": "N-2", "x": 1}, "path": "/é", "more": [1, {"a": null}]}"#,
    r#"{"headers":{"request-id":"a","Request-ID":"b","client-id":7},"path":null,"body":{"order":{}}}"#,
    r#"{"received_at":"\u0032","headers":null,"body":"","body":"x"}"#,
];

const PIECES: [&str; 24] = [
    "\"",
    "\\",
    "\\\"",
    "\\\\",
    "\\/",
    "\\n",
    "\\u0041",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\t",
    "\u{1}",
    "é",
    "1e999",
    "null",
    "\"path\":\"/\",",
    "\"body\":\"\",",
    "\"Signature\":\"\",",
    "\"headers\":{},",
];

/// A line with up to three things done to it.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (0..4_u8, any::<prop::sample::Index>(), 0..60_usize, select(&PIECES[..]));
    (select(&LINES[..]), prop::collection::vec(change, 0..4)).prop_map(|(line, changes)| {
        let mut line = line.as_bytes().to_vec();
        for (kind, at, length, piece) in changes {
            let start = at.index(line.len() + 1);
            let end = (start + length).min(line.len());
            match kind {
                0 => drop(line.splice(start..start, piece.bytes())),
                1 => drop(line.drain(start..end)),
                2 if start < line.len() => line[start] ^= 1 << (length % 8),
                _ => {
                    let part = line[start..end].to_vec();
                    drop(line.splice(end..end, part));
                }
            }
        }
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn the_short_way_finds_the_parts_that_serde_finds_or_says_nothing(line in mutated()) {
        let text = std::str::from_utf8(&line).unwrap_or_default();
        if let Some(parts) = ordinary::parts(Scan::new(text), &mut Unescaped::default()) {
            let careful = careful::parts(&line).map(texts).ok();
            prop_assert_eq!(Some(texts(parts)), careful, "{}", String::from_utf8_lossy(&line));
        }
    }
}

#[test]
fn ordinary_lines_take_the_short_way() {
    let mut buffer = Unescaped::default();
    for line in &LINES[..2] {
        let parts = ordinary::parts(Scan::new(line), &mut buffer).map(texts);
        assert_eq!(parts, careful::parts(line.as_bytes()).map(texts).ok(), "{line}");
        assert!(parts.is_some(), "{line}");
    }
    for line in &LINES[2..] {
        assert!(ordinary::parts(Scan::new(line), &mut buffer).is_none(), "{line}");
    }
}

/// Lines that make a mould: every field, fields that nobody asks for, and another order of the same.
const FORMS: [&str; 3] = [
    r#"{"received_at":"2026-11-21T18:02:11Z","path":"/payments/notifications","headers":{"Client-Id":"MCH-1","Request-Id":"N-1","Request-Timestamp":"2026-11-21T18:02:11Z","Signature":"HMACSHA256=x","Content-Length":317,"x-trace":"7f"},"body":"{\"service\":{\"id\":\"P2P\"},\"order\":{\"invoice_number\":\"INV-1\",\"amount\":90000},\"transaction\":{\"status\":\"SUCCESS\",\"date\":\"2026-11-21T18:02:00Z\",\"original_request_id\":\"INV-1\"},\"payment\":{\"merchant_unique_reference\":\"INV-1\",\"identifier\":[{\"name\":\"ORDER_ID\",\"value\":\"1\"},{\"name\":\"AKULAKU_UNIQUE_REFERENCE\",\"value\":\"B-1\"}]}}"}"#,
    r#"{"body":"{\"transaction\": {\"status\":\"FAILED\"},\"order\":{\"amount\":\"5\",\"invoice_number\":\"A\"},\"rate\":[1,{\"a\":true}]}","path":"","received_at":"","n":12}"#,
    r#"{"headers":{"Signature":"","Request-Id":"","Client-Id":"é"},"body":"{\"order\":{\"invoice_number\":\"A\",\"amount\":1},\"transaction\":{\"status\":\"PENDING\"},\"peer_to_peer_info\":{\"identifer\":[{\"value\":\"9\",\"name\":\"ORDER_ID\"}]}}"}"#,
];

/// The moulds of these lines.
fn moulds(lines: &[&str]) -> Moulds {
    let mut moulds = Moulds::default();
    for line in lines {
        let mut buffer = Unescaped::default();
        let parts = ordinary::parts(Scan::new(line), &mut buffer).expect("an ordinary line");
        moulds.learn(line, &parts);
    }
    moulds
}

/// A line like one of [`FORMS`], with other values and perhaps with something else done to it.
fn alike() -> impl Strategy<Value = String> {
    const VALUES: [&str; 10] =
        ["INV-1", "90000", "SUCCESS", "317", "ORDER_ID", "2026-11-21T18:02:11Z", "HMACSHA256=x", "name", "é", "5"];
    const OTHERS: [&str; 19] = [
        "",
        " 7",
        "\t7",
        "\n7",
        "7 ",
        "INV-22",
        "1",
        "007",
        "12345678901234567",
        "FAILED",
        "ORDER_ID",
        "é",
        "a b",
        "\\",
        "\\u0041",
        "\"",
        "5.0",
        "-1",
        "\t",
    ];
    let change = (select(&VALUES[..]), 0..3_usize, select(&OTHERS[..]));
    (select(&FORMS[..]), prop::collection::vec(change, 0..4)).prop_map(|(line, changes)| {
        changes.into_iter().fold(line.to_owned(), |line, (value, which, other)| {
            let found = line.match_indices(value).map(|(at, _)| at).nth(which);
            found.map_or(line.clone(), |at| [&line[..at], other, &line[at + value.len()..]].concat())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8000))]
    #[test]
    fn a_line_that_fits_a_mould_says_what_serde_reads(line in prop_oneof![
        alike(),
        mutated().prop_map(|line| String::from_utf8_lossy(&line).into_owned()),
    ]) {
        let mut body = Cast::default();
        if let Some(parts) = moulds(&[&FORMS[..], &LINES[..1]].concat()).read(&line, &mut body) {
            prop_assert_eq!(Some(parts), careful::parts(line.as_bytes()).ok(), "{}", line);
        }
    }
}

#[test]
fn lines_that_differ_in_values_alone_fit_and_others_do_not() {
    for form in FORMS {
        let mut moulds = moulds(&[form]);
        let mut fits = |line: &str| {
            let mut body = Cast::default();
            let read = moulds.read(line, &mut body);
            assert!(read.is_none() || read == careful::parts(line.as_bytes()).ok(), "{line}");
            read.is_some()
        };
        assert!(fits(form), "{form}");
        for (value, other) in
            [("INV-1", "B/22"), ("90000", "5"), ("\"5", "\"77"), ("FAILED", "SUCCESS"), ("317", "0"), ("7f", "")]
        {
            assert!(fits(&form.replace(value, other)), "{other} in {form}");
        }
        for (value, other) in [
            ("order", "ordre"),
            ("status", "Status"),
            ("ORDER_ID", "OTHER"),
            ("{", "{ "),
            ("\"}", "\"},"),
            ("SUCC", "succ"),
        ] {
            assert!(!form.contains(value) || !fits(&form.replacen(value, other, 1)), "{other} in {form}");
        }
    }
    assert!(moulds(&FORMS).read(LINES[0], &mut Cast::default()).is_none());
}

#[test]
fn a_space_that_the_mould_has_not_is_part_of_what_was_signed() {
    let amount = |text: &str| FORMS[0].replace("90000", text);
    for text in [" 90001", "\t90001", "\n90001", "90001 ", "\r90001", "+90001", "-90001", "090001"] {
        assert!(moulds(&FORMS).read(&amount(text), &mut Cast::default()).is_none(), "{text:?}");
    }
    assert!(moulds(&FORMS).read(&amount("90001"), &mut Cast::default()).is_some());
}

#[test]
fn more_forms_than_there_are_moulds_are_read_all_the_same() {
    let lines: Vec<String> = (0..40)
        .map(|number| FORMS[0].replace("x-trace", &format!("x-{number}")))
        .flat_map(|line| [line.clone(), line])
        .collect();
    let mut scratch = Scratch::default();
    for line in &lines {
        let mut buffer = Unescaped::default();
        let parts = ordinary::parts(Scan::new(line), &mut buffer).expect("an ordinary line");
        assert!(scratch.moulds.read(line, &mut scratch.casts[0]).is_none_or(|fitted| fitted == parts), "{line}");
        scratch.moulds.learn(line, &parts);
    }
}

/// Reads one line of somebody else's log.
fn read_mapped(fields: &LogFields, line: &Value) -> Log {
    let (signers, client_id) = ([Signer::new(&Secret::new("SK"))], ClientId::new("MCH-1").unwrap());
    let path = "/payments/notifications";
    let verifier = Verifier { signers: &signers, client_id: &client_id, path, fields: Some(fields) };
    read_lines("access.log", format!("{line}\n").as_bytes(), &verifier)
}

#[test]
fn the_lines_of_a_web_server_are_heard_where_the_job_says_what_is_what() {
    let signature = signed("/hooks/doku", "SK");
    let nested = LogFields {
        received_at: "time".into(),
        path: "request.uri".into(),
        headers: LogHeaders::Map("request.headers".into()),
        body: "request.body".into(),
    };
    let flat = LogFields {
        received_at: "msec".into(),
        path: "request_uri".into(),
        headers: LogHeaders::Each {
            client_id: None,
            request_id: "http.request_id".into(),
            request_timestamp: "http_request_timestamp".into(),
            signature: "http_signature".into(),
        },
        body: "request_body".into(),
    };
    let headers =
        json!({"Request-Id": ["N-1"], "request-timestamp": "2026-11-21T18:02:11Z", "SIGNATURE": signature.as_str()});
    let cases = [
        (
            &nested,
            json!({"time": "21/Nov/2026:18:02:12 +0700", "request": {"uri": "/hooks/doku?x=1", "headers": headers, "body": BODY}}),
        ),
        (
            &flat,
            json!({"msec": 1_795_258_932, "request_uri": "/hooks/doku", "http": {"request_id": "N-1"},
            "http_request_timestamp": "2026-11-21T18:02:11Z", "http_signature": signature.as_str(), "request_body": BODY}),
        ),
        (
            &flat,
            json!({"msec": "1795258932.000", "request_uri": "/hooks/doku", "http.request_id": "N-1",
            "http_request_timestamp": "2026-11-21T18:02:11Z", "http_signature": signature.as_str(), "request_body": BODY}),
        ),
    ];
    for (fields, line) in cases {
        let log = read_mapped(fields, &line);
        assert_eq!(log.unmatched, [], "{line}");
        assert_eq!(log.heard[0].received_at, time::parse_instant("2026-11-21T11:02:12Z"), "{line}");
        assert_eq!(log.heard[0].notification.invoice.as_str(), "INV-1");
        for key in ["request", "http_signature"] {
            let mut without = line.clone();
            if without.as_object_mut().unwrap().remove(key).is_some() {
                assert_eq!(read_mapped(fields, &without).heard, [], "{without}");
            }
        }
    }
    let object: Value = serde_json::from_str(BODY).unwrap();
    let unverifiable = [
        json!({"request": {"headers": headers, "body": object}}),
        json!({"request": {"headers": null, "body": BODY}}),
        json!({"request": {"headers": {"Request-Id": ["N-1", "N-2"]}, "body": BODY}}),
        object,
    ];
    for line in unverifiable {
        let log = read_mapped(&nested, &line);
        assert_eq!(log.unmatched[0].reason, UnmatchedReason::Unverifiable, "{line}");
        assert_eq!(log.unmatched[0].invoice, "INV-1", "{line}");
    }
    assert_eq!(
        read_mapped(&nested, &json!({"request": {"uri": "/health"}})).unmatched[0].reason,
        UnmatchedReason::Malformed
    );
}
