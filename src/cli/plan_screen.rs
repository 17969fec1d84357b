//! A plan on the screen: rows per disposition, guards with their headroom, how long it takes, and why it may not be run.

use super::exit::Failure;
use super::load::{Case, Loosening};
use super::screen::{Screen, Tone};
use crate::edge::clock::SystemClock;
use crate::job::settings::{DuplicateInput, OnInvalid};
use crate::model::fault::printable;
use crate::model::language::Language;
use crate::model::time::{Timestamp, wire};
use crate::plan::eta::{self, Eta, Opening};
use crate::plan::guard::Reading;
use crate::plan::{DUPLICATE, Plan};
use crate::report::markdown::{self, Standing};
use crate::report::table;
use crate::report::words::both::{self, Both, Told as _, both};
use crate::report::words::speech::{Speech, Unit};
use crate::runner::clock::Clock as _;

/// Prints rows per disposition and every guard with its headroom.
pub(super) fn show(case: &Case, plan: &Plan, screen: Screen) {
    screen.say(&format!("{}\n", screen.tone(Tone::Title, &title(case, plan))));
    let words = case.words();
    screen.say(&table::plan(&plan.dispositions(), &plan.guards, words));
    if let Some(text) = left_out(plan) {
        screen.say(&format!("\n{}", printable(screen.told(&text))));
    }
    let overridden = words.overrides(&case.overridden(plan));
    if !overridden.is_empty() {
        screen.say(&format!("\n{}", screen.tone(Tone::Bad, &overridden)));
    }
    let now = SystemClock.now();
    let eta = eta(case, plan, now);
    screen.say(&format!("\n{}", (words.eta)(&eta)));
    if let Some(trouble) = (words.trouble)(&eta, now) {
        screen.warn(&format!("{}: {trouble}", case.file));
    }
    let warns = case.guards().is_some_and(|guards| guards.duplicate_input == DuplicateInput::Warn);
    if let Some(run) = plan.repeats.as_ref().filter(|_| warns) {
        let file = &case.file;
        screen.warn(&both(
            format!("{file}: run {run} is done with the same input; is this the right file?"),
            format!("{file}: proses {run} sudah selesai dengan data masukan yang sama; apakah berkasnya benar?"),
        ));
    }
    let open = plan.left_open();
    if open.count > 0 {
        screen.say(&format!("\n{}", (words.left_open)(open)));
    }
    let files = &case.job.notifications.files;
    if case.refuses_paid() && plan.notified == 0 && !files.is_empty() {
        let (file, files) = (&case.file, files.join(", "));
        screen.warn(&both(
            format!("{file}: no notification was found in {files}, so refuse_paid holds nothing back"),
            format!("{file}: tidak ada notifikasi di {files}, jadi refuse_paid tidak menahan apa pun"),
        ));
    }
    if plan.on_invalid == OnInvalid::Skip {
        screen.left_out(plan.faults.iter());
    }
}

/// The plan to be told to others.
pub(super) fn paper(case: &Case, plan: &Plan) -> String {
    let name = title(case, plan);
    let words = case.words();
    let overridden = words.overrides(&case.overridden(plan));
    let eta = (words.eta)(&eta(case, plan, SystemClock.now()));
    let standing = if plan.may_run() { Standing::MayRun } else { Standing::MayNotRun };
    let left_out = left_out(plan).map(|text| text.told(case.language).to_owned()).unwrap_or_default();
    let notes = [&left_out, &overridden, &eta].map(String::as_str);
    markdown::plan(&name, standing, (&plan.dispositions(), &plan.guards), &notes, words)
}

/// So many reasons are told; a plan for machines has the reason of every row.
const FEW: usize = 3;

/// Why rows are left out, by `where` above all; `None` if none are.
fn left_out(plan: &Plan) -> Option<Both> {
    let found = plan.left_out();
    let (told, rest) = found.split_at(found.len().min(FEW));
    let mut parts: Vec<Both> = told
        .iter()
        .map(|one| {
            let Both { english, indonesian } = both::counted(one.rows, Unit::Rows);
            both(
                format!("{english}, {}", one.reason),
                format!(
                    "{indonesian}, {}",
                    if one.reason == DUPLICATE { "mengulang baris sebelumnya" } else { &one.reason }
                ),
            )
        })
        .collect();
    let others: u64 = rest.iter().map(|one| one.rows).sum();
    if others > 0 {
        let Both { english, indonesian } = both::counted(others, Unit::Rows);
        parts.push(both(format!("{english} for other reasons"), format!("{indonesian} karena alasan lain")));
    }
    let joined = |word: fn(&Both) -> &str| parts.iter().map(word).collect::<Vec<_>>().join("; ");
    let (english, indonesian) = (joined(|part| &part.english), joined(|part| &part.indonesian));
    (!parts.is_empty()).then(|| both(format!("left out: {english}"), format!("dikecualikan: {indonesian}")))
}

fn title(case: &Case, plan: &Plan) -> String {
    let (job, words) = (&case.job, case.words());
    words.title(job.name.as_str(), plan.operation.word(), job.merchant.environment.word(), words.plan)
}

/// How long the calls of a plan take.
fn eta(case: &Case, plan: &Plan, now: Timestamp) -> Eta {
    eta::estimate(&case.job, plan.total().count, plan.unproved(), plan.open_elsewhere, now)
}

/// The same for machines.
pub(super) fn eta_document(case: &Case, plan: &Plan) -> serde_json::Value {
    let now = SystemClock.now();
    let eta = eta(case, plan, now);
    let window =
        eta.hours.map(|hours| serde_json::json!({ "open": hours.state == Opening::Open, "until": wire(hours.until) }));
    serde_json::json!({
        "text": eta.to_string(), "calls": eta.calls, "left_open_elsewhere": eta.elsewhere, "canaries": eta.canaries, "seconds": eta.takes.as_secs(), "rate": eta.rate,
        "window": window, "trouble": eta.trouble(now),
    })
}

/// Why a plan may not be run: faults of the input, or guards that are broken.
pub(super) fn why_not(case: &Case, plan: &Plan) -> Failure {
    if plan.on_invalid == OnInvalid::Refuse && !plan.faults.is_empty() {
        return Failure::Faults(plan.faults.clone());
    }
    let broken = |words: &Speech| why_broken(case, plan, words);
    Failure::Guards(both(broken(Speech::of(Language::English)), broken(Speech::of(Language::Indonesian))))
}

/// The guards that are broken, and how the plan could be run all the same.
fn why_broken(case: &Case, plan: &Plan, words: &Speech) -> String {
    let broken = plan.guards.iter().filter(|reading| !reading.holds());
    let place = |reading: &Reading| {
        let section = if reading.key() == "control" { "orders" } else { "guards" };
        case.place(&format!("{section}.{}", reading.guard))
    };
    let lines = broken.clone().map(|reading| format!("{}: {}", place(reading), (words.broken_guard)(reading)));
    // A file that does not add up is not the one that was meant, whatever else is loosened.
    let mut keys: Vec<&str> = broken.map(Reading::key).collect();
    keys.dedup();
    let mut flags: Vec<String> = Vec::new();
    if !matches!(case.loosening, Loosening::NotOffered) && !keys.contains(&"control") {
        let value = |key: &str| match key {
            "duplicate_input" => "allow",
            "max_growth" => "FACTOR",
            _ => "LIMIT",
        };
        flags = keys.iter().map(|key| format!("--override {key}={}", value(key))).collect();
    }
    let hint = format!("  {}", (words.guard_hint)(&flags.join(" ")));
    lines.chain([hint]).collect::<Vec<_>>().join("\n")
}
