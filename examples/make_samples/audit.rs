//! For `jobs/audit-monthly.yaml`: the shop's books of November 2026, the notification log, and breaks of every kind but
//! money in doubt, which would hide them behind its exit code.
//!
//! What is planted is written down where it is planted, in [`CASES`], and added up for `audit-expected.json`; nothing
//! here asks the program for its opinion.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rekon::simulator::CLIENT_ID;
use serde_json::{Value, json};

use crate::Sample;
use crate::dice::Dice;
use crate::notification::{Detail, Log, Notification};
use crate::results::{self, Earlier};
use crate::shop::{Sale, after, local};
use crate::table::{self, LF};

const HEADER: [&str; 5] = ["Order Number", "Order Date", "Customer", "Grand Total", "Payment Status"];

/// When the auditor looks: midnight after November, WIB. What is younger than the grace of 18 hours was ordered after
/// six in the morning of that last day.
const AS_OF: &str = "2026-11-30T17:00:00Z";
const GRACE: &str = "18h";

/// What the log says about an order.
#[derive(Clone, Copy)]
enum Told {
    Nothing,
    Once(&'static str),
    /// SUCCESS, although the order's amount is that much more (or less).
    OtherAmount(i64),
    /// SUCCESS, and a FAILED that arrives later.
    LateFailure,
    /// FAILED, then SUCCESS: the customer tried again.
    SecondTry,
    /// SUCCESS, and so many copies; the last of two is sent by hand.
    Copies(u32),
    /// A SUCCESS that somebody else has signed.
    ForgedKey,
    /// A SUCCESS whose body was changed under its signature.
    ForgedBody,
    /// A SUCCESS that was kept as an object, or without its headers.
    BodyAsObject,
    WithoutHeaders,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ordered {
    InTheMonth,
    OnTheLastDay,
}

/// So many orders of one kind.
struct Case {
    count: u32,
    book: &'static str,
    told: Told,
    /// What an earlier refund run did with it.
    earlier: Option<Earlier>,
    ordered: Ordered,
    verdict: &'static str,
}

const fn case(count: u32, book: &'static str, told: Told, verdict: &'static str) -> Case {
    Case { count, book, told, earlier: None, ordered: Ordered::InTheMonth, verdict }
}

const fn young(count: u32, book: &'static str, told: Told, verdict: &'static str) -> Case {
    Case { ordered: Ordered::OnTheLastDay, ..case(count, book, told, verdict) }
}

const fn refunding(count: u32, book: &'static str, told: Told, earlier: Earlier, verdict: &'static str) -> Case {
    Case { earlier: Some(earlier), ..case(count, book, told, verdict) }
}

const SUCCESS: Told = Told::Once("SUCCESS");
const FAILED: Told = Told::Once("FAILED");

const CASES: [Case; 36] = [
    // As it should be.
    case(244, "Paid", SUCCESS, "matched"),
    young(8, "Paid", SUCCESS, "matched"),
    case(3, "Paid", Told::LateFailure, "matched"),
    case(3, "Paid", Told::SecondTry, "matched"),
    case(8, "Paid", Told::Copies(1), "matched"),
    case(2, "Paid", Told::Copies(2), "matched"),
    refunding(1, "Paid", SUCCESS, Earlier::Skipped, "matched"),
    refunding(13, "Refunded", SUCCESS, Earlier::Succeeded, "matched"),
    refunding(1, "Refunded", SUCCESS, Earlier::AlreadyDone, "matched"),
    case(18, "Failed", FAILED, "matched"),
    case(30, "Expired", Told::Nothing, "matched"),
    case(18, "Cancelled", Told::Nothing, "matched"),
    case(2, "Cancelled", FAILED, "matched"),
    case(12, "Awaiting Payment", Told::Nothing, "matched"),
    // A forgery changes nothing.
    case(1, "Awaiting Payment", Told::ForgedKey, "matched"),
    case(1, "Awaiting Payment", Told::ForgedBody, "matched"),
    // Too young to judge.
    young(4, "Paid", Told::Nothing, "pending"),
    young(1, "Failed", Told::Nothing, "pending"),
    // Old, and nothing that counts was heard.
    case(4, "Paid", Told::Nothing, "missing"),
    case(1, "Paid", Told::BodyAsObject, "missing"),
    case(1, "Paid", Told::WithoutHeaders, "missing"),
    case(2, "Refunded", SUCCESS, "missing"),
    // Another amount.
    case(2, "Paid", Told::OtherAmount(-1_000), "amount_mismatch"),
    case(1, "Paid", Told::OtherAmount(25_000), "amount_mismatch"),
    case(1, "Paid", Told::OtherAmount(-9), "amount_mismatch"),
    // Another status.
    case(3, "Awaiting Payment", SUCCESS, "status_mismatch"),
    case(1, "Failed", SUCCESS, "status_mismatch"),
    case(2, "Expired", SUCCESS, "status_mismatch"),
    case(2, "Paid", FAILED, "status_mismatch"),
    refunding(1, "Paid", SUCCESS, Earlier::Succeeded, "status_mismatch"),
    // Money that came after the cancellation, and money that went back without having come.
    case(4, "Cancelled", SUCCESS, "paid_after_cancel"),
    case(1, "Refunded", FAILED, "refunded_unpaid"),
    refunding(1, "Refunded", FAILED, Earlier::Succeeded, "refunded_unpaid"),
    // What the earlier run did not do.
    refunding(1, "Paid", SUCCESS, Earlier::Refused, "failed"),
    refunding(1, "Paid", SUCCESS, Earlier::Held, "not_sent"),
    refunding(1, "Paid", SUCCESS, Earlier::NotAttempted, "not_sent"),
];

/// Orders that the export lists twice; the rows agree.
const REPEATED: [u32; 3] = [44, 191, 350];

const VERDICTS: [&str; 10] = [
    "matched",
    "pending",
    "missing",
    "amount_mismatch",
    "status_mismatch",
    "paid_after_cancel",
    "refunded_unpaid",
    "in_doubt",
    "failed",
    "not_sent",
];
const REASONS: [&str; 6] = ["orphan", "invalid_signature", "malformed", "unverifiable", "other_client", "duplicate"];

/// Counts and rupiah that were planted.
#[derive(Default)]
struct Planted {
    rows: (u64, u64),
    repeated: (u64, u64),
    duplicates: u64,
    verdicts: BTreeMap<&'static str, (u64, u64)>,
    breaks: BTreeMap<&'static str, Vec<String>>,
    unmatched: BTreeMap<&'static str, (u64, u64)>,
}

pub(crate) fn samples() -> Vec<Sample> {
    let mut dice = Dice::new(0xA0D1);
    let (mut log, mut planted) = (Log::default(), Planted::default());
    let (mut rows, mut earlier_run) = (Vec::new(), Vec::new());
    for (number, case) in (1..).zip(shuffled(&mut dice)) {
        let sale = sale(number, case.ordered, &mut dice);
        tell(case.told, &sale, &mut log, &mut planted);
        earlier_run.extend(case.earlier.map(|earlier| results::row(&sale, earlier)));
        planted.order(&sale, case.verdict);
        let row = row(&sale, case.book);
        if REPEATED.contains(&number) {
            rows.push(row.clone());
            planted.repeat(&sale);
        }
        rows.push(row);
    }
    stray(&mut dice, &mut log, &mut planted);
    let log = log.text();
    let torn = torn(&log, &mut planted);
    let orders = rows.len();
    vec![
        Sample::new("books-202611.csv", table::write(b',', LF, &HEADER, &rows)).remark(format!("{orders} rows")),
        Sample::new("results-refund-20261130.csv", table::write(b',', LF, &results::HEADER, &earlier_run)),
        Sample::new("notifications-audit-202611.jsonl", log + &torn),
        Sample::new("audit-expected.json", planted.text()),
    ]
}

/// All orders in the order of the month.
fn shuffled(dice: &mut Dice) -> Vec<&'static Case> {
    let all = CASES.iter().flat_map(|case| std::iter::repeat_n(case, case.count as usize));
    let (mut in_the_month, last_day): (Vec<_>, Vec<_>) = all.partition(|case| case.ordered == Ordered::InTheMonth);
    for last in (1..in_the_month.len()).rev() {
        let sides = u32::try_from(last + 1).expect("a few hundred orders");
        in_the_month.swap(last, dice.roll(sides) as usize);
    }
    in_the_month.into_iter().chain(last_day).collect()
}

fn sale(number: u32, ordered: Ordered, dice: &mut Dice) -> Sale {
    let ordered = match ordered {
        Ordered::InTheMonth => after("2026-10-31T18:00:00Z", number * 105),
        // The last thirteen orders, from seven in the morning on.
        Ordered::OnTheLastDay => after("2026-11-30T00:00:00Z", (number % 13) * 70),
    };
    let (invoice, reference) = (format!("SO-202611-{number:05}"), format!("PAY-2611-{number:05}"));
    Sale::draw(dice, invoice, reference, 1_000_060_000 + u64::from(number) * 11, ordered)
}

fn row(sale: &Sale, book: &str) -> Vec<String> {
    let amount = with_commas(sale.amount);
    vec![sale.invoice.clone(), local(sale.ordered), sale.customer.to_owned(), amount, book.to_owned()]
}

/// `1,250,000`.
pub(crate) fn with_commas(amount: u64) -> String {
    rekon::model::money::Rupiah::new(amount).to_string().replace("Rp ", "").replace('.', ",")
}

fn tell(told: Told, sale: &Sale, log: &mut Log, planted: &mut Planted) {
    let notification =
        |status: &str, after: TimeDelta| Notification::of(sale, status, sale.decided + after, Detail::Table);
    let paid = notification("SUCCESS", TimeDelta::zero());
    match told {
        Told::Nothing => {}
        Told::Once(status) => log.hear(&notification(status, TimeDelta::zero())),
        Told::OtherAmount(difference) => {
            let amount = sale.amount.checked_add_signed(difference).expect("a small difference");
            let other = Sale { amount, ..sale.clone() };
            log.hear(&Notification::of(&other, "SUCCESS", sale.decided, Detail::Table));
        }
        Told::LateFailure => {
            log.hear(&paid);
            log.hear(&notification("FAILED", TimeDelta::minutes(11)));
        }
        Told::SecondTry => {
            log.hear(&notification("FAILED", TimeDelta::zero()));
            log.hear(&notification("SUCCESS", TimeDelta::minutes(4)));
        }
        Told::Copies(count) => {
            log.hear(&paid);
            log.hear(&paid.repeated(30));
            if count > 1 {
                log.hear(&paid.resent(500));
            }
            planted.duplicates += u64::from(count);
            (0..count).for_each(|_| planted.stray("duplicate", sale.amount));
        }
        Told::ForgedKey => {
            log.hear(&Notification { secret_key: "SK-somebody-else", ..paid });
            planted.stray("invalid_signature", sale.amount);
        }
        Told::ForgedBody => {
            let body = paid.body.replace("\"SUCCESS\"", "\"FAILED\"");
            let line = Notification { body, ..paid.clone() }.line_with_body(&paid.body.clone().into());
            log.add(paid.received, line);
            planted.stray("invalid_signature", sale.amount);
        }
        Told::BodyAsObject => {
            let body: Value = serde_json::from_str(&paid.body).expect("a body of ours");
            log.add(paid.received, paid.line_with_body(&body));
            planted.stray("unverifiable", sale.amount);
        }
        Told::WithoutHeaders => {
            log.add(paid.received, paid.line_without_headers());
            planted.stray("unverifiable", sale.amount);
        }
    }
}

/// Lines that belong to no order of the books: a marketplace's sales, another merchant's, a bare body, and a remark
/// that somebody wrote into the log.
fn stray(dice: &mut Dice, log: &mut Log, planted: &mut Planted) {
    for number in 1..=6_u32 {
        let (invoice, reference) = (format!("MKT-{number:06}"), format!("MKT-PAY-{number:06}"));
        let ordered = after("2026-11-03T05:00:00Z", number * 5_000);
        let sale = Sale::draw(dice, invoice, reference, 1_000_090_000 + u64::from(number), ordered);
        let paid = Notification::of(&sale, "SUCCESS", sale.decided, Detail::WithIdentifiers);
        match number {
            1..=3 => {
                planted.stray("orphan", sale.amount);
                log.hear(&paid);
            }
            4 | 5 => {
                planted.stray("other_client", sale.amount);
                log.hear(&Notification { client_id: "MCH-0002-NEIGHBOUR", secret_key: "SK-of-the-neighbour", ..paid });
            }
            _ => {
                planted.stray("unverifiable", sale.amount);
                log.add(paid.received, paid.body);
            }
        }
    }
    planted.stray("malformed", 0);
    log.add(after("2026-11-12T04:00:00Z", 0), "--- receiver restarted, log rotated by hand ---".to_owned());
}

/// The beginning of a line whose rest was never written: DOKU's repetition of the last one.
fn torn(log: &str, planted: &mut Planted) -> String {
    planted.stray("malformed", 0);
    log.lines().last().map(|line| line.chars().take(211).collect()).unwrap_or_default()
}

fn add(tally: &mut (u64, u64), amount: u64) {
    tally.0 += 1;
    tally.1 += amount;
}

impl Planted {
    fn order(&mut self, sale: &Sale, verdict: &'static str) {
        add(&mut self.rows, sale.amount);
        add(self.verdicts.entry(verdict).or_default(), sale.amount);
        if verdict != "matched" {
            self.breaks.entry(verdict).or_default().push(sale.invoice.clone());
        }
    }

    fn repeat(&mut self, sale: &Sale) {
        add(&mut self.rows, sale.amount);
        add(&mut self.repeated, sale.amount);
    }

    fn stray(&mut self, reason: &'static str, amount: u64) {
        add(self.unmatched.entry(reason).or_default(), amount);
    }

    fn text(&self) -> String {
        let tally = |(count, rupiah): (u64, u64)| json!({"count": count, "rupiah": rupiah});
        let all = |names: &[&str], of: &BTreeMap<&'static str, (u64, u64)>| -> Value {
            names.iter().map(|name| ((*name).to_owned(), tally(of.get(name).copied().unwrap_or_default()))).collect()
        };
        let expected = json!({
            "client_id": CLIENT_ID,
            "as_of": AS_OF,
            "grace": GRACE,
            "rows": tally(self.rows),
            "repeated": tally(self.repeated),
            "duplicates": self.duplicates,
            "verdicts": all(&VERDICTS, &self.verdicts),
            "unmatched": all(&REASONS, &self.unmatched),
            "breaks": self.breaks,
        });
        serde_json::to_string_pretty(&expected).expect("text and numbers") + "\n"
    }
}
