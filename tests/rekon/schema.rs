//! `rekon schema`: its keys and words are those of the reader of jobs, its descriptions those of the template, and every job of
//! the repository is good by it.

use std::path::PathBuf;

use rekon::job::parse;
use serde_json::Value;

use crate::jobs::{STRANGER, keys_of_the_reader};
use crate::pattern::fits;
use crate::support::{entries, files, rekon, repository};

const EDITOR_LINE: &str = "# yaml-language-server: $schema=rekon.schema.json\n";

fn schema() -> Value {
    let text = std::fs::read_to_string(repository("jobs/rekon.schema.json")).expect("the schema is there");
    serde_json::from_str(&text).expect("the schema is JSON")
}

/// The way to a value of a job.
#[derive(Clone)]
enum Step {
    Key(String),
    Item,
}

/// Every part of the schema, with the way to what it is about.
fn parts<'a>(schema: &'a Value, node: &'a Value, way: &[Step], found: &mut Vec<(Vec<Step>, &'a Value)>) {
    let node = resolved(schema, node);
    found.push((way.to_vec(), node));
    let on = |step: Step| way.iter().cloned().chain([step]).collect::<Vec<_>>();
    for (key, inner) in node["properties"].as_object().into_iter().flatten() {
        parts(schema, inner, &on(Step::Key(key.clone())), found);
    }
    if node["items"].is_object() {
        parts(schema, &node["items"], &on(Step::Item), found);
    }
    if node["additionalProperties"].is_object() {
        parts(schema, &node["additionalProperties"], &on(Step::Key("any".to_owned())), found);
    }
    for branch in node["anyOf"].as_array().into_iter().flatten() {
        parts(schema, branch, way, found);
    }
}

fn resolved<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    let name = node["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/"));
    name.map_or(node, |name| &schema["$defs"][name])
}

/// Whether a value is good by the schema.
fn is_good(schema: &Value, node: &Value, value: &Value) -> bool {
    let most = node["maximum"].as_i64().zip(value.as_i64()).is_none_or(|(most, value)| value <= most);
    let in_form =
        |node: &Value| node["pattern"].as_str().zip(value.as_str()).is_none_or(|(pattern, text)| fits(pattern, text));
    // Beside a reference there may be one more.
    let fits_beside = in_form(node);
    let node = resolved(schema, node);
    let good = |inner: &Value, value: &Value| is_good(schema, inner, value);
    let kinds: Vec<&str> = match &node["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_of = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        other => panic!("the schema has the type {other}"),
    };
    let has = |key: &Value| key.as_str().is_some_and(|key| value.get(key).is_some());
    let all = |list: &Value, holds: &dyn Fn(&Value) -> bool| list.as_array().is_none_or(|list| list.iter().all(holds));
    let matching = |list: &Value| list.as_array().map(|list| list.iter().filter(|inner| good(inner, value)).count());
    let entries = || value.as_object().into_iter().flatten();
    let entry = |(key, value): (&String, &Value)| match (&node["properties"][key], &node["additionalProperties"]) {
        (Value::Null, Value::Bool(false)) => false,
        (Value::Null, Value::Null) => true,
        (Value::Null, other) => good(other, value),
        (inner, _) => good(inner, value),
    };
    let condition = |node: &Value| node["if"].is_null() || good(&node["if"], value) || good(&node["else"], value);
    let least = node["minimum"].as_i64().zip(value.as_i64()).is_none_or(|(least, value)| least <= value);
    (kinds.is_empty() || kinds.iter().any(is_of))
        && (node["enum"].is_null() || node["enum"].as_array().is_some_and(|words| words.contains(value)))
        && (node["const"].is_null() || node["const"] == *value)
        && all(&node["required"], &has)
        && entries().all(entry)
        && value
            .as_array()
            .is_none_or(|items| node["items"].is_null() || items.iter().all(|item| good(&node["items"], item)))
        && matching(&node["anyOf"]).is_none_or(|count| count > 0)
        && matching(&node["oneOf"]).is_none_or(|count| count == 1)
        && condition(node)
        && node["minProperties"].as_u64().is_none_or(|least| entries().count() as u64 >= least)
        && least
        && most
        && fits_beside
        && in_form(node)
}

fn is_good_job(text: &str) -> bool {
    let job: Value = serde_yaml::from_str(text).expect("the job is YAML");
    let schema = schema();
    is_good(&schema, &schema, &job)
}

