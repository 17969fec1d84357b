//! The shop: what it sells, to whom, and what one sale is.

use chrono::TimeDelta;
use rekon::model::time::{Timestamp, Zone, parse_instant};
use rekon::simulator::CLIENT_ID;

use super::dice::Dice;

/// Something that the shop sells.
pub(crate) struct Product {
    pub(crate) name: &'static str,
    pub(crate) sku: &'static str,
    pub(crate) category: &'static str,
    pub(crate) price: u64,
}

const fn product(name: &'static str, sku: &'static str, category: &'static str, price: u64) -> Product {
    Product { name, sku, category, price }
}

pub(crate) const PRODUCTS: [Product; 20] = [
    product("Kaos Polos Merah", "KS-1002", "Pakaian", 89_000),
    product("Polo Navy", "KS-1001", "Pakaian", 159_000),
    product("Jaket \"Gunung\" Anti Air", "JK-2001", "Pakaian", 349_900),
    product("Sepatu Lari, Ukuran 42", "SP-3042", "Sepatu", 529_000),
    product("Sandal Kulit Garut", "SP-3107", "Sepatu", 215_000),
    product("Ransel 25 L", "TS-4025", "Tas", 289_500),
    product("Monitor 24\" IPS", "EL-5024", "Elektronik", 1_849_000),
    product("Keyboard Mekanik", "EL-5110", "Elektronik", 679_000),
    product("Headset Bluetooth", "EL-5203", "Elektronik", 399_000),
    product("Kabel USB-C, 2 m", "EL-5301", "Elektronik", 45_000),
    product("Ponsel 128 GB", "HP-6128", "Ponsel", 2_799_000),
    product("Tablet 10 inci", "HP-6210", "Ponsel", 3_450_000),
    product("Rice Cooker 1,8 L", "RT-7018", "Rumah Tangga", 425_000),
    product("Blender Kaca", "RT-7101", "Rumah Tangga", 388_000),
    product("Sprei Katun 160×200", "RT-7160", "Rumah Tangga", 267_500),
    product("Kopi Gayo 1 kg", "MK-8001", "Makanan", 142_000),
    product("Teh Melati Isi 100", "MK-8100", "Makanan", 38_500),
    product("Müsli Kelapa & Kurma", "MK-8204", "Makanan", 64_000),
    product("Sepeda Lipat 20\"", "OR-9020", "Olahraga", 2_150_000),
    product("Matras Yoga", "OR-9101", "Olahraga", 175_000),
];

pub(crate) const CUSTOMERS: [&str; 32] = [
    "Anton Budiman",
    "Siti Nurhaliza Putri",
    "Budi Santoso, S.H.",
    "Dewi Lestari",
    "Agus \"Gus\" Wijaya",
    "Rina Marlina",
    "Jürgen Müller",
    "Ni Made Ayu Suryani",
    "I Gusti Ngurah Rai",
    "Maria Theresia Sitompul",
    "Nguyễn Văn An",
    "O'Brien Simanjuntak",
    "Fitri Handayani",
    "Joko Widiyanto",
    "Zoë van den Berg",
    "Putri Ayu; Toko Berkah",
    "Teuku Rizky",
    "Andi Baso Pangeran",
    "Yohanes Kaunang",
    "李明",
    "Hendra Gunawan",
    "Lestari, CV",
    "Muhammad Iqbal",
    "Sri Wahyuni",
    "Bambang Pamungkas",
    "François Tanoto",
    "Wulan Sari",
    "Eko Prasetyo",
    "Kartika",
    "Dr. Ratna Dewi, M.Kes.",
    "Yusuf Maulana",
    "Intan Permata",
];

/// City, province and postcode.
pub(crate) const CITIES: [(&str, &str, &str); 10] = [
    ("Jakarta Selatan", "DKI Jakarta", "12190"),
    ("Bandung", "Jawa Barat", "40115"),
    ("Surabaya", "Jawa Timur", "60271"),
    ("Yogyakarta", "DI Yogyakarta", "55281"),
    ("Medan", "Sumatera Utara", "20112"),
    ("Makassar", "Sulawesi Selatan", "90111"),
    ("Denpasar", "Bali", "80227"),
    ("Balikpapan", "Kalimantan Timur", "76114"),
    ("Semarang", "Jawa Tengah", "50132"),
    ("Jayapura", "Papua", ""),
];

/// An order as the provider knows it.
#[derive(Clone)]
pub(crate) struct Sale {
    pub(crate) invoice: String,
    /// `payment.merchant_unique_reference`.
    pub(crate) reference: String,
    pub(crate) order_id: u64,
    pub(crate) amount: u64,
    pub(crate) customer: &'static str,
    pub(crate) ordered: Timestamp,
    /// When the customer paid or failed to, if that happened.
    pub(crate) decided: Timestamp,
}

impl Sale {
    /// A basket of one to three pieces and the shipping.
    pub(crate) fn draw(dice: &mut Dice, invoice: String, reference: String, order_id: u64, ordered: Timestamp) -> Self {
        let goods: u64 = (0..=dice.roll(2)).map(|_| dice.pick(&PRODUCTS).price * u64::from(1 + dice.roll(2))).sum();
        let shipping = 9_000 + 500 * u64::from(dice.roll(60));
        let customer = dice.pick(&CUSTOMERS);
        let decided = ordered + TimeDelta::seconds(i64::from(90 + dice.roll(1_500)));
        Self { invoice, reference, order_id, amount: goods + shipping, customer, ordered, decided }
    }

    /// As Akulaku makes it: Client-Id and payment reference.
    pub(crate) fn akulaku_reference(&self) -> String {
        format!("{CLIENT_ID}{}", self.reference)
    }

    /// A line of a starting state: what every order has, and what else is known of this one.
    pub(crate) fn state_line(&self, status: &str, more: &[(&str, String)]) -> String {
        let start = format!("  - {{invoice_number: {}, amount: {}, status: {status}", self.invoice, self.amount);
        more.iter().fold(start, |line, (key, value)| line + ", " + key + ": " + value) + "}\n"
    }
}

/// `minutes` after a point in time that is written in this program.
pub(crate) fn after(start: &str, minutes: u32) -> Timestamp {
    parse_instant(start).expect("a time written in this program") + TimeDelta::minutes(i64::from(minutes))
}

/// The shop's own clock: `2026-11-03 14:05`.
pub(crate) fn local(time: Timestamp) -> String {
    Zone::WIB.local(time).format("%Y-%m-%d %H:%M").to_string()
}
