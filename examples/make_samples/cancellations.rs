//! For `jobs/cancel-expired.yaml`: an export as a spreadsheet writes it, with a byte order mark and CRLF.
//!
//! 256 orders in 260 rows. All of them are of 2025, so that they have expired on whatever day the job is run.

use csv::Terminator;

use crate::Sample;
use crate::dice::Dice;
use crate::notification::{Detail, Log, Notification};
use crate::shop::{Sale, after, local};
use crate::table;

const HEADER: [&str; 8] = ["No. Pesanan", "Nama", "Total", "Ref", "Status", "Dibuat", "Kedaluwarsa", "Catatan"];

const ORDERS: u32 = 256;
const REPEATED: [u32; 4] = [12, 99, 140, 222];
/// Paid in the last minute, after the shop's own system had given them up.
const PAID_MEANWHILE: [u32; 2] = [57, 183];
/// Dearer than what is cancelled without a phone call.
const DEAR: [u32; 3] = [20, 110, 201];
/// Orders of companies, which never expire; the shop's system writes a date far away.
const NEVER_EXPIRES: [u32; 2] = [66, 150];

pub(crate) fn samples() -> Vec<Sample> {
    let mut dice = Dice::new(0xCA9C);
    let mut log = Log::default();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut state = String::from("# What DOKU knows before jobs/cancel-expired.yaml runs.\norders:\n");
    for number in 1..=ORDERS {
        let sale = sale(number, &mut dice);
        let (book, at_doku) = statuses(number);
        if at_doku == "paid" {
            log.hear(&Notification::of(&sale, "SUCCESS", sale.decided, Detail::Table));
        }
        // The oldest orders were created without a reference of their own; the invoice number stands in.
        let has_reference = number > 20;
        let known = [("payment_reference", sale.reference.clone()), ("order_id", sale.order_id.to_string())];
        state.push_str(&sale.state_line(at_doku, if has_reference { &known } else { &[] }));
        rows.push(row(number, &sale, book, has_reference, &mut dice));
        if let Some(repeated) = number.checked_sub(5).filter(|earlier| REPEATED.contains(earlier)) {
            let again = rows.iter().find(|row| row[0] == invoice(repeated)).expect("five rows ago");
            rows.push(again.clone());
        }
    }
    for number in [301, 302] {
        let sale = sale(number, &mut dice);
        log.hear(&Notification::of(&sale, "SUCCESS", sale.decided, Detail::Table));
    }
    let csv = table::write(b',', Terminator::CRLF, &HEADER, &rows);
    vec![
        Sample::new("cancellations.csv", format!("\u{feff}{csv}")).remark(format!("{} rows", rows.len())),
        Sample::new("simulator-cancel.yaml", state),
        Sample::new("notifications-cancel.jsonl", log.text()),
    ]
}

fn invoice(number: u32) -> String {
    format!("WEB-2511-{number:04}")
}

fn sale(number: u32, dice: &mut Dice) -> Sale {
    let ordered = after("2025-11-01T00:30:00Z", number * 95);
    let reference = format!("REF-2511-{number:04}");
    let mut sale = Sale::draw(dice, invoice(number), reference, 1_000_020_000 + u64::from(number) * 3, ordered);
    sale.amount =
        if DEAR.contains(&number) { 5_350_000 + u64::from(number) * 10_000 } else { sale.amount % 4_900_000 + 15_000 };
    sale
}

/// What the shop's own system says, and what DOKU knows.
fn statuses(number: u32) -> (&'static str, &'static str) {
    match number {
        _ if PAID_MEANWHILE.contains(&number) => ("BELUM BAYAR", "paid"),
        _ if number % 28 == 3 => ("LUNAS", "paid"),
        _ if number % 61 == 8 => ("BATAL", "cancelled"),
        _ => ("BELUM BAYAR", "pending"),
    }
}

fn row(number: u32, sale: &Sale, book: &str, has_reference: bool, dice: &mut Dice) -> Vec<String> {
    let notes = ["", "", "", "", "COD?\r\ntanya gudang", "pelanggan lama, \"VIP\"", "naïve checkout – ulang"];
    let expires = if NEVER_EXPIRES.contains(&number) {
        "2099-12-31 23:59".to_owned()
    } else {
        local(sale.ordered + chrono::TimeDelta::hours(24))
    };
    vec![
        sale.invoice.clone(),
        sale.customer.to_owned(),
        sale.amount.to_string(),
        if has_reference { sale.reference.clone() } else { String::new() },
        book.to_owned(),
        local(sale.ordered),
        expires,
        (*dice.pick(&notes)).to_owned(),
    ]
}
