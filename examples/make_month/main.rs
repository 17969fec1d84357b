//! Writes a month of a made-up shop with planted breaks: orders, results of earlier runs, the notification log, the audit
//! job that reads them, and `planted.json`, which says what there is to find.
//!
//! `cargo run --release --example make_month -- --orders 1000000 --out DIR [--seed 7] [--shuffle SEED]`
//!
//! The same numbers give the same bytes: there is no clock, and the dice fall the same way every time. `--shuffle` writes
//! the same rows and lines in another order. Every signature is made with the simulator's key by the library itself.

#![expect(clippy::print_stdout, reason = "an example tells what it has written")]

mod month;

use std::path::PathBuf;

use clap::Parser;

use month::Month;

#[derive(Parser)]
struct Arguments {
    /// How many orders; 1,000 at least, for every kind of break has its place.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1_000..))]
    orders: u64,
    /// Where to write; made if it is not there.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Writes rows and lines in the order that this seed gives.
    #[arg(long)]
    shuffle: Option<u64>,
    /// No order stands in the file twice.
    #[arg(long)]
    no_repeats: bool,
    /// Some notifications name their order by its Request-Id or payment reference alone.
    #[arg(long)]
    weak_ties: bool,
    /// The secret key was changed on the eleventh; the job names both.
    #[arg(long)]
    rotated: bool,
}

fn main() -> std::io::Result<()> {
    let Arguments { orders, out, seed, shuffle, no_repeats, weak_ties, rotated } = Arguments::parse();
    let planted = Month { orders, seed, shuffle, repeats: !no_repeats, weak_ties, rotated }.write(&out)?;
    println!("{}", planted.text());
    Ok(())
}