#[test]
fn it_has_the_keys_of_the_reader_and_no_others() {
    let schema = schema();
    let mut found = Vec::new();
    parts(&schema, &schema, &[], &mut found);
    let mut keys: Vec<Vec<String>> = Vec::new();
    for (way, node) in &found {
        let named = |step: &Step| if let Step::Key(key) = step { Some(key.clone()) } else { None };
        let path: Vec<String> = way.iter().filter_map(named).collect();
        let within = node["properties"].as_object().into_iter().flatten();
        keys.extend(within.map(|(key, _)| path.iter().chain([key]).cloned().collect()));
    }
    keys.sort();
    keys.dedup();
    let lines = |keys: &[Vec<String>]| keys.iter().map(|path| path.join(" > ")).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(&keys), lines(&keys_of_the_reader()));
}

#[test]
fn it_has_the_words_of_the_reader_in_its_order() {
    let schema = schema();
    let mut found = Vec::new();
    parts(&schema, &schema, &[], &mut found);
    let mut compared = 0;
    for (way, node) in found {
        let Some(words) = node["enum"].as_array() else { continue };
        let mut words: Vec<String> =
            words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect();
        words.dedup();
        if words.len() == 1 {
            // A word beside another form: the reader names the form.
            continue;
        }
        // true and "true" are the same to the reader.
        if words[0] == "true" {
            words.truncate(2);
        }
        let text = way.iter().rev().fold(STRANGER.to_owned(), |inside, step| match step {
            Step::Key(key) => format!("{{{key}: {inside}}}"),
            Step::Item => format!("[{inside}]"),
        });
        // Of a tab people see its name, and signs stand in quotes.
        words.retain(|word| word != "\t");
        for word in words.iter_mut().filter(|word| !word.contains(char::is_alphanumeric)) {
            *word = format!("{word:?}");
        }
        let faults = parse("job.yaml", &text).expect_err("a stranger is no word");
        let told = faults.iter().find_map(|fault| fault.message.split_once(&format!("{STRANGER:?} is none of ")));
        assert_eq!(told.map(|(_, told)| told), Some(words.join(", ").as_str()), "{text}");
        compared += 1;
    }
    assert!(compared >= 12, "only {compared} lists of words were found");
}

#[test]
fn its_descriptions_stand_in_the_template() {
    let template = std::fs::read_to_string(repository("jobs/template.yaml")).expect("the template is there");
    let comments: Vec<&str> = template
        .lines()
        .filter_map(|line| line.rsplit_once("# ").map(|(_, comment)| comment.trim_start_matches('#').trim()))
        .collect();
    let comments = comments.join(" ");
    let mut described = Vec::new();
    descriptions(&schema(), &mut described);
    let strangers: Vec<&String> = described.iter().filter(|text| !comments.contains(text.as_str())).collect();
    assert!(strangers.is_empty(), "not in the template: {strangers:#?}");
    assert!(described.len() > 60);
}

fn descriptions(node: &Value, found: &mut Vec<String>) {
    found.extend(node["description"].as_str().map(str::to_owned));
    node.as_object().into_iter().flatten().for_each(|(_, inner)| descriptions(inner, found));
    node.as_array().into_iter().flatten().for_each(|inner| descriptions(inner, found));
}

#[test]
fn every_job_of_the_repository_is_good_by_it_and_those_for_people_name_it() {
    let is_job = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "yaml");
    let mut jobs: Vec<PathBuf> = entries(&repository("jobs")).into_iter().filter(is_job).collect();
    jobs.extend(entries(&repository("src/cli/init")).into_iter().filter(is_job));
    for path in &jobs {
        let text = std::fs::read_to_string(path).expect("a job");
        assert!(is_good_job(&text), "{}", path.display());
        assert!(text.starts_with(EDITOR_LINE), "{} does not name the schema", path.display());
    }
    for (path, bytes) in files(&repository("tests/cases")) {
        if path.ends_with("job.yaml") {
            assert!(is_good_job(&String::from_utf8(bytes).expect("a job is text")), "{path}");
        }
    }
}

#[test]
fn a_job_that_is_wrong_is_wrong_by_it() {
    let good = "job: a\noperation: refund\nmerchant: {environment: simulator}\norders: {file: a.csv}\n\
                guards: {max_orders: 1, max_total: 2}\n";
    assert!(is_good_job(good));
    for (from, to) in [
        ("operation: refund", "operation: refunds"),
        ("operation: refund\n", ""),
        ("job: a", "jobs: a"),
        ("max_orders: 1, ", ""),
        ("job: a", "limits: {concurrency: 1025}\njob: a"),
        ("job: a", "canary: 1000000000\njob: a"),
        ("max_orders: 1", "max_orders: 0"),
        ("max_orders: 1", "max_orders: 1.5"),
        ("max_orders: 1", "max_order: [1]"),
        ("{file: a.csv}", "{file: a.csv, rows: []}"),
        ("{file: a.csv}", "{file: a.csv, control: {}}"),
        ("{file: a.csv}", "{file: a.csv, where: [{invoice: [a]}]}"),
        ("{file: a.csv}", "{file: a.csv, columns: {amount: {values: x}}}"),
        ("environment: simulator", "environment: sandbox"),
        ("guards: {max_orders: 1, max_total: 2}\n", ""),
    ] {
        let wrong = good.replacen(from, to, 1);
        assert_ne!(wrong, good);
        assert!(!is_good_job(&wrong), "{wrong}");
    }
    assert!(is_good_job(&good.replace("refund", "audit").replace("guards: {max_orders: 1, max_total: 2}\n", "")));
}

