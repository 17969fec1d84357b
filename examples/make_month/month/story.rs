//! What happened to one order: its row in the export, its rows in the results of earlier runs, and its lines in the log.

use chrono::TimeDelta;
use rekon::model::operation::Operation;
use rekon::model::time::wire;

use super::Month;
use super::cases::{Calendar, Case, Done, Stray, Told};
use super::dice::Dice;
use super::lines::{Keys, Notification, Signed, as_text};
use super::planted::Planted;
use super::rows::{self, Row};
use super::shop::Sale;

/// DOKU repeats what was not answered with 2xx after so many minutes (`doku-api.md` 3.3).
const REPETITIONS: [i64; 3] = [30, 360, 720];

/// What a block of orders adds to the files.
pub(super) struct Part {
    pub(super) orders: String,
    /// In the order of [`super::cases::Run`].
    pub(super) results: [String; 4],
    /// Lines of the log with the second in which they were received.
    pub(super) lines: Vec<(i64, String)>,
    pub(super) planted: Planted,
    /// No later block has a line that was received before this second.
    pub(super) until: i64,
    keys: Keys,
}

impl Part {
    pub(super) fn new(keys: Keys, until: i64) -> Self {
        let (orders, results) = (String::new(), Default::default());
        Self { orders, results, lines: Vec::new(), planted: Planted::default(), until, keys }
    }

    fn hear(&mut self, notification: &Notification) {
        self.hear_signed(notification, Signed::ByDoku);
    }

    fn hear_signed(&mut self, notification: &Notification, signed: Signed) {
        let line = notification.line(&self.keys, signed);
        self.add(notification, line);
    }

    fn add(&mut self, notification: &Notification, line: String) {
        self.lines.push((notification.received.timestamp(), line));
    }
}

/// Tells everything about one order, and about the stray line that arrives beside it.
pub(super) fn tell(month: &Month, calendar: &Calendar, index: u64, part: &mut Part) {
    let case = calendar.case(index);
    let mut dice =
        Dice::new(month.seed.wrapping_mul(0x00D1_B54A_32D1_92ED) ^ index.wrapping_mul(0x2545_F491_4F6C_DD1D));
    let number = index + 1;
    let invoice = format!("INV/202611/{number:07}");
    let shared = matches!(case.told, Told::BySharedReference);
    let reference = if shared { "PAY-2611-SHARED".to_owned() } else { format!("PAY-2611-{number:07}") };
    let sale = Sale::draw(&mut dice, invoice, reference, 1_000_000_000 + number * 11, calendar.ordered(index));
    let row = Row::new(index, &sale, &mut dice);
    for times in 0..=usize::from(case.twice && month.repeats) {
        row.write(case.book, &mut part.orders);
        part.orders.push('\n');
        if times > 0 {
            part.planted.repeat(sale.amount);
        }
    }
    for done in case.done {
        rows::result(&row, &sale, *done, &mut part.results[done.0 as usize]);
        part.planted.results += 1;
    }
    part.planted.order(sale.amount, state(case.done), case.verdict, case.believed);
    notify(case, &sale, part);
    if let Some(stray) = calendar.stray(index) {
        stray_line(stray, number, &sale, part);
    }
}

/// The state of an order's row: that of the last run that came to something.
fn state(done: &[Done]) -> &'static str {
    let came_to_something = |done: &&Done| !matches!(done.1, "held" | "not_attempted");
    done.iter().rfind(came_to_something).or(done.first()).map_or("skipped", |done| done.1)
}

