//! Every input of `fuzz/corpus`, of the fault folders and of the cases, and some mutations of them, through the targets of
//! `fuzz/src`. The same everywhere and every time; `REKON_FUZZ_SECONDS=240` goes on with further mutations for so long.
//!
//! An input that fails is written to a file, for the corpus; the message says where.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::process::Folder;
use crate::support::{files, repository};

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "for the fuzzer the same file is a library")]
mod targets;

use targets::{TARGETS, Target, unescaped};

/// Larger inputs are read, but not mutated.
const LARGEST: usize = 16 * 1024;

macro_rules! targets {
    ($($test:ident: $target:literal, $mutations:literal;)*) => {
        $(#[test]
        fn $test() {
            check($target, $mutations);
        })*

        /// The targets that a test names.
        const NAMED: &[&str] = &[$($target),*];
    };
}

targets! {
    orders_are_read_as_a_naive_reader_reads_them: "orders_csv", 500;
    a_cut_file_never_stands_for_other_orders: "orders_cut", 30;
    a_job_file_is_a_job_or_its_faults: "job_yaml", 1500;
    a_state_file_is_a_state_or_its_faults: "simulator_state", 1500;
    results_are_read_back_as_they_stand: "results_csv", 1500;
    only_a_signed_answer_about_our_order_proves_anything: "answer", 3000;
    only_a_signed_status_of_our_order_proves_anything: "inquiry", 3000;
    only_a_signed_notification_is_heard: "notification_log", 1000;
    nobody_makes_us_wait_longer_than_a_quarter_of_an_hour: "retry_after", 3000;
    values_are_the_same_when_written_and_read_again: "values", 20000;
}

#[test]
fn every_target_has_a_test() {
    let found: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(found, [NAMED, &["journal_file"]].concat());
}

#[test]
fn a_journal_that_was_changed_never_betters_what_is_in_doubt() {
    let folder = Folder::new();
    folder.write("orders.csv", "invoice_number,amount\nINV-1,90000\nINV-2,125000\n");
    folder.write("state.yaml", "orders: [{invoice_number: INV-1, amount: 90000, status: pending}]\nfaults: [{invoice_number: INV-1, times: 99, fault: unsigned}]\n");
    folder.write(
        "job.yaml",
        "job: base\noperation: cancel\nmerchant: {environment: simulator, state: state.yaml}\n\
         orders: {file: orders.csv}\nguards: {max_orders: 9, max_total: 900000}\nlimits: {rate: unlimited}\n\
         retries: {attempts: 1, inquire_after: 1ms, settle_for: 1ms}\n",
    );
    let ended = folder.rekon(&["run", "job.yaml"]);
    assert_eq!(ended.code, Some(3), "INV-1 is in doubt: {}{}", ended.stdout, ended.stderr);
    let journal = std::fs::read(folder.path(".rekon/journal.db")).expect("the journal");
    targets::JOURNAL_BASE.set(journal).expect("nobody else has set it");
    check("journal_file", 120);
}

/// Runs a target over its inputs and their mutations.
fn check(name: &str, mutations: u64) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let inputs = inputs(name);
    assert!(inputs.len() >= 3, "{name} has {} inputs", inputs.len());
    for (path, input) in &inputs {
        try_one(target, input, path);
    }
    let seeds: Vec<&[u8]> =
        inputs.iter().map(|(_, input)| input.as_slice()).filter(|input| input.len() <= LARGEST).collect();
    let words = words(target.dictionary);
    let until = until();
    for seed in 1.. {
        #[expect(clippy::disallowed_methods, reason = "whoever asks for more seconds means the clock's")]
        let more = until.map_or(seed <= mutations, |until| Instant::now() < until);
        if !more {
            break;
        }
        try_one(target, &mutated(seed, &seeds, &words), &format!("seed {seed}"));
    }
}

