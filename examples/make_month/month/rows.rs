//! Rows of the shop's export, and of the results.csv of earlier runs.

use std::fmt::Write as _;

use chrono::TimeDelta;
use rekon::journal::Account;
use rekon::journal::identity::{Identity, hashed};
use rekon::model::environment::Environment;
use rekon::model::ids::{ClientId, InvoiceNumber};
use rekon::model::operation::Operation;
use rekon::model::time::{Zone, wire};
use rekon::report::results::COLUMNS;
use rekon::simulator::CLIENT_ID;

use super::cases::{Done, Run};
use super::dice::Dice;
use super::shop::{CITIES, PRODUCTS, Sale};

const HEADER: [&str; 14] = [
    "No",
    "No Invoice",
    "Tanggal Pesanan",
    "Nama Pelanggan",
    "Kota",
    "Telepon",
    "SKU",
    "Jumlah Barang",
    "Nominal",
    "Ref Pembayaran",
    "ORDER_ID",
    "AKULAKU_UNIQUE_REFERENCE",
    "Status",
    "Kurir",
];
const COURIERS: [&str; 5] = ["JNE", "J&T", "SiCepat", "AnterAja", "Ambil sendiri"];
const MEMORY: &str = "writing to a string cannot fail";

pub(super) fn header() -> String {
    HEADER.join(",") + "\n"
}

pub(super) fn results_header() -> String {
    HEADER.join(",") + "," + &COLUMNS.join(",") + "\n"
}

/// A row of the export in two parts: what stands before its status, and what follows.
pub(super) struct Row {
    before: String,
    after: String,
}

impl Row {
    pub(super) fn new(index: u64, sale: &Sale, dice: &mut Dice) -> Self {
        let ordered = Zone::WIB.local(sale.ordered).format("%Y-%m-%d %H:%M:%S");
        let mut before = String::with_capacity(200);
        write!(before, "{},{},{ordered},", index + 1, sale.invoice).expect(MEMORY);
        field(&mut before, sale.customer);
        let (city, ..) = dice.pick(&CITIES);
        let phone = 10_000_000 + dice.roll(89_999_999);
        let (sku, pieces) = (dice.pick(&PRODUCTS).sku, 1 + dice.roll(4));
        let (amount, reference, order_id) = (sale.amount, &sale.reference, sale.order_id);
        write!(before, ",{city},0812{phone},{sku},{pieces},{amount},{reference},{order_id},{CLIENT_ID}{reference},")
            .expect(MEMORY);
        Self { before, after: format!(",{}", dice.pick(&COURIERS)) }
    }

    pub(super) fn write(&self, status: &str, out: &mut String) {
        [&self.before, status, &self.after].into_iter().for_each(|part| out.push_str(part));
    }
}

/// Quoted only where it has to be.
fn field(out: &mut String, text: &str) {
    if text.contains([',', '"']) {
        write!(out, "\"{}\"", text.replace('"', "\"\"")).expect(MEMORY);
    } else {
        out.push_str(text);
    }
}

/// The Request-Id under which a run has sent an order.
pub(super) fn request_id(sale: &Sale, operation: Operation) -> String {
    identity(sale, operation).request_id().to_string()
}

fn identity(sale: &Sale, operation: Operation) -> Identity {
    Identity {
        account: Account {
            environment: Environment::Simulator,
            client_id: ClientId::new(CLIENT_ID).expect("the constant is a client id"),
            operation,
        },
        invoice: InvoiceNumber::new(&sale.invoice).expect("an invoice number of ours"),
        generation: 0,
    }
}

/// A row of a results.csv: the input as it was then, and what came of it.
pub(super) fn result(row: &Row, sale: &Sale, Done(run, state): Done, out: &mut String) {
    let (status, operation, days) = match run {
        Run::Create | Run::Resumed => ("BELUM BAYAR", Operation::Create, 0),
        Run::Refund => ("LUNAS", Operation::Refund, 1),
        Run::Cancel => ("BELUM BAYAR", Operation::Cancel, 1),
    };
    row.write(status, out);
    let (reason, http_status, payment, effect) = match (state, operation) {
        ("held", _) => return unsent(out, operation, "held", "max_order"),
        ("not_attempted", _) => return unsent(out, operation, "not_attempted", "the run stopped before it"),
        ("unknown" | "review", _) => ("timeout", "", "", ""),
        ("conflict", _) => ("proofs disagree", "200", "PENDING", ""),
        ("refused", Operation::Create) => ("http_400", "400", "", ""),
        ("refused", _) => ("payment_failed", "200", "FAILED", "FAILED"),
        (_, Operation::Create) => ("", "200", "PENDING", ""),
        (_, Operation::Cancel) => ("", "200", "CANCELLED", "SUCCESS"),
        (_, Operation::Refund) => ("", "200", "REFUNDED", "SUCCESS"),
    };
    let identity = identity(sale, operation);
    write!(out, ",{},{state},{reason},{},1,{http_status},{payment},{effect},", operation.word(), identity.request_id())
        .expect(MEMORY);
    if payment.is_empty() {
        out.push(',');
    } else {
        write!(out, "{},{CLIENT_ID}{}", sale.order_id, sale.reference).expect(MEMORY);
    }
    out.push(',');
    match operation {
        Operation::Refund => write!(out, "{},", identity.refund_reference()).expect(MEMORY),
        Operation::Create if payment == "PENDING" => {
            let sign = hashed(&sale.reference);
            let reference = format!("{CLIENT_ID}{}", sale.reference).replace('-', "%2D");
            write!(out, ",https://test-mall.akulaku.com/v2/openPay.html?appId=15006801&refNo={reference}&sign={sign}")
                .expect(MEMORY);
        }
        Operation::Create | Operation::Cancel => out.push(','),
    }
    let sent = sale.ordered + TimeDelta::days(days) + TimeDelta::seconds(2);
    let (checked, replayed) = if http_status.is_empty() { ("", "") } else { ("valid", "false") };
    let settled = if matches!(state, "unknown" | "review" | "conflict") {
        String::new()
    } else {
        wire(sent + TimeDelta::seconds(1))
    };
    writeln!(out, ",{replayed},{checked},{},{settled},", wire(sent)).expect(MEMORY);
}

/// A row for which no request was made.
fn unsent(out: &mut String, operation: Operation, state: &str, reason: &str) {
    writeln!(out, ",{},{state},{reason},,,,,,,,,,,,,,", operation.word()).expect(MEMORY);
}
