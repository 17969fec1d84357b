//! The page at an order's `payment.url`, where a person pays or rejects the order. Plain HTML: it needs no script, and can be
//! pressed in any browser.

use super::sold::Sold;
use crate::model::status::PaymentStatus;
use crate::model::time::for_people;

/// Where the page is, as in the guide's sample of `payment.url`.
pub(super) const PATH: &str = "/v2/openPay.html";

/// What somebody wants with the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visit {
    /// To see it.
    Look,
    /// To press a button.
    Press(Option<Button>),
}

/// The buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Button {
    Pay,
    Reject,
}

impl Button {
    /// The button in the body of a form.
    pub(super) fn read(form: &[u8]) -> Option<Self> {
        match form {
            b"decision=pay" => Some(Self::Pay),
            b"decision=reject" => Some(Self::Reject),
            _ => None,
        }
    }

    /// What becomes of the payment.
    pub(super) const fn status(self) -> PaymentStatus {
        match self {
            Self::Pay => PaymentStatus::Success,
            Self::Reject => PaymentStatus::Failed,
        }
    }
}

/// What a browser gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A page.
    Page(u16, String),
    /// The page as it is now, so that going back or loading again presses nothing.
    Again,
}

/// The page of an order.
pub(super) fn of(order: &Sold) -> Shown {
    let state = match order.status {
        PaymentStatus::Pending => BUTTONS.to_owned(),
        PaymentStatus::Success => said("good", "Paid", "The money is on its way to the merchant."),
        PaymentStatus::Failed => said("bad", "Rejected", "The payment has failed, and no money has moved."),
        PaymentStatus::Cancelled => said("bad", "Cancelled", "The merchant has cancelled the order."),
        PaymentStatus::Expired => said("bad", "Expired", "The time to pay is over."),
        PaymentStatus::Refunded => said("good", "Refunded", "The money has been given back."),
    };
    let since = for_people(order.since);
    let rows = [
        ("Invoice", order.invoice_number.as_str()),
        ("Reference", order.payment_reference.as_str()),
        ("Order", order.order_id.as_str()),
        ("Since", since.as_str()),
    ];
    let rows = rows.map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(value))).concat();
    let amount = escaped(&order.amount.to_string());
    Shown::Page(200, page(&format!("<p class=\"amount\">{amount}</p>\n<dl>\n{rows}</dl>\n{state}")))
}

/// The page for a URL that belongs to no order.
pub(super) fn nobody() -> Shown {
    Shown::Page(404, page(&said("bad", "No such order", "This link belongs to no order of the simulator.")))
}

/// The page after something else than a button.
pub(super) fn not_understood() -> Shown {
    Shown::Page(400, page(&said("bad", "Not understood", "Go back, and press one of the buttons.")))
}

/// The page when the ledger cannot be written.
pub(super) fn not_done(why: &str) -> Shown {
    Shown::Page(500, page(&said("bad", "Not done", why)))
}

const BUTTONS: &str = "<form method=\"post\">\n\
    <button name=\"decision\" value=\"pay\">Pay</button>\n\
    <button name=\"decision\" value=\"reject\" class=\"other\">Reject</button>\n</form>\n";

fn said(tone: &str, title: &str, text: &str) -> String {
    format!("<p class=\"state {tone}\">{}</p>\n<p>{}</p>\n", escaped(title), escaped(text))
}

fn page(content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Akulaku PayLater, simulated</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Akulaku PayLater <small>simulated by rekon; no money moves</small></h1>\n{content}</main>\n</body>\n</html>\n"
    )
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;font:17px/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}\
main{max-width:26rem;margin:0 auto;padding:1.5rem}\
h1{font-size:1.2rem}\
h1 small{display:block;font-weight:normal;opacity:.7}\
.amount{font-size:2.2rem;font-weight:600;margin:1rem 0}\
dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1rem}\
dt{opacity:.7}\
dd{margin:0;overflow-wrap:anywhere}\
button{display:block;width:100%;min-height:3rem;margin:.8rem 0;font:inherit;font-weight:600;border:2px solid #0a6;border-radius:.6rem;background:#0a6;color:#fff}\
button.other{background:transparent;color:inherit;border-color:currentColor}\
.state{font-size:1.5rem;font-weight:600}\
.good{color:#0a6}\
.bad{color:#d33}";

/// Text in HTML, between tags or in quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_text_holds_it_is_no_markup() {
        assert_eq!(escaped("<b>&\"'</b>"), "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;");
    }

    #[test]
    fn only_the_two_buttons_are_buttons() {
        for form in [&b""[..], b"decision=", b"decision=payer", b"a=b&decision=pay", b"decision=PAY"] {
            assert_eq!(Button::read(form), None, "{form:?}");
        }
        assert_eq!(Button::read(b"decision=reject").map(Button::status), Some(PaymentStatus::Failed));
    }
}
