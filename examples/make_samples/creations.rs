//! For `jobs/create-invoices.yaml`: baskets, one row for each line item.
//!
//! 124 orders: 120 that are to be paid with Akulaku, and 4 drafts.

use crate::Sample;
use crate::dice::Dice;
use crate::shop::{CITIES, CUSTOMERS, PRODUCTS};
use crate::table::{self, LF};

const HEADER: [&str; 16] = [
    "Invoice",
    "Total",
    "Status",
    "Barang",
    "Harga",
    "Jumlah",
    "SKU",
    "Kategori",
    "ID Pelanggan",
    "Nama",
    "Telepon",
    "Alamat",
    "Kota",
    "Provinsi",
    "Kode Pos",
    "Pesan untuk kurir",
];

const ORDERS: u32 = 124;
const DRAFTS: [u32; 4] = [17, 58, 90, 121];
const STREETS: [&str; 6] = [
    "Jl. Sudirman No. 8, Menara Mulia Lt. 8",
    "Gg. Melati 3, RT 03/RW 05",
    "Perum. Griya \"Asri\" Blok C/12",
    "Jl. Malioboro 52",
    "Kampus UGM, Gedung Ö-2",
    "",
];
const FOR_THE_COURIER: [&str; 5] = ["", "", "", "titip satpam, jangan dilempar", "telepon dulu\nrumah pagar \"hijau\""];

pub(crate) fn samples() -> Vec<Sample> {
    let mut dice = Dice::new(0xC4EA);
    let rows: Vec<Vec<String>> = (1..=ORDERS).flat_map(|number| order(number, &mut dice)).collect();
    let state = "# Nobody has ordered before jobs/create-invoices.yaml runs; of the customers, 60 percent will pay.\n\
                 customers: {pay: 60, fail: 10}\n";
    vec![
        Sample::new("invoices.csv", table::write(b',', LF, &HEADER, &rows))
            .remark(format!("{ORDERS} orders in {} rows", rows.len())),
        Sample::new("simulator-create.yaml", state.to_owned()),
    ]
}

/// The rows of one order: all but the line item is the same in each of them.
fn order(number: u32, dice: &mut Dice) -> Vec<Vec<String>> {
    let count = [1, 1, 2, 1, 3, 2][(number % 6) as usize];
    let first = dice.roll(20) as usize;
    let items: Vec<_> = (0..count).map(|index| (&PRODUCTS[(first + index * 7) % 20], 1 + dice.roll(3))).collect();
    let total: u64 = items.iter().map(|(product, quantity)| product.price * u64::from(*quantity)).sum();
    let (city, province, postcode) = *dice.pick(&CITIES);
    let customer = dice.roll(32);
    let phone = format!("628{}{:08}", 11 + dice.roll(9), dice.roll(100_000_000));
    let status = if DRAFTS.contains(&number) { "DRAFT" } else { "CHECKOUT" };
    let (street, message) = (*dice.pick(&STREETS), *dice.pick(&FOR_THE_COURIER));
    let rows = items.iter().map(|(product, quantity)| {
        let (price, quantity) = (product.price.to_string(), quantity.to_string());
        let (invoice, total) = (format!("AKL/2026/12/{number:04}"), total.to_string());
        let (customer_id, name) = (format!("CUST-{:04}", customer + 1), CUSTOMERS[customer as usize]);
        [invoice, total, status.to_owned(), product.name.to_owned(), price, quantity]
            .into_iter()
            .chain([product.sku, product.category].map(str::to_owned))
            .chain([customer_id, name.to_owned(), phone.clone()])
            .chain([street, city, province, postcode, message].map(str::to_owned))
            .collect()
    });
    rows.collect()
}