/// Numbers around a bound: those beside it, and those that differ from it in one digit.
fn around(bound: u64) -> Vec<u64> {
    let digits = bound.to_string();
    let mut found = vec![0, 1, 9, 10, bound - 1, bound, bound + 1, bound / 10, bound * 10];
    for (index, digit) in digits.bytes().enumerate() {
        for other in [digit - 1, digit + 1].into_iter().filter(u8::is_ascii_digit) {
            for rest in ["0", "9"] {
                let number =
                    format!("{}{}{}", &digits[..index], char::from(other), rest.repeat(digits.len() - index - 1));
                found.push(number.parse().expect("digits"));
            }
        }
    }
    found
}

#[test]
fn it_takes_the_rates_and_spans_that_the_reader_takes_and_no_others() {
    let job = |key: &str, value: &str| {
        let (section, key) = key.split_once('.').expect("a section and a key");
        format!(
            "job: a\noperation: refund\nmerchant: {{environment: simulator}}\norders: {{file: a.csv}}\n\
             guards: {{max_orders: 1, max_total: 2}}\n{section}: {{{key}: {value}}}\n"
        )
    };
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let spans = |longest: u64| -> Vec<String> {
        let units = units.into_iter().filter(|(_, size)| *size <= longest);
        let of = |(unit, size)| around(longest / size).into_iter().map(move |n| format!("{n}{unit}"));
        let mut spans: Vec<String> = units.flat_map(of).collect();
        spans.extend(["007s", "00s", "5", "s", "5 s", "-5s", "1.5s", "5w", "5S"].map(str::to_owned));
        spans
    };
    let (call, wait, horizon) = (600_000, 86_400_000, 30 * 86_400_000);
    let mut cases: Vec<(&str, Vec<String>)> = vec![
        ("limits.timeout", spans(call)),
        ("retries.horizon", spans(horizon)),
        ("retries.inquire_after", spans(wait)),
        ("retries.settle_for", spans(wait)),
        ("retries.backoff", spans(wait).into_iter().map(|most| format!("0ms..{most}")).collect()),
        // A backoff does not shrink; by the schema it may.
        ("retries.backoff", vec!["1d..1d".into(), "25h..2d".into(), "2d..3d".into(), "5s".into(), "1s..".into()]),
    ];
    for (unit, seconds) in [("s", 1), ("m", 60), ("h", 3600)] {
        cases.push(("limits.rate", around(100_000 * seconds).iter().map(|n| format!("{n}/{unit}")).collect()));
    }
    cases.push(("limits.rate", ["05/s", "5/d", "5", "/s", "5/ s", "-5/s", "unlimited"].map(str::to_owned).to_vec()));
    let mut taken = 0;
    for (key, values) in cases {
        for value in values {
            let text = job(key, &value);
            let is_taken = parse("job.yaml", &text).is_ok();
            assert_eq!(is_good_job(&text), is_taken, "{key}: {value}");
            taken += u32::from(is_taken);
        }
    }
    assert!(taken > 100, "{taken} were taken");
}

#[test]
fn it_is_printed_as_it_is_and_init_brings_it_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let expected = std::fs::read_to_string(repository("jobs/rekon.schema.json")).expect("the schema is there");
    for arguments in [&["schema"][..], &["schema", "--json"]] {
        let printed = rekon(folder.path(), arguments, &[]);
        assert_eq!((printed.code, printed.stdout.as_str()), (0, expected.as_str()));
    }
    assert_eq!(rekon(folder.path(), &["init", "refund"], &[]).code, 0);
    let path = folder.path().join("rekon.schema.json");
    assert_eq!(std::fs::read_to_string(&path).expect("init wrote it"), expected);
    std::fs::write(&path, "{}").expect("a file");
    let again = rekon(folder.path(), &["init", "cancel"], &[]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(!again.stdout.contains("rekon.schema.json"));
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "{}");
}
