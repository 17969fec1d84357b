//! The audit of a generated month: `rekon reconcile` and the same in DuckDB, in turn, in one run.
//!
//! `cargo bench --bench reconcile -- --orders 1000000 [--rounds 5] [--memory 512MiB] [--hmac]`
//!
//! Each round runs every contestant once, so that what disturbs the machine disturbs all of them. What both find must be
//! what was planted, or there is no figure. Each rival is held against the rekon that is asked for as much: sums only, or a
//! row per order as well. The rival needs a Python that has the module `duckdb`; the variable
//! `REKON_BENCH_PYTHON` says which, else it is `python3`. Without the module only rekon is measured.
//!
//! The month has no order twice, which spares the rival a pass over them. How a process is measured stands in `child`.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it has measured")]

mod child;
#[path = "../../examples/make_month/month/mod.rs"]
mod month;

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use child::{Measured, measure};
use month::Month;

#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 1_000_000)]
    orders: u64,
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Handed to rekon.
    #[arg(long)]
    memory: Option<String>,
    /// The rival verifies signatures too, in a further variant.
    #[arg(long)]
    hmac: bool,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Everything that makes the month: if it changes, the one that was kept is not the same any more.
const GENERATOR: [&str; 9] = [
    include_str!("../../examples/make_month/month/mod.rs"),
    include_str!("../../examples/make_month/month/cases.rs"),
    include_str!("../../examples/make_month/month/lines.rs"),
    include_str!("../../examples/make_month/month/out.rs"),
    include_str!("../../examples/make_month/month/planted.rs"),
    include_str!("../../examples/make_month/month/rows.rs"),
    include_str!("../../examples/make_month/month/story.rs"),
    include_str!("../../examples/make_samples/dice.rs"),
    include_str!("../../examples/make_samples/shop.rs"),
];

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Counts and rupiah.
    Sums,
    /// The same, and a row per order.
    Rows,
}

/// Who takes part.
struct Contestant {
    name: &'static str,
    asked: Asked,
    command: Box<dyn Fn() -> Command>,
    /// What it must find, in its own words.
    expected: Value,
    /// Takes the same out of what it printed.
    found: fn(&Value) -> Value,
    exit_code: i32,
    rounds: Vec<Measured>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let folder = month_of(&arguments)?;
    write_sums(&folder)?;
    let planted: Value = serde_json::from_slice(&std::fs::read(folder.join("planted.json"))?)?;
    let mut contestants = Vec::from([Asked::Sums, Asked::Rows].map(|asked| {
        let memory = arguments.memory.clone();
        rekon(asked, &folder, &planted, memory)
    }));
    match python() {
        Ok(python) => contestants.extend(rivals(&python, &folder, &planted, arguments.hmac)),
        Err(why) => println!("DuckDB does not take part: {why}"),
    }
    // The first round warms the page cache and is not counted.
    for round in 0..=arguments.rounds {
        for contestant in &mut contestants {
            clear(&folder)?;
            let measured = contestant.run(round)?;
            if round > 0 {
                contestant.rounds.push(measured);
            }
        }
    }
    println!("{}", table(&arguments, &contestants));
    Ok(())
}

/// Removes what an earlier round has written: to put another file in the place of one of 170 MB takes 40 ms.
fn clear(folder: &Path) -> io::Result<()> {
    let rows = std::fs::remove_file(folder.join("duckdb-rows.csv"));
    let results = [rows, std::fs::remove_dir_all(folder.join("out"))];
    results
        .into_iter()
        .filter(|result| !matches!(result, Err(error) if error.kind() == io::ErrorKind::NotFound))
        .collect()
}

/// The month's folder below `target/`, made if it is not there.
fn month_of(arguments: &Arguments) -> io::Result<PathBuf> {
    let &Arguments { orders, seed, .. } = arguments;
    let hash = GENERATOR.iter().fold(Sha256::new(), Sha256::chain_update).finalize();
    let form = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("month-{orders}-{seed}-{form:08x}"));
    // It is written last.
    if !folder.join("planted.json").exists() {
        println!("making a month of {orders} orders in {}", folder.display());
        Month { orders, seed, repeats: false, ..Month::default() }.write(&folder)?;
    }
    Ok(folder)
}

/// The same job without its CSV files, for who asks for sums only.
const SUMS: &str = "sums.yaml";

fn write_sums(folder: &Path) -> io::Result<()> {
    let job = std::fs::read_to_string(folder.join("job.yaml"))?;
    let sums = job.replace("formats: [csv, json]", "formats: [json]");
    assert_ne!(job, sums, "the month's job says which files it wants");
    std::fs::write(folder.join(SUMS), sums)
}

fn rekon(asked: Asked, folder: &Path, planted: &Value, memory: Option<String>) -> Contestant {
    let (folder, as_of) = (folder.to_owned(), text(&planted["as_of"]));
    let (name, job) = match asked {
        Asked::Sums => ("rekon, sums, every HMAC", SUMS),
        Asked::Rows => ("rekon, a row per order, every HMAC", "job.yaml"),
    };
    let command = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekon"));
        command.current_dir(&folder).args(["reconcile", job, "--as-of", &as_of, "--quiet", "--json"]);
        command.args(memory.iter().flat_map(|memory| ["--memory", memory]));
        command
    };
    let found = |summary: &Value| {
        json!([summary["verdicts"], summary["states"], unproven(summary), summary["identity"]["holds"]])
    };
    Contestant {
        name,
        asked,
        command: Box::new(command),
        expected: json!([planted["verdicts"], planted["states"], unproven(planted), true]),
        found,
        exit_code: planted["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or_default(),
        rounds: Vec::new(),
    }
}

