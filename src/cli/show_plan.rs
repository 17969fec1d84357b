//! `rekon show plan.json`: what a saved plan will do, and whether it may still be run.

use std::path::Path;

use super::args::Common;
use super::bind::{Bound, VERSION, expiry_text, sign_command};
use super::embed;
use super::exit::{DONE, Failure};
use super::load::{self, Case};
use super::open::{self, Place};
use super::planning::make_plan;
use super::screen::{Screen, Tone};
use crate::edge::clock::SystemClock;
use crate::journal::log::short;
use crate::journal::store::Store;
use crate::model::fault::printable;
use crate::model::language::Language;
use crate::model::money::Rupiah;
use crate::model::operation::Task;
use crate::model::time::{Timestamp, for_people};
use crate::plan::agree::Turn;
use crate::plan::approval::approvals;
use crate::plan::binding::Cover;
use crate::plan::guard::counted;
use crate::report::table;
use crate::report::words::both::{self, Both, both};
use crate::report::words::saved::phrase;
use crate::report::words::speech::Unit;
use crate::runner::clock::Clock as _;

/// What is known of a saved plan beyond its own words.
struct Standing {
    /// Why it may not be run; empty if it may.
    against: Vec<Both>,
    /// The runs that it may continue.
    continues: Vec<String>,
    /// Whether the job was named, so that everything was compared.
    compared: bool,
    /// The job's language.
    language: Option<Language>,
}

/// `rekon show plan.json [--job JOB]`.
pub(super) async fn show(path: &Path, job: Option<&Path>, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let bound = Bound::open(path)?;
    let standing = standing(&bound, job, common).await?;
    print(&bound, &standing, standing.language.map_or(screen, |language| screen.speaking(language)));
    let cover = &bound.cover;
    let approved = approvals(bound.judged());
    let worthless = bound.judged().iter().filter_map(|one| {
        let why = one.verdict.as_ref().err()?;
        Some(serde_json::json!({ "file": one.file, "why": why.to_string() }))
    });
    let against: Vec<&str> = standing.against.iter().map(|why| &*why.english).collect();
    let document = serde_json::json!({
        "version": 1, "digest": cover.digest, "job": cover.job.name, "operation": cover.operation,
        "environment": cover.environment, "total": cover.total, "made_by": cover.made_by, "made_at": cover.made_at,
        "expires_at": cover.expires_at, "need": cover.approval.need, "approved_by": approved,
        "worthless": worthless.collect::<Vec<_>>(), "may_run": standing.against.is_empty(), "against": against,
        "continues": standing.continues, "compared_with_job": standing.compared,
    });
    screen.document(document.to_string().as_bytes());
    Ok(DONE)
}

/// Compares a plan with the clock and the journal, and with the job if one is named, as a run would.
async fn standing(bound: &Bound, job: Option<&Path>, common: &Common) -> Result<Standing, Failure> {
    let now = SystemClock.now();
    let mut standing = Standing { against: Vec::new(), continues: Vec::new(), compared: job.is_some(), language: None };
    let Some(job) = job else {
        against_itself(bound, now, &mut standing.against);
        let place = Place::of(None, common)?;
        if let Some(journal) = Store::open_to_read(&place.location).await.map_err(open::failure)? {
            used(bound, &journal, &mut standing).await?;
        }
        lacks_approvals(bound, &mut standing.against);
        return Ok(standing);
    };
    let mut case = load::case(job, common, now)?;
    standing.language = Some(case.language);
    bound.lends_its_date(&mut case, common);
    let case = case.loosened_by(&bound.cover.overrides)?;
    let Task::Change(operation) = case.job.task else {
        return Err(Failure::Refused(format!("{}: an audit has no plans", case.file)));
    };
    case.credentials().map_err(|failure| needs_no_keys(failure, &bound.name()))?;
    let input = case.input(bound.cover.made())?;
    standing.against = bound.stale(&case, operation, &input, now)?.into_iter().map(Both::same).collect();
    let journal = Store::open_to_read(&case.journal).await.map_err(open::failure)?;
    let turn = match &journal {
        Some(journal) => used(bound, journal, &mut standing).await?,
        None => Turn::First,
    };
    if standing.against.is_empty() {
        let credentials = case.credentials()?;
        let account = case.account(&credentials, operation);
        let log = case.log(&credentials, embed::log_of(&case).as_deref())?;
        let plan = make_plan(&case, &account, input, &log, journal.as_ref(), now).await?;
        let differs = bound.differs(&case, &account, journal.as_ref(), &plan, &turn).await?;
        standing.against.extend(differs.map(Both::same));
        if !plan.may_run() {
            standing.against.push(both(
                "a guard is broken, or the input is bad",
                "ada batas yang dilanggar, atau data masukannya salah",
            ));
        }
    }
    lacks_approvals(bound, &mut standing.against);
    Ok(standing)
}

