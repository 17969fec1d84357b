//! The body of an ordinary notification, read without a copy of anything in it; sure or silent, as [`crate::doku::scan`].

use super::Said;
use crate::doku::scan::{Scan, once};
use crate::model::ids::InvoiceNumber;
use crate::model::money::Rupiah;
use crate::model::status::PaymentStatus;

/// What a body says, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Texts<'a> {
    pub(crate) invoice: &'a str,
    pub(crate) amount: &'a str,
    pub(crate) status: &'a str,
    pub(crate) date: Option<&'a str>,
    pub(crate) original_request_id: Option<&'a str>,
    pub(crate) payment_reference: Option<&'a str>,
    pub(crate) order_id: Option<&'a str>,
    pub(crate) akulaku_reference: Option<&'a str>,
}

/// What the body says, or `None` where it is for serde to say.
pub(super) fn read(scan: Scan<'_>) -> Option<Said<'_>> {
    texts(scan)?.said()
}

/// The same in its own words.
pub(crate) fn texts(mut scan: Scan<'_>) -> Option<Texts<'_>> {
    let (mut order, mut transaction, mut payment, mut peer) = (None, None, None, None);
    scan.object(|scan, key| match key {
        "order" => once(&mut order, read_order(scan)),
        "transaction" => once(&mut transaction, Part::read(scan)),
        "payment" => once(&mut payment, Part::read(scan)),
        "peer_to_peer_info" => once(&mut peer, Part::read(scan)),
        _ => scan.skip(),
    })?;
    scan.end()?;
    let (invoice, amount) = order?;
    let (transaction, peer): (Part<'_>, Part<'_>) = (transaction?, peer.unwrap_or_default());
    let payment: Part<'_> = payment.unwrap_or_default();
    Some(Texts {
        invoice,
        amount,
        status: transaction.status?,
        date: transaction.date,
        original_request_id: transaction.original_request_id,
        payment_reference: payment.reference,
        order_id: payment.order_id.or(peer.order_id),
        akulaku_reference: payment.akulaku_reference.or(peer.akulaku_reference),
    })
}

impl<'a> Texts<'a> {
    /// What the words mean, or `None` where it is for serde to say.
    pub(crate) fn said(&self) -> Option<Said<'a>> {
        InvoiceNumber::check(self.invoice).ok()?;
        Some(Said {
            invoice: self.invoice.into(),
            amount: Rupiah::parse_wire(self.amount)?,
            status: PaymentStatus::from_word(self.status)?,
            date: self.date.unwrap_or_default().into(),
            original_request_id: self.original_request_id.map(Into::into),
            payment_reference: self.payment_reference.map(Into::into),
            order_id: self.order_id.map(Into::into),
            akulaku_reference: self.akulaku_reference.map(Into::into),
        })
    }
}

fn read_order<'a>(scan: &mut Scan<'a>) -> Option<(&'a str, &'a str)> {
    let (mut invoice, mut amount) = (None, None);
    scan.object(|scan, key| match key {
        "invoice_number" => once(&mut invoice, scan.string()),
        "amount" => once(&mut amount, read_amount(scan)),
        _ => scan.skip(),
    })?;
    invoice.zip(amount)
}

fn read_amount<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    if scan.peek()? == b'"' { scan.string() } else { scan.digits() }
}

/// A part with a status, of which all known fields are texts.
#[derive(Default)]
struct Part<'a> {
    status: Option<&'a str>,
    date: Option<&'a str>,
    url: Option<&'a str>,
    original_request_id: Option<&'a str>,
    reference: Option<&'a str>,
    identified: Option<()>,
    order_id: Option<&'a str>,
    akulaku_reference: Option<&'a str>,
}

impl<'a> Part<'a> {
    fn read(scan: &mut Scan<'a>) -> Option<Self> {
        let mut part = Self::default();
        scan.object(|scan, key| match key {
            "status" => once(&mut part.status, scan.string()),
            "date" => once(&mut part.date, scan.string()),
            "url" => once(&mut part.url, scan.string()),
            "original_request_id" => once(&mut part.original_request_id, scan.string()),
            "merchant_unique_reference" => once(&mut part.reference, scan.string()),
            "identifier" | "identifer" => {
                once(&mut part.identified, Some(()))?;
                scan.list(|scan| part.read_identifier(scan))
            }
            _ => scan.skip(),
        })?;
        Some(part)
    }

