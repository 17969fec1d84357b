//! `orders.csv`: the plainest file there can be, with our own names as its header. `jobs/template.yaml` reads it.

use crate::Sample;
use crate::dice::Dice;
use crate::shop::{Sale, after};
use crate::table::{self, LF};

const HEADER: [&str; 6] =
    ["invoice_number", "amount", "payment_reference", "order_id", "akulaku_reference", "book_status"];

pub(crate) fn samples() -> Vec<Sample> {
    let mut dice = Dice::new(0x0DE5);
    let mut rows = Vec::new();
    for number in 1..=12 {
        let (invoice, reference) = (format!("INV-202611-{number:04}"), format!("MUR-202611-{number:04}"));
        let ordered = after("2026-11-02T02:00:00Z", number * 200);
        let sale = Sale::draw(&mut dice, invoice, reference, 1_000_035_100 + u64::from(number), ordered);
        let akulaku_reference = sale.akulaku_reference();
        let (amount, order_id) = (sale.amount.to_string(), sale.order_id.to_string());
        rows.push(vec![sale.invoice, amount, sale.reference, order_id, akulaku_reference, "paid".to_owned()]);
    }
    vec![Sample::new("orders.csv", table::write(b',', LF, &HEADER, &rows)).remark(format!("{} rows", rows.len()))]
}
