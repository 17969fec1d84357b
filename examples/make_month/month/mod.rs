//! The month as a whole: which order is of which kind, and how everything comes into its file.
//!
//! Orders are made in blocks, by as many threads as there are cores, and written in their order; nothing keeps more than a
//! few blocks and the lines that have yet to arrive, so that ten million orders need no more memory than ten thousand.

mod cases;
#[path = "../../make_samples/dice.rs"]
mod dice;
mod lines;
mod out;
mod planted;
mod rows;
#[path = "../../make_samples/shop.rs"]
#[expect(dead_code, reason = "the samples tell more about their sales than a month does")]
mod shop;
mod story;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use rekon::simulator::{CLIENT_ID, SECRET_KEY};

use cases::Calendar;
use lines::{KEY_BEFORE, Keys};
use out::Out;
pub(crate) use planted::Planted;
use story::Part;

/// When the auditor looks: midnight after November, WIB.
const AS_OF: &str = "2026-11-30T17:00:00Z";
/// Orders that are made at once.
const BLOCK: u64 = 4_096;

/// The audit of it.
const JOB: &str = r#"# The audit of a month that examples/make_month has made; planted.json says what there is to find.
job: month
operation: audit

merchant:
  environment: simulator       # whose key has signed the notifications

orders:
  file: orders.csv
  format: {delimiter: ",", amounts: plain}
  columns:
    invoice_number: No Invoice
    amount: Nominal
    payment_reference: Ref Pembayaran
    order_id: ORDER_ID
    akulaku_reference: AKULAKU_UNIQUE_REFERENCE
    book_status: Status
    created_at: Tanggal Pesanan
  statuses: {BELUM BAYAR: pending, LUNAS: paid, GAGAL: failed, KEDALUWARSA: expired, BATAL: cancelled, DIKEMBALIKAN: refunded}
  zone: Asia/Jakarta

notifications:
  files: ["notifications*.jsonl*"]
  path: /payments/notifications
reconcile:
  grace: 18h
  results: ["results*.csv*"]
output: {directory: out, formats: [csv, json]}
"#;

/// The line of the job that keys stand behind.
const ITS_OWN_KEY: &str = "  environment: simulator       # whose key has signed the notifications\n";
/// The same where the key was changed, the newest first.
const TWO_KEYS: &str =
    "  environment: simulator\n  client_id: file:client-id\n  secret_key: [file:key, file:key-before]\n";

/// What to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Month {
    /// Orders, rows that repeat one not counted.
    pub(crate) orders: u64,
    /// Another seed is another month.
    pub(crate) seed: u64,
    /// Rows and lines in the order that this seed gives, instead of that of the month.
    pub(crate) shuffle: Option<u64>,
    /// Whether the export has some orders twice.
    pub(crate) repeats: bool,
    /// Whether some notifications name their order by its Request-Id or payment reference alone.
    pub(crate) weak_ties: bool,
    /// Whether the secret key was changed on the eleventh, so that the job names two.
    pub(crate) rotated: bool,
}

impl Default for Month {
    fn default() -> Self {
        Self { orders: 3_000, seed: 7, shuffle: None, repeats: true, weak_ties: false, rotated: false }
    }
}

impl Month {
    /// Writes everything into a folder, and says what was planted.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<Planted> {
        std::fs::create_dir_all(folder)?;
        let mut out = Out::create(folder, self.shuffle, self.orders)?;
        let calendar = Calendar::new(self);
        let mut planted = Planted::default();
        let mut yet_to_arrive = BTreeMap::new();
        let mut last = String::new();
        self.in_blocks(&calendar, |part| {
            planted.merge(&part.planted);
            out.rows(&part)?;
            for (received, line) in part.lines {
                let sequence = planted.next_line();
                yet_to_arrive.insert((received, sequence), line);
            }
            let later = yet_to_arrive.split_off(&(part.until, 0));
            for line in std::mem::replace(&mut yet_to_arrive, later).into_values() {
                out.line(&line)?;
                last = line;
            }
            Ok(())
        })?;
        planted.torn();
        out.finish(story::torn(&last))?;
        let mut job = JOB.to_owned();
        if self.rotated {
            job = job.replace(ITS_OWN_KEY, TWO_KEYS);
            for (name, key) in [("client-id", CLIENT_ID), ("key", SECRET_KEY), ("key-before", KEY_BEFORE)] {
                std::fs::write(folder.join(name), key)?;
            }
        }
        std::fs::write(folder.join("job.yaml"), job)?;
        std::fs::write(folder.join("planted.json"), planted.text() + "\n")?;
        Ok(planted)
    }

    /// Makes all blocks, and hands them over in their order.
    fn in_blocks(&self, calendar: &Calendar, mut take: impl FnMut(Part) -> io::Result<()>) -> io::Result<()> {
        let blocks = self.orders.div_ceil(BLOCK);
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
        thread::scope(|scope| {
            let makers: Vec<_> = (0..threads)
                .map(|first| {
                    let (give, taken) = sync_channel(2);
                    scope.spawn(move || {
                        let mut blocks = (first..blocks).step_by(usize::try_from(threads).expect("a few threads"));
                        // Nobody takes them any more when writing has failed.
                        blocks.all(|block| give.send(self.block(calendar, block)).is_ok())
                    });
                    taken
                })
                .collect();
            for maker in makers.iter().cycle().take(usize::try_from(blocks).expect("blocks can be counted")) {
                take(maker.recv().expect("a maker makes all its blocks"))?;
            }
            drop(makers);
            Ok(())
        })
    }

    fn block(&self, calendar: &Calendar, block: u64) -> Part {
        let until = ((block + 1) * BLOCK).min(self.orders);
        let until_second = if until == self.orders { i64::MAX } else { calendar.ordered(until).timestamp() };
        let mut part = Part::new(Keys::new(self.rotated), until_second);
        for index in block * BLOCK..until {
            story::tell(self, calendar, index, &mut part);
        }
        part
    }
}