/// Lines that prove nothing; copies are not among them.
fn unproven(of: &Value) -> Value {
    let reasons = ["orphan", "invalid_signature", "malformed", "unverifiable", "other_client"];
    reasons.map(|reason| of["unmatched"][reason].clone()).into_iter().collect()
}

fn rivals(python: &Path, folder: &Path, planted: &Value, hmac: bool) -> Vec<Contestant> {
    let believed = "verdicts_if_signatures_are_believed";
    let variants = [
        ("DuckDB, sums, no HMAC", Asked::Sums, "counts", believed),
        ("DuckDB, a row per order, no HMAC", Asked::Rows, "rows", believed),
        ("DuckDB, a row per order, every HMAC", Asked::Rows, "hmac", "verdicts"),
    ];
    let all = variants.into_iter().filter(|(_, _, variant, _)| hmac || *variant != "hmac");
    all.map(|(name, asked, variant, expected)| {
        let (python, folder, as_of) = (python.to_owned(), folder.to_owned(), text(&planted["as_of"]));
        let command = move || {
            let mut command = Command::new(&python);
            command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reconcile/duckdb_month.py"));
            command.current_dir(&folder).args([".", "--as-of", &as_of, "--variant", variant]);
            command
        };
        // It names no verdict that no order has.
        let mut expected = planted[expected].clone();
        expected.as_object_mut().expect("verdicts by name").retain(|_, tally| tally["count"] != 0);
        let found = |said: &Value| said["verdicts"].clone();
        Contestant { name, asked, command: Box::new(command), expected, found, exit_code: 0, rounds: Vec::new() }
    })
    .collect()
}

/// A Python that has DuckDB.
fn python() -> Result<PathBuf, String> {
    let python = std::env::var_os("REKON_BENCH_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let asked = Command::new(&python).args(["-c", "import duckdb; print(duckdb.__version__)"]).output();
    match asked {
        Ok(output) if output.status.success() => {
            println!("DuckDB {}", String::from_utf8_lossy(&output.stdout).trim());
            Ok(python)
        }
        Ok(_) => Err(format!("{} has no module duckdb", python.display())),
        Err(error) => Err(format!("{}: {error}", python.display())),
    }
}

impl Contestant {
    /// Runs it once, and checks what it found.
    fn run(&self, round: u32) -> Result<Measured, Box<dyn Error>> {
        let (measured, output) = measure((self.command)())?;
        if output.status.code() != Some(self.exit_code) {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{}: {}, expected {}\n{why}", self.name, output.status, self.exit_code).into());
        }
        let said: Value = serde_json::from_slice(&output.stdout)?;
        let found = (self.found)(&said);
        if found != self.expected {
            return Err(format!("{}: found {found:#}\nplanted {:#}", self.name, self.expected).into());
        }
        let measured = Measured { inside: said["milliseconds"].as_u64().map(Duration::from_millis), ..measured };
        println!("round {round}: {:<36} {measured}", self.name);
        Ok(measured)
    }

    fn median<T: Ord + Copy>(&self, of: fn(&Measured) -> T) -> T {
        let mut all: Vec<T> = self.rounds.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    }
}

fn table(arguments: &Arguments, contestants: &[Contestant]) -> String {
    let head = format!(
        "\n{} orders, median of {} rounds; everybody found what was planted\n{:<36} {:>8} {:>8} {:>8} {:>8} {:>9} {:>11} {:>11}",
        arguments.orders,
        arguments.rounds,
        "",
        "wall s",
        "inside",
        "CPU s",
        "MiB",
        "ns/order",
        "CPU ns/ord.",
        "rekon / it"
    );
    let rekon = |asked: Asked| contestants.iter().find(|contestant| contestant.asked == asked);
    let nanos = |time: Duration| time.as_nanos() / u128::from(arguments.orders);
    contestants.iter().fold(head, |table, contestant| {
        let (wall, cpu) = (contestant.median(|measured| measured.wall), contestant.median(|measured| measured.cpu));
        let mebibytes = contestant.median(|measured| measured.peak_kibibytes) / 1024;
        let ours = rekon(contestant.asked).map_or(wall, |rekon| rekon.median(|measured| measured.wall));
        let percent = ours.as_nanos() * 100 / wall.as_nanos().max(1);
        let ratio = format!("{}.{:02}", percent / 100, percent % 100);
        let row = format!(
            "\n{:<36} {:>8} {:>8} {:>8} {mebibytes:>8} {:>9} {:>11} {ratio:>11}",
            contestant.name,
            child::seconds(wall),
            contestant.median(|measured| measured.inside).map(child::seconds).unwrap_or_default(),
            child::seconds(cpu),
            nanos(wall),
            nanos(cpu)
        );
        table + &row
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