/// An approver has no keys, and needs none.
fn needs_no_keys(failure: Failure, plan: &str) -> Failure {
    let Failure::Faults(mut faults) = failure else { return failure };
    if let Some(hint) = faults.last_mut().and_then(|fault| fault.hint.as_mut()) {
        *hint = format!("{hint}; who looks at the plan to sign it needs neither keys nor orders: rekon show {plan}");
    }
    Failure::Faults(faults)
}

/// What can be said without the job.
fn against_itself(bound: &Bound, now: Timestamp, against: &mut Vec<Both>) {
    let (expires, rekon) = (bound.cover.expires(), &bound.cover.rekon);
    if now > expires {
        against.push(both(
            format!("it expired at {}", for_people(expires)),
            format!("masa berlakunya habis pada {}", Language::Indonesian.time(expires)),
        ));
    }
    if rekon != VERSION {
        against.push(both(
            format!("it was made by rekon {rekon}, and this is {VERSION}"),
            format!("dibuat oleh rekon {rekon}, sedangkan ini {VERSION}"),
        ));
    }
}

async fn used(bound: &Bound, journal: &Store, standing: &mut Standing) -> Result<Turn, Failure> {
    let turn = bound.turn(journal).await?;
    match &turn {
        Turn::First => {}
        Turn::Continued(runs) => standing.continues.clone_from(runs),
        Turn::Used(run) => standing.against.push(both(
            format!("run {} executed it to its end: a plan is run once", run.run),
            format!("sudah dijalankan sampai selesai oleh proses {}: satu rencana hanya dijalankan sekali", run.run),
        )),
    }
    Ok(turn)
}

fn lacks_approvals(bound: &Bound, against: &mut Vec<Both>) {
    let (need, has) = (bound.cover.approval.need as usize, approvals(bound.judged()).len());
    if has < need {
        against.push(both(
            format!("it needs {}, and has {has}", counted(need as u64, "approval")),
            format!("perlu {need} persetujuan, baru ada {has}"),
        ));
    }
}

fn print(bound: &Bound, standing: &Standing, screen: Screen) {
    let (cover, words) = (&bound.cover, screen.words());
    let saved = both("saved plan", "rencana tersimpan");
    let title = words.title(&cover.job.name, &cover.operation, &cover.environment, screen.told(&saved));
    screen.say(&format!("{}\n", screen.tone(Tone::Title, &title)));
    screen.say(&format!("{}\n", screen.told(&about(cover))));
    let parts = &cover.dispositions;
    let parts = words.dispositions.into_iter().zip([parts.send, parts.skip, parts.held, parts.invalid]);
    let rows = parts
        .map(|(name, sum)| vec![name.to_owned(), (words.count)(sum.count), Rupiah::new(sum.rupiah).to_string()])
        .collect();
    screen.say(&table::plain(&[words.disposition, words.rows, words.rupiah], rows, 1..3));
    let said = |text: &str| printable(&phrase(text, screen.language()));
    let guards = cover
        .guards
        .iter()
        .map(|line| vec![line.guard.clone(), said(&line.limit), said(&line.found), said(&line.headroom)]);
    screen.say(&format!("\n{}", table::plain(&words.guards, guards.collect(), 1..4)));
    for one in &cover.overrides {
        let (what, reason) = (format!("{}={}", one.guard, one.limit), &one.reason);
        let text = both(
            format!("override: {what} by {}: {reason}", one.by),
            format!("dilonggarkan: {what} oleh {}: {reason}", one.by),
        );
        screen.say(&screen.tone(Tone::Bad, &printable(screen.told(&text))));
    }
    let items = bound
        .first
        .iter()
        .map(|item| vec![item.invoice_number.clone(), Rupiah::new(item.amount).to_string(), item.request_id.clone()]);
    screen.say(&format!("\n{}", table::plain(&["invoice", words.rupiah, "request id"], items.collect(), 1..2)));
    let more = cover.total.count - bound.first.len() as u64;
    if more > 0 {
        let text =
            both(format!("and {more} more; the file has them all"), format!("dan {more} lagi; semuanya ada di berkas"));
        screen.say(screen.told(&text));
    }
    if !cover.open.is_empty() {
        let Both { english, indonesian } = both::counted(cover.open.len() as u64, Unit::Orders);
        let text = both(
            format!("\n{english} of earlier runs in doubt: asked about again, with the same key"),
            format!("\n{indonesian} dari proses sebelumnya belum pasti: ditanyakan lagi dengan kunci yang sama"),
        );
        screen.say(screen.told(&text));
    }
    screen.say(&format!("\n{}", approvals_text(bound, screen)));
    screen.say(&verdict(standing, screen));
}