fn notify(case: &Case, sale: &Sale, part: &mut Part) {
    let origin = rows::request_id(sale, Operation::Create);
    let about = |amount: u64, status: &str, minutes: i64| {
        Notification::about(sale, amount, status, sale.decided + TimeDelta::minutes(minutes), &origin)
    };
    let said = |status: &str, minutes: i64| about(sale.amount, status, minutes);
    let other_amount = |more: i64| sale.amount.checked_add_signed(more).expect("a small difference");
    let paid = || said("SUCCESS", 0);
    match case.told {
        Told::Nothing => {}
        Told::Once(status) => part.hear(&said(status, 0)),
        Told::WithQuery => part.hear_signed(&paid(), Signed::WithQuery),
        Told::OtherAmount(more) => part.hear(&about(other_amount(more), "SUCCESS", 0)),
        Told::TwoAmounts(more) => {
            part.hear(&paid());
            part.hear(&about(other_amount(more), "SUCCESS", 3));
        }
        Told::LateFailure => {
            part.hear(&paid());
            part.hear(&said("FAILED", 11));
        }
        Told::SecondTry => {
            part.hear(&said("FAILED", 0));
            part.hear(&said("SUCCESS", 4));
        }
        Told::Overtaken => {
            part.hear(&said("FAILED", 0).again(25));
            part.hear(&said("SUCCESS", 4));
        }
        Told::Repeated(copies) => {
            part.hear(&paid());
            for minutes in &REPETITIONS[..copies] {
                part.hear(&paid().again(*minutes));
                part.planted.copy("duplicate", sale.amount);
            }
        }
        Told::Resent => {
            part.hear(&paid());
            part.hear(&paid().resent(200));
            part.planted.copy("duplicate", sale.amount);
        }
        Told::Replayed => {
            part.hear(&paid());
            part.hear(&paid().again(26 * 60));
            part.planted.copy("replayed", sale.amount);
        }
        Told::ForgedKey => {
            part.hear_signed(&paid(), Signed::BySomebodyElse);
            part.planted.stray("invalid_signature", sale.amount);
        }
        Told::ForgedBody => {
            let changed = about(other_amount(40_000), "SUCCESS", 0).body;
            let line = paid().line_with_body(&part.keys, Signed::ByDoku, &as_text(&changed));
            part.add(&paid(), line);
            part.planted.stray("invalid_signature", other_amount(40_000));
        }
        Told::ForgedRefund => {
            part.hear(&paid());
            part.hear_signed(&said("REFUNDED", 90), Signed::BySomebodyElse);
            part.planted.stray("invalid_signature", sale.amount);
        }
        Told::ByRequestId | Told::ByReference | Told::BySharedReference => {
            let elsewhere = Sale { invoice: sale.invoice.replace('/', "-"), ..sale.clone() };
            let somebody = rows::request_id(&elsewhere, Operation::Create);
            let origin = if matches!(case.told, Told::ByRequestId) { &origin } else { &somebody };
            part.hear(&Notification::of(&elsewhere, "SUCCESS", sale.decided, origin));
            if matches!(case.told, Told::BySharedReference) {
                part.planted.stray("ambiguous", sale.amount);
            }
        }
        Told::BodyAsObject => {
            let object: serde_json::Value = serde_json::from_str(&paid().body).expect("a body of ours");
            let line = paid().line_with_body(&part.keys, Signed::ByDoku, &object.to_string());
            part.add(&paid(), line);
            part.planted.stray("unverifiable", sale.amount);
        }
        Told::WithoutHeaders => {
            part.add(&paid(), paid().line_without_headers());
            part.planted.stray("unverifiable", sale.amount);
        }
        Told::BodyAlone => {
            part.add(&paid(), paid().body + "\n");
            part.planted.stray("unverifiable", sale.amount);
        }
        Told::Garbled => {
            part.add(&paid(), format!("{} POST {}\n", wire(paid().received), paid().body));
            part.planted.stray("malformed", 0);
        }
    }
}

/// A line that belongs to no order of the books.
fn stray_line(stray: Stray, number: u64, beside: &Sale, part: &mut Part) {
    let (invoice, reference) = (format!("MKT-{number:07}"), format!("MKT-PAY-{number:07}"));
    let sale = Sale { invoice, reference, order_id: beside.order_id + 5, ..beside.clone() };
    let origin = rows::request_id(&sale, Operation::Create);
    let paid = Notification::of(&sale, "SUCCESS", sale.decided, &origin);
    match stray {
        Stray::Orphan => {
            part.hear(&paid);
            part.planted.stray("orphan", sale.amount);
        }
        Stray::OtherClient => {
            part.hear_signed(&paid, Signed::ForTheNeighbour);
            part.planted.stray("other_client", sale.amount);
        }
        Stray::BodyAlone => {
            part.add(&paid, paid.body.clone() + "\n");
            part.planted.stray("unverifiable", sale.amount);
        }
        Stray::Remark => {
            part.add(&paid, "--- receiver restarted, log rotated by hand ---\n".to_owned());
            part.planted.stray("malformed", 0);
        }
        Stray::NotAPayment => {
            let ping = Notification { body: r#"{"service":{"id":"PEER_TO_PEER"},"ping":true}"#.to_owned(), ..paid };
            part.hear(&ping);
            part.planted.stray("malformed", 0);
        }
        Stray::NewStatus => {
            part.hear(&Notification { body: paid.body.replace("SUCCESS", "PARTIALLY_REFUNDED"), ..paid });
            part.planted.stray("unreadable", sale.amount);
        }
    }
}

/// The beginning of a line whose rest was never written.
pub(super) fn torn(line: &str) -> &str {
    let line = line.trim_end();
    &line[..line.len().min(211)]
}
