//! The grammar of single values: what is read can be written and read again, and is the same.

use std::time::Duration;

use rekon::model::ids::{ClientId, Identifier, InvoiceNumber, JobName, MerchantReference, NotAnId, RequestId, RunId};
use rekon::model::money::{AmountStyle, Rupiah};
use rekon::model::status::{BookStatus, PaymentStatus};
use rekon::model::time::{self, BusinessDate, Timestamp, Zone};

use super::now;

/// Reads the text as every kind of value.
pub fn values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    amounts(text);
    ids(text);
    times(text);
    if let Some(status) = PaymentStatus::from_word(text) {
        assert_eq!(PaymentStatus::from_word(status.word()), Some(status));
    }
    if let Some(status) = BookStatus::from_word(text) {
        assert_eq!(status.word(), text);
    }
}

fn amounts(text: &str) {
    let styles = [AmountStyle::Plain, AmountStyle::Id, AmountStyle::Us];
    let read = styles.map(|style| Rupiah::parse_amount(text, style).ok());
    for (style, amount) in styles.into_iter().zip(read) {
        let Some(amount) = amount else { continue };
        assert!((1..=999_999_999_999).contains(&amount.whole()), "{text:?} is {amount}");
        let written = match style {
            AmountStyle::Plain => text.to_owned(),
            AmountStyle::Id => amount.to_string(),
            AmountStyle::Us => amount.to_string().replace('.', ","),
        };
        assert_eq!(Rupiah::parse_amount(&written, style), Ok(amount), "{text:?} as {style:?}, written {written:?}");
        assert_eq!(Rupiah::parse_amount(&amount.whole().to_string(), style), Ok(amount), "{text:?} as {style:?}");
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        assert!(digits.starts_with(&amount.whole().to_string()), "{text:?} as {style:?} is {amount}");
    }
    let known: Vec<Rupiah> = read.into_iter().flatten().collect();
    assert!(known.windows(2).all(|pair| pair[0] == pair[1]), "{text:?} is {known:?}, depending on the style");
    if let Some(amount) = Rupiah::parse_wire(text) {
        assert_eq!(Rupiah::parse_wire(&amount.whole().to_string()), Some(amount), "{text:?}");
        assert!(amount.whole() <= 999_999_999_999, "{text:?}");
    }
}

fn ids(text: &str) {
    fn check<T: std::fmt::Display>(text: &str, most: usize, read: impl Fn(&str) -> Result<T, NotAnId>) {
        match read(text) {
            Ok(id) => {
                assert_eq!(id.to_string(), text);
                assert!((1..=most).contains(&text.len()), "{text:?} is too long");
                let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"'`\\<>".contains(&byte);
                assert!(text.bytes().all(allowed), "{text:?} was taken");
            }
            Err(why) => assert!(!why.to_string().is_empty()),
        }
    }
    check(text, 64, InvoiceNumber::new);
    check(text, 64, MerchantReference::new);
    check(text, 128, Identifier::new);
    check(text, 128, RequestId::new);
    check(text, 64, ClientId::new);
    check(text, 64, RunId::new);
    if InvoiceNumber::new(text).is_ok() {
        assert!(!text.starts_with(['=', '+', '-', '@']) && !text.contains(".."), "{text:?} was taken");
    }
    if let Some(name) = JobName::new(text) {
        assert_eq!(name.as_str(), text);
    }
}

fn times(text: &str) {
    if let Some(time) = time::parse_instant(text) {
        check_time(time, text);
    }
    if let Some(zone) = Zone::parse(text) {
        assert_eq!(Zone::parse(&zone.to_string()), Some(zone), "{text:?} is shown as {zone}");
    }
    for zone in [Zone::WIB, Zone::UTC].into_iter().chain(Zone::parse("-11:00")) {
        if let Some(time) = time::parse_local(text, zone) {
            check_time(time, text);
        }
    }
    if let Some(span) = time::parse_span(text) {
        assert_eq!(time::parse_span(&time::span_text(span)), Some(span), "{text:?}");
        assert!(time::after(now(), span) >= now());
    }
    let date = BusinessDate::parse(text);
    if let Some(date) = date {
        assert_eq!(BusinessDate::parse(&date.to_string()), Some(date), "{text:?}");
    }
    for date in date.into_iter().chain([BusinessDate::of(now())]) {
        if let Ok(filled) = date.fill(text) {
            assert_eq!(date.fill(&filled.replace(['{', '}'], "")).ok(), Some(filled.replace(['{', '}'], "")));
        }
    }
}

/// A time can be shown, stored, read back and compared.
fn check_time(time: Timestamp, text: &str) {
    let _ = time::for_people(time);
    let _ = BusinessDate::of(time).to_string();
    let stored = time::stored(time);
    let back = time::parse_instant(&stored).unwrap_or_else(|| panic!("{text:?} is stored as {stored}"));
    assert_eq!(time::stored(back), stored, "{text:?}");
    assert!(time::parse_instant(&time::wire(time)).is_some(), "{text:?}");
    let _ = (time::elapsed(time, now()), time::elapsed(now(), time), time::after(time, Duration::from_secs(86_400)));
}
