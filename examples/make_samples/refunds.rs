//! For `jobs/refund-nightly.yaml`: an export of the customer service, in Indonesian, with `;` and `Rp 1.250.000`.
//!
//! 314 orders in 320 rows: 300 approved refunds, 14 in other states, and 6 rows that the export repeats.

use chrono::TimeDelta;
use rekon::model::money::Rupiah;
use rekon::model::time::wire;

use crate::Sample;
use crate::dice::Dice;
use crate::notification::{Detail, Log, Notification};
use crate::shop::{Sale, after, local};
use crate::table::{self, LF};

const HEADER: [&str; 11] = [
    "No",
    "No Invoice",
    "Tanggal Pesanan",
    "Nama Pelanggan",
    "Nominal",
    "Ref Pembayaran",
    "ORDER_ID",
    "AKULAKU_UNIQUE_REFERENCE",
    "Status",
    "Alasan",
    "Catatan",
];

const ORDERS: u32 = 314;
/// The clerk exported a page twice.
const REPEATED: [u32; 6] = [31, 77, 118, 160, 233, 301];
/// Orders from before the shop kept Akulaku's ids; the log has them.
const WITHOUT_IDS: [u32; 3] = [45, 142, 256];

const REASONS: [&str; 5] = ["Barang rusak", "Salah ukuran", "Stok habis", "Tidak sampai", "Berubah pikiran"];
const NOTES: [&str; 8] = [
    "",
    "",
    "",
    "",
    "sudah ditelepon; setuju",
    "Kata pelanggan: \"layar retak\"",
    "barang kembali 18/11\nfoto terlampir",
    "kurir: JNE, resi hilang",
];

pub(crate) fn samples() -> Vec<Sample> {
    let mut dice = Dice::new(0x5EED);
    let mut log = Log::default();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut state =
        String::from("# What DOKU knows before jobs/refund-nightly.yaml runs: every order has been paid.\norders:\n");
    let mut total = 0;
    for number in 1..=ORDERS {
        let (invoice, reference) = (format!("INV/2026/11/{number:05}"), format!("MUR-2611-{number:05}"));
        let ordered = after("2026-11-01T01:00:00Z", number * 85);
        let sale = Sale::draw(&mut dice, invoice, reference, 1_000_043_000 + u64::from(number) * 7, ordered);
        tell(number, &sale, &mut log);
        state.push_str(&sale.state_line("paid", &known(&sale)));
        total += sale.amount;
        rows.push(row(number, &sale, &mut dice));
        if let Some(repeated) = number.checked_sub(3).filter(|earlier| REPEATED.contains(earlier)) {
            let again = rows.iter().find(|row| row[0] == repeated.to_string()).expect("three rows ago").clone();
            total += amount_of(&again);
            rows.push(again.into_iter().take(10).chain(["diekspor ulang".to_owned()]).collect());
        }
    }
    let (early, late) = finished(log, &mut dice);
    vec![
        Sample::new("refunds.csv", table::write(b';', LF, &HEADER, &rows))
            .remark(format!("control: {{rows: {}, amount: {total}}}", rows.len())),
        Sample::new("simulator-refund.yaml", state),
        Sample::new("notifications-refund-20261101.jsonl", early),
        Sample::new("notifications-refund-20261111.jsonl", late),
    ]
}

/// What the provider knows besides the amount.
fn known(sale: &Sale) -> [(&'static str, String); 3] {
    [
        ("payment_reference", sale.reference.clone()),
        ("order_id", sale.order_id.to_string()),
        ("since", wire(sale.decided)),
    ]
}

fn is_approved(number: u32) -> bool {
    number % 22 != 7
}

fn row(number: u32, sale: &Sale, dice: &mut Dice) -> Vec<String> {
    let ids = if WITHOUT_IDS.contains(&number) {
        [String::new(), String::new()]
    } else {
        [sale.order_id.to_string(), sale.akulaku_reference()]
    };
    let status = if is_approved(number) { "Disetujui" } else { *dice.pick(&["Menunggu", "Ditolak", "Selesai"]) };
    let reason = (*dice.pick(&REASONS)).to_owned();
    let note = (*dice.pick(&NOTES)).to_owned();
    let [order_id, akulaku_reference] = ids;
    vec![
        number.to_string(),
        sale.invoice.clone(),
        local(sale.ordered),
        sale.customer.to_owned(),
        written(number, sale.amount),
        sale.reference.clone(),
        order_id,
        akulaku_reference,
        status.to_owned(),
        reason,
        note,
    ]
}

/// The same amount as several hands write it.
fn written(number: u32, amount: u64) -> String {
    let text = Rupiah::new(amount).to_string();
    match number % 11 {
        0 => text.replace("Rp ", "Rp"),
        1 => text.replace("Rp ", "Rp. "),
        2 => text.replace("Rp ", ""),
        3 => format!("{text},00"),
        4 => text.replace("Rp ", "Rp\u{a0}"),
        _ => text,
    }
}

fn amount_of(row: &[String]) -> u64 {
    let digits = row[4].trim_end_matches(",00").chars().filter(char::is_ascii_digit);
    digits.collect::<String>().parse().expect("an amount of ours")
}

/// Every payment is told; some are told twice, and one is followed by a late failure that means nothing.
fn tell(number: u32, sale: &Sale, log: &mut Log) {
    let detail = if WITHOUT_IDS.contains(&number) { Detail::WithIdentifiers } else { Detail::Table };
    let paid = Notification::of(sale, "SUCCESS", sale.decided, detail);
    log.hear(&paid);
    if number % 40 == 5 {
        log.hear(&paid.repeated(30));
    }
    if number == 88 {
        log.hear(&paid.resent(600));
    }
    if number == 200 {
        log.hear(&Notification::of(sale, "FAILED", sale.decided + TimeDelta::minutes(7), Detail::Table));
    }
}

/// Four payments of orders that are not in the file, and a line that nobody can verify.
fn finished(mut log: Log, dice: &mut Dice) -> (String, String) {
    for number in 901..=905_u32 {
        let (invoice, reference) = (format!("INV/2026/11/{number:05}"), format!("MUR-2611-{number:05}"));
        let ordered = after("2026-11-04T03:00:00Z", (number - 900) * 2_300);
        let sale = Sale::draw(dice, invoice, reference, 1_000_051_000 + u64::from(number), ordered);
        let paid = Notification::of(&sale, "SUCCESS", sale.decided, Detail::Table);
        if number == 905 {
            log.add(paid.received, paid.line_without_headers());
        } else {
            log.hear(&paid);
        }
    }
    log.split_at(after("2026-11-10T17:00:00Z", 0))
}