#[expect(clippy::disallowed_methods, reason = "the switch is for whoever runs the tests, not for the program")]
fn until() -> Option<Instant> {
    let seconds = std::env::var("REKON_FUZZ_SECONDS").ok()?;
    Some(Instant::now() + Duration::from_secs(seconds.parse().expect("REKON_FUZZ_SECONDS is a number")))
}

/// Runs one input; keeps it if the target fails.
fn try_one(target: &Target, input: &[u8], from: &str) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        let name = format!("{}-{}", target.name, from.replace(['/', ' '], "-"));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, input).expect("the input is kept");
        panic!("{} fails with {from}; its input is kept in {}", target.name, path.display());
    }
}

/// The inputs of a target: its corpus, and the files of its kind in the fault folders, the cases and the samples.
fn inputs(name: &str) -> Vec<(String, Vec<u8>)> {
    let endings: &[&str] = match name {
        "orders_csv" => &["orders.csv", "expected/results.csv"],
        "orders_cut" => &["orders.csv"],
        "job_yaml" => &["job.yaml", "jobs/template.yaml", "refund-nightly.yaml", "create-invoices.yaml"],
        "simulator_state" => &["scenario.yaml", "state.yaml", "simulator-create.yaml"],
        "results_csv" => &["results.csv", "results-refund-20261130.csv"],
        "notification_log" => &[".jsonl"],
        _ => &[],
    };
    let mut inputs: Vec<_> = files(&repository(&format!("fuzz/corpus/{name}"))).into_iter().collect();
    for folder in ["tests/faults", "tests/cases", "jobs", "examples/data"] {
        let found = files(&repository(folder)).into_iter().map(|(path, input)| (format!("{folder}/{path}"), input));
        inputs.extend(found.filter(|(path, _)| endings.iter().any(|ending| path.ends_with(ending))));
    }
    let mut seen = BTreeSet::new();
    inputs.retain(|(_, input)| seen.insert(input.clone()));
    inputs
}

/// The words of a dictionary: in quotes, one per line, `\x0A` for what is no text.
fn words(dictionary: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(repository("fuzz/dictionaries").join(dictionary)).expect("a dictionary");
    let word = |line: &str| line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).map(unescaped);
    text.lines().map(|line| word(line).unwrap_or_else(|| panic!("{dictionary}: {line}"))).collect()
}

/// A mutation of one of the seeds: the same for the same number.
fn mutated(number: u64, seeds: &[&[u8]], words: &[Vec<u8>]) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = |limit: usize| {
        // Xorshift; its upper half, for the lowest bits have patterns.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 32).unwrap_or_default() % limit.max(1)
    };
    let mut input = seeds[below(seeds.len())].to_vec();
    for _ in 0..=below(4) {
        let at = below(input.len() + 1);
        let end = at + below((input.len() - at).min(40) + 1);
        match below(7) {
            0 if at < input.len() => input[at] ^= 1 << below(8),
            1 => drop(input.drain(at..end)),
            2 => {
                let copy = input[at..end].to_vec();
                input.splice(at..at, copy).for_each(drop);
            }
            3 => input.truncate(at),
            4 => {
                let other = seeds[below(seeds.len())];
                let from = below(other.len() + 1);
                let part = &other[from..(from + below(60)).min(other.len())];
                input.splice(at..end, part.iter().copied()).for_each(drop);
            }
            5 => drop(input.splice(at..end, words[below(words.len())].iter().copied())),
            _ => drop(input.splice(at..at, words[below(words.len())].iter().copied())),
        }
    }
    input
}

#[test]
fn the_same_seed_makes_the_same_input_and_another_mostly_another() {
    let seeds: Vec<&[u8]> = vec![b"invoice_number,amount\nINV-1,90000\n", b"a;b\n"];
    let make = || (1..=200).map(|number| mutated(number, &seeds, &words("orders.dict"))).collect::<Vec<_>>();
    let made = make();
    assert_eq!(made, make());
    let distinct: BTreeSet<_> = made.iter().collect();
    assert!(distinct.len() > 150, "{} of 200 are distinct", distinct.len());
}