    /// `{"name":..,"value":..}`; the first of a name counts.
    fn read_identifier(&mut self, scan: &mut Scan<'a>) -> Option<()> {
        let (mut name, mut value) = (None, None);
        scan.object(|scan, key| match key {
            "name" => once(&mut name, scan.string()),
            "value" => once(&mut value, scan.string()),
            _ => None,
        })?;
        let (name, value) = name.zip(value)?;
        match name {
            "ORDER_ID" => self.order_id = self.order_id.or(Some(value)),
            "AKULAKU_UNIQUE_REFERENCE" => self.akulaku_reference = self.akulaku_reference.or(Some(value)),
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doku::notification::careful;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// Bodies as DOKU sends them, and in the other forms that its guide shows.
    const BODIES: [&str; 4] = [
        r#"{"service":{"id":"PEER_TO_PEER"},"acquirer":{"id":"AKULAKU"},"order":{"invoice_number":"INV-1","amount":90000},"transaction":{"status":"SUCCESS","date":"2021-07-07T08:48:42Z","original_request_id":"baec7d95"},"peer_to_peer_info":{"created_date":"20200313095850","status":"SUCCESS","merchant_unique_reference":"60123","identifier":[{"name":"AKULAKU_UNIQUE_REFERENCE","value":"B-1"},{"name":"ORDER_ID","value":"1000035148"}]},"payment":{"merchant_unique_reference":"MUR-1"}}"#,
        r#"{ "order": {"amount": "90000", "invoice_number": "INV/2"}, "payment": {"identifer": [{"value":"7","name":"ORDER_ID"}], "url": "x"}, "transaction": {"status": "FAILED"}, "more": ["é", true, null, {"a": [0, 12]}] }"#,
        r#"{"order":{"invoice_number":"INV-3","amount":90000.00},"transaction":{"status":"EXPIRED","date":null},"payment":{"identifier":{"ORDER_ID":"8"}}}"#,
        r#"{"order":{"invoice_number":"INV\/4","amount":1},"transaction":{"status":"CANCELED","date":"\u0032"},"payment":null,"payment":{}}"#,
    ];

    const PIECES: [&str; 40] = [
        "\"",
        "\\",
        "\\\"",
        "\\/",
        "\\u0041",
        "\\ud800",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\n",
        "\u{1}",
        "\u{7f}",
        "é",
        "0",
        "00",
        "1e5",
        "-1",
        "1.0",
        ".00",
        "1e999",
        "123456789012345678901",
        "null",
        "true",
        "\"x\"",
        "[]",
        "{}",
        "..",
        "=",
        "identifier",
        "identifer",
        "\"status\":\"SUCCESS\",",
        "\"amount\":1,",
        "\"name\":\"ORDER_ID\",",
        "\"url\":5,",
        "\"payment\":{},",
        "\"order\":null,",
    ];

    /// A body with up to three things done to it: a piece put in, a part taken out, or a part of it repeated elsewhere.
    fn mutated() -> impl Strategy<Value = String> {
        let change = (0..3_u8, any::<prop::sample::Index>(), 0..40_usize, select(&PIECES[..]));
        (select(&BODIES[..]), prop::collection::vec(change, 0..4)).prop_map(|(body, changes)| {
            let mut body = body.to_owned();
            for (kind, at, length, piece) in changes {
                let near = |at: usize| (at..=body.len()).find(|at| body.is_char_boundary(*at)).unwrap_or(body.len());
                let start = near(at.index(body.len() + 1));
                let end = near((start + length).min(body.len()));
                match kind {
                    0 => body.insert_str(start, piece),
                    1 => drop(body.drain(start..end)),
                    _ => {
                        let part = body[start..end].to_owned();
                        body.insert_str(end, &part);
                    }
                }
            }
            body
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn the_short_way_reads_what_serde_reads_or_says_nothing(body in mutated()) {
            let said = read(Scan::new(&body));
            prop_assert!(said.is_none() || said == careful(&body), "{}", body);
        }
    }

    #[test]
    fn ordinary_bodies_take_the_short_way() {
        for body in &BODIES[..2] {
            assert_eq!(read(Scan::new(body)), careful(body), "{body}");
            assert!(read(Scan::new(body)).is_some(), "{body}");
        }
    }

    #[test]
    fn numbers_that_json_has_not_or_that_are_no_rupiah_are_not_read() {
        for number in ["00", "090000", "90000.", "90000.5", "9e4", "-1", "+1", "90000x", "1234567890123", "\"9 0\"", ""]
        {
            let body = BODIES[0].replace("90000", number);
            assert_eq!(read(Scan::new(&body)), None, "{number}");
            assert_eq!(careful(&body), None, "{number}");
        }
        let long = BODIES[0].replace(r#""id":"AKULAKU""#, r#""id":1234567890123456"#);
        assert_eq!((read(Scan::new(&long)), careful(&long).is_some()), (None, true));
    }

    #[test]
    fn what_is_not_json_to_its_end_is_not_read() {
        for (at, _) in BODIES[0].char_indices() {
            assert_eq!(read(Scan::new(&BODIES[0][..at])), None);
        }
        for more in ["x", "}", "{}", ",", "\u{0}", "\""] {
            assert_eq!(read(Scan::new(&format!("{}{more}", BODIES[0]))), None, "{more}");
        }
    }
}
