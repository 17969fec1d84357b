//! The job files in `jobs/`: all of them are good, and the template says what the code says.

use std::path::PathBuf;

use rekon::job::places::Places;
use rekon::job::settings::Source;
use rekon::job::{Job, parse};

use crate::support::{entries, rekon, repository};

/// No key of a job file is like it, so that the reader lists those that it knows.
pub(crate) const STRANGER: &str = "qqqqqqqqqqqqqqqqqqqq";

fn job_files() -> Vec<PathBuf> {
    let is_job = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "yaml");
    entries(&repository("jobs")).into_iter().filter(is_job).collect()
}

fn template() -> String {
    std::fs::read_to_string(repository("jobs/template.yaml")).expect("jobs/template.yaml is there")
}

fn good(text: &str) -> Job {
    let told = |faults: Vec<rekon::model::fault::Fault>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    parse("job.yaml", text).unwrap_or_else(|faults| panic!("{}", told(faults).join("\n")))
}

/// The job with everything left out that can be left out.
fn minimal(job: &Job) -> String {
    let Source::File(file) = &job.orders.source else { panic!("the template names a file of orders") };
    let guards = job.guards.as_ref().expect("the template changes money");
    format!(
        "job: {}\noperation: {}\nmerchant: {{environment: {}}}\norders: {{file: \"{file}\"}}\n\
         guards: {{max_orders: {}, max_total: {}}}\n",
        job.name,
        job.task,
        job.merchant.environment,
        guards.max_orders,
        guards.max_total.whole()
    )
}

#[test]
fn every_job_passes_the_check() {
    let files = job_files();
    assert!(!files.is_empty(), "jobs/ has no job files");
    for file in files {
        let ran = rekon(&repository(""), &["check", &file.to_string_lossy()], &[]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", file.display());
    }
}

#[test]
fn the_template_writes_out_the_defaults_of_the_code() {
    let wherever = |text: &str| Job { places: Places::default(), ..good(text) };
    let written = wherever(&template());
    assert_eq!(written, wherever(&minimal(&written)));
}

#[test]
fn the_template_has_every_key_that_the_reader_knows() {
    let (template, keys) = (template(), known_keys());
    let missing: Vec<String> =
        keys.iter().filter(|path| !documents(&template, path)).map(|path| path.join(".")).collect();
    assert!(missing.is_empty(), "jobs/template.yaml does not have {missing:?}");
}

#[test]
fn the_reader_is_asked_for_keys_at_every_depth() {
    let known: Vec<String> = known_keys().iter().map(|path| path.join(".")).collect();
    for key in [
        "journal",
        "merchant.state",
        "orders.format.delimiter",
        "orders.columns.customer.postcode",
        "orders.columns.value",
        "orders.where.at_most",
        "orders.where.older_than",
        "orders.control.rows",
        "guards.max_share",
        "settlement.type",
    ] {
        assert!(known.iter().any(|known| known == key), "{key} is not in {known:?}");
    }
}

#[test]
fn a_key_is_found_in_its_own_section_only_commented_or_not() {
    let text = "job: x\norders:\n  file: a   # text\n  # control:\n  #   rows: 12\n# window:\n#   zone: UTC\noutput: {formats: [csv]}\n";
    let has = |path: &[&str]| documents(text, &path.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
    for path in
        [&["job"][..], &["orders", "file"], &["orders", "control", "rows"], &["window", "zone"], &["output", "formats"]]
    {
        assert!(has(path), "{path:?}");
    }
    for path in
        [&["limits"][..], &["orders", "zone"], &["orders", "row"], &["window", "rows"], &["output", "file"], &["file"]]
    {
        assert!(!has(path), "{path:?}");
    }
}

/// Every key of a job file as the template shows it.
fn known_keys() -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = keys_of_the_reader().iter().map(|path| documented_as(path)).collect();
    found.sort();
    found.dedup();
    found
}

/// Every key of a job file with the sections around it, as the reader tells when it is given a stranger.
pub(crate) fn keys_of_the_reader() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    explore(&[], &|inside| inside.to_owned(), &mut found);
    found.sort();
    found.dedup();
    found
}

/// Looks for keys inside the section that `write` writes a text into.
fn explore(path: &[String], write: &dyn Fn(&str) -> String, found: &mut Vec<Vec<String>>) {
    let (as_map, as_list) = (format!("{{{STRANGER}: 1}}"), format!("[{{{STRANGER}: 1}}]"));
    for (probe, is_list) in [(as_map, false), (as_list, true)] {
        let keys = keys_told(&write(&probe));
        for key in &keys {
            let inner: Vec<String> = path.iter().chain([key]).cloned().collect();
            found.push(inner.clone());
            let within = |inside: &str| {
                let entry = format!("{{{key}: {inside}}}");
                write(&if is_list { format!("[{entry}]") } else { entry })
            };
            explore(&inner, &within, found);
        }
        if !keys.is_empty() {
            return;
        }
    }
}

/// Whatever field it is: `where` takes the fields of `columns`, and any of these may be a constant.
fn documented_as(path: &[String]) -> Vec<String> {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    let shown: &[&str] = match words[..] {
        ["orders", "where", _] => &["orders", "where"],
        ["orders", "where", _, key] => &["orders", "where", key],
        ["orders", "columns", _, key] => &["orders", "columns", key],
        _ => &words,
    };
    shown.iter().map(|word| (*word).to_owned()).collect()
}

fn keys_told(text: &str) -> Vec<String> {
    let faults = parse("job.yaml", text).err().unwrap_or_default();
    let told = faults.iter().find(|fault| fault.message.contains(STRANGER)).and_then(|fault| fault.hint.as_deref());
    let keys = told.and_then(|hint| hint.strip_prefix("known keys: "));
    keys.map(|keys| keys.split(", ").map(str::to_owned).collect()).unwrap_or_default()
}

/// Whether the template shows a key in its section, as a key or in the text beside it, commented or not.
fn documents(template: &str, path: &[String]) -> bool {
    let (first, inner) = path.split_first().expect("a path has a key");
    let top = |line: &str| line.strip_prefix("# ").unwrap_or(line).split_once(':').map(|(key, _)| key.to_owned());
    let is_top =
        |line: &&str| top(line).is_some_and(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase()));
    let mut lines = template.lines().skip_while(|line| top(line).as_ref() != Some(first));
    let Some(head) = lines.next() else { return false };
    let section: Vec<&str> = std::iter::once(head).chain(lines.take_while(|line| !is_top(line))).collect();
    let text = section.join("\n");
    let mut rest = text.as_str();
    inner.iter().all(|key| match after_word(rest, key) {
        Some(after) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// What follows a word's first occurrence as a whole word.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let joins = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    text.match_indices(word).find_map(|(start, _)| {
        let end = start + word.len();
        let before = start.checked_sub(1).is_some_and(|index| joins(text.as_bytes()[index]));
        let after = text.as_bytes().get(end).is_some_and(|byte| joins(*byte));
        (!before && !after).then(|| &text[end..])
    })
}