/// What the plan sends, who made it, and until when it is good.
fn about(cover: &Cover) -> Both {
    let Both { english, indonesian } = both::counted(cover.total.count, Unit::Orders);
    let (rupiah, file) = (Rupiah::new(cover.total.rupiah), printable(&cover.input.file));
    let (name, user) = (printable(&cover.made_by.name), printable(&cover.made_by.user));
    let (rekon, digest) = (printable(&cover.rekon), &cover.digest);
    let Both { english: valid, indonesian: berlaku } = expiry_text(cover);
    let (made, dibuat) = (for_people(cover.made()), Language::Indonesian.time(cover.made()));
    both(
        format!(
            "sends {english} over {rupiah}\nfrom {file}\nmade by {name} (user {user}) at {made} with rekon {rekon}, {valid}\n\
             digest {digest}"
        ),
        format!(
            "mengirim {indonesian} senilai {rupiah}\ndari {file}\ndibuat oleh {name} (pengguna {user}) pada {dibuat} dengan \
             rekon {rekon}, {berlaku}\ndigest {digest}"
        ),
    )
}

/// The approvals that a plan needs and has, and the signatures that do not count.
fn approvals_text(bound: &Bound, screen: Screen) -> String {
    let need = bound.cover.approval.need;
    let approved = approvals(bound.judged());
    let has = approved.len();
    let first = match need {
        0 => both("approvals: none needed", "persetujuan: tidak diperlukan"),
        _ => both(format!("approvals: {has} of {need}"), format!("persetujuan: {has} dari {need}")),
    };
    let mut lines = vec![screen.told(&first).to_owned()];
    lines.extend(approved.iter().map(|one| format!("  {} ({})", one.name, short(&one.key))));
    lines.extend(bound.judged().iter().filter_map(|one| {
        let (file, why) = (printable(&one.file), printable(&one.verdict.as_ref().err()?.to_string()));
        let text =
            both(format!("  {file}: the signature {why}"), format!("  {file}: tanda tangan ini tidak dihitung: {why}"));
        Some(screen.told(&text).to_owned())
    }));
    if has < need as usize {
        let (who, command) = (bound.may_approve().join(", "), sign_command(&bound.name(), "NAME"));
        let text =
            both(format!("  {who} may approve it: {command}"), format!("  yang dapat menyetujuinya: {who}: {command}"));
        lines.push(screen.told(&text).to_owned());
    }
    lines.join("\n")
}

fn verdict(standing: &Standing, screen: Screen) -> String {
    let may_not = both("may not be run:", "tidak boleh dijalankan:");
    let may_not = screen.tone(Tone::Bad, screen.told(&may_not));
    let mut lines: Vec<String> =
        standing.against.iter().map(|why| format!("{may_not} {}", printable(screen.told(why)))).collect();
    if let Some(run) = standing.continues.last() {
        let text = both(
            format!("run {run} stopped part-way; a run with this plan continues it"),
            format!("proses {run} berhenti di tengah jalan; menjalankan rencana ini akan melanjutkannya"),
        );
        lines.push(screen.told(&text).to_owned());
    }
    if standing.against.is_empty() {
        let text = match (standing.compared, standing.continues.is_empty()) {
            (false, _) => both("nothing speaks against it here", "di sini tidak ada yang menghalanginya"),
            (true, true) => both("may be run, and is unused", "boleh dijalankan, dan belum pernah dipakai"),
            (true, false) => both("may be run", "boleh dijalankan"),
        };
        lines.push(screen.tone(Tone::Good, screen.told(&text)));
    }
    if !standing.compared {
        let text = both(
            "not compared with the job, its input and its journal: add --job JOB for that",
            "belum dibandingkan dengan job, data masukan dan jurnalnya: tambahkan --job JOB",
        );
        lines.push(screen.told(&text).to_owned());
    }
    lines.join("\n")
}

/// What to do with a plan that was just saved.
pub(super) fn saved(bound: &Bound, case: &Case) -> Both {
    let (name, file) = (bound.name(), printable(&case.file));
    let (digest, Both { english: valid, indonesian: berlaku }) =
        (short(&bound.cover.digest), expiry_text(&bound.cover));
    let next = match bound.cover.approval.need {
        0 => both("needs no approval", "tidak perlu persetujuan"),
        need => {
            let (who, command) = (bound.may_approve().join(", "), sign_command(&name, "NAME"));
            both(
                format!("needs {} of {who}: {command}", counted(u64::from(need), "approval")),
                format!("perlu {need} persetujuan dari {who}: {command}"),
            )
        }
    };
    let (look, run) = (format!("rekon show {name} --job {file}"), format!("{} --plan {name}", case.command("run")));
    both(
        format!("saved {name}: digest {digest}, {valid}\n  {}\n  look: {look}\n  run: {run}", next.english),
        format!(
            "tersimpan {name}: digest {digest}, {berlaku}\n  {}\n  lihat: {look}\n  jalankan: {run}",
            next.indonesian
        ),
    )
}
