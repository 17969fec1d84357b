//! Plans that bind, in the world: what a plan rests on, whether a saved one may still be run, and whose approvals it has.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::args::Common;
use super::exit::Failure;
use super::load::{Case, named, shown};
use super::open;
use super::screen::Screen;
use super::session::Session;
use super::unreadable::unreadable;
use crate::edge::read::{Opened, ReadError};
use crate::edge::{read, signatures};
use crate::job::approval::{KEY_HINT, public_key};
use crate::job::settings::{Approver, ApproverKey, Source};
use crate::journal::Account;
use crate::journal::history::PlanUse;
use crate::journal::log::sha256;
use crate::journal::record::Item;
use crate::journal::store::Store;
use crate::model::fault::{Fault, Place, printable};
use crate::model::ids::ClientId;
use crate::model::language::Language;
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Operation;
use crate::model::time::{BusinessDate, Timestamp, elapsed, for_people, span_text};
use crate::plan::agree::{self, Comparison, Turn};
use crate::plan::approval::{self, Hashes, Judged, NAMESPACE};
use crate::plan::binding::{self, BandLine, Binding, BoundItem, Cover, InputFile, JobFile, Key};
use crate::plan::bound::{self, Ground};
use crate::plan::guard::counted;
use crate::plan::sealing::NotAsMade;
use crate::plan::{Input, Plan, pages};
use crate::report::words::both::{self, Both, both};
use crate::report::words::speech::Unit;

/// The version that a plan is made for.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A saved plan that is to be run.
pub(super) struct Bound {
    /// All of it but its items, which are read again whenever they are asked for.
    pub(super) cover: Cover,
    /// Its first items, for people.
    pub(super) first: Vec<BoundItem>,
    path: PathBuf,
    /// Every signature beside it.
    judged: Vec<Judged>,
}

/// So many items are shown; more are counted only, for the file has them all.
const MOST_SHOWN: usize = 20;

impl Bound {
    /// The plan's business date becomes the job's, unless `--date` names one.
    pub(super) fn lends_its_date(&self, case: &mut Case, common: &Common) {
        if common.date.is_none()
            && let Some(date) = BusinessDate::parse(&self.cover.date)
        {
            case.date = date;
        }
    }

    /// Reads a saved plan and judges the signatures beside it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let name = shown(path);
        let file = open_pages(path)?;
        let signatures = signatures::beside(path)
            .map_err(|error| Failure::Refused(format!("{name}: its signatures cannot be read: {error}")))?;
        let (mut first, mut hashes) = (Vec::new(), Hashes::default());
        // Approvals are signatures over the file, byte for byte.
        let file = Hashing { file, hashes: Some(&mut hashes).filter(|_| !signatures.is_empty()) };
        let read = pages::read(file, |item| {
            if first.len() < MOST_SHOWN {
                first.push(item);
            }
        });
        let read = read.map_err(|error| unreadable(&name, &ReadError::of(path, error)))?;
        let Some(cover) = read else { return Err(what_is_wrong(path)) };
        let judged = approval::judge(&hashes, &cover.approval.approvers, &cover.made_by, signatures);
        Ok(Self { cover, first, path: path.to_owned(), judged })
    }

    /// A plan that was just saved: nobody can have signed it yet.
    pub(super) fn fresh(path: &Path, cover: Cover) -> Self {
        Self { cover, first: Vec::new(), path: path.to_owned(), judged: Vec::new() }
    }

    /// Reads the items again. What they said counts only if it is still the same plan.
    fn items(&self, take: impl FnMut(BoundItem)) -> Result<(), Failure> {
        let unread = |error| unreadable(&shown(&self.path), &ReadError::of(&self.path, error));
        if pages::read_again(open_pages(&self.path)?, &self.cover, take).map_err(unread)? {
            return Ok(());
        }
        Err(changed(&self.name()))
    }

    /// The file as people know it.
    pub(super) fn name(&self) -> String {
        printable(&shown(&self.path))
    }

    /// The signatures beside it.
    pub(super) fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// Reads the input as it was decided about when the plan was made, and refuses the plan if it is stale or not approved:
    /// before the journal is opened, let alone anything sent.
    pub(super) fn input(&self, case: &Case, operation: Operation, now: Timestamp) -> Result<Input, Failure> {
        let input = case.input(self.cover.made())?;
        let stale = self.stale(case, operation, &input, now)?;
        if !stale.is_empty() {
            return Err(self.is_stale(case, &stale));
        }
        self.refuse_unapproved()?;
        Ok(input)
    }

    /// Why it is stale, as far as its surroundings go.
    pub(super) fn stale(
        &self,
        case: &Case,
        operation: Operation,
        input: &Input,
        now: Timestamp,
    ) -> Result<Vec<String>, Failure> {
        let client_id = case.credentials()?.client_id;
        let ground = ground(case, operation, &client_id, input)?;
        let mut stale = agree::stale(&self.cover, &ground, now);
        let most = case.job.approval.expires;
        if elapsed(self.cover.made(), self.cover.expires()) > most {
            stale.push(format!("it says that it is good for longer than approval.expires allows, {}", span_text(most)));
        }
        Ok(stale)
    }

    fn is_stale(&self, case: &Case, why: &[String]) -> Failure {
        let name = self.name();
        let lines: Vec<String> = why.iter().map(|line| format!("{name}: the plan is stale: {line}")).collect();
        let (file, settles) = (&case.typed, case.command("resolve"));
        Failure::Refused(format!(
            "{}\n  hint: make a new plan: rekon plan {file} --out {name}; what a run left in doubt is settled by: {settles}",
            lines.join("\n")
        ))
    }

    fn refuse_unapproved(&self) -> Result<(), Failure> {
        let need = self.cover.approval.need as usize;
        let has = approval::approvals(&self.judged).len();
        if has >= need {
            return Ok(());
        }
        let name = self.name();
        let mut lines = vec![format!(
            "{name}: the plan over {} needs {}, and has {has}",
            Rupiah::new(self.cover.total.rupiah),
            counted(need as u64, "approval")
        )];
        lines.extend(self.judged.iter().filter_map(|one| {
            let why = one.verdict.as_ref().err()?;
            Some(format!("{}: the signature {why}", printable(&one.file)))
        }));
        let given = approval::approvals(&self.judged);
        if !given.is_empty() {
            let names: Vec<&str> = given.iter().map(|one| one.name.as_str()).collect();
            lines.push(format!("  approved by {} already", names.join(", ")));
        }
        let mut others = self.may_approve();
        others.retain(|name| given.iter().all(|one| one.name != *name));
        let who = if others.is_empty() { "nobody but its maker could".to_owned() } else { others.join(", ") };
        lines.push(format!("  hint: {who} may approve it: {}", sign_command(&name, "NAME")));
        Err(Failure::Refused(lines.join("\n")))
    }

    /// A plan that could never have its approvals is not made.
    pub(super) fn refuse_without_people(&self, case: &Case) -> Result<(), Failure> {
        let (need, others) = (self.cover.approval.need, self.may_approve());
        if others.len() >= need as usize {
            return Ok(());
        }
        let others = if others.is_empty() { "nobody".to_owned() } else { others.join(", ") };
        Err(Failure::Refused(format!(
            "{}: the plan over {} needs {}, and only {others} may give one\n  hint: let somebody make it who is no approver, or \
             name more approvers",
            printable(&case.file),
            Rupiah::new(self.cover.total.rupiah),
            counted(u64::from(need), "approval")
        )))
    }

    /// The approvers who did not make the plan.
    pub(super) fn may_approve(&self) -> Vec<String> {
        let maker = &self.cover.made_by;
        let approvers = self.cover.approval.approvers.iter();
        approvers.filter(|approver| !maker.is(&approver.name)).map(|approver| approver.name.clone()).collect()
    }

    /// The runs of the plan so far.
    pub(super) async fn turn(&self, journal: &Store) -> Result<Turn, Failure> {
        Ok(agree::turn(journal.runs_of_plan(&self.cover.digest).await.map_err(open::failure)?))
    }

    /// A plan is run once.
    pub(super) async fn refuse_used(&self, session: &Session<'_>) -> Result<(), Failure> {
        match self.turn(&session.journal).await? {
            Turn::Used(run) => Err(self.is_used(session.case, &run.run)),
            Turn::First | Turn::Continued(_) => Ok(()),
        }
    }

    /// Why it is not what would be sent now, as far as the journal goes.
    pub(super) async fn differs(
        &self,
        case: &Case,
        account: &Account,
        journal: Option<&Store>,
        plan: &Plan,
        turn: &Turn,
    ) -> Result<Option<String>, Failure> {
        if let Some(head) = &self.cover.journal_log {
            let holds = match journal {
                Some(journal) => journal.holds_at(head.entries, &head.head).await.map_err(open::failure)?,
                None => false,
            };
            if !holds {
                return Ok(Some("the journal is not the one that it was made with, or lacks entries".to_owned()));
            }
        }
        let mut comparison = Comparison::with(bound::items(plan, account, &case.job.settlement));
        self.items(|item| comparison.take(&item))?;
        Ok(comparison.end(turn)?)
    }

    /// Releases the plan for a run that holds the journal: exactly its orders are left, or, if a run of it stopped part-way,
    /// no others. What is returned is recorded with the beginning of the run.
    pub(super) async fn release(&self, session: &Session<'_>, plan: &Plan) -> Result<PlanUse, Failure> {
        let turn = self.turn(&session.journal).await?;
        let continues = match &turn {
            Turn::Used(run) => return Err(self.is_used(session.case, &run.run)),
            Turn::First => Vec::new(),
            Turn::Continued(runs) => runs.clone(),
        };
        let case = session.case;
        if let Some(why) = self.differs(case, &session.account, Some(&session.journal), plan, &turn).await? {
            return Err(self.is_stale(case, &[why]));
        }
        Ok(PlanUse {
            digest: self.cover.digest.clone(),
            made_by: self.cover.made_by.name.clone(),
            approved_by: approval::approvals(&self.judged),
            continues,
        })
    }

    fn is_used(&self, case: &Case, run: &str) -> Failure {
        let (name, file) = (self.name(), &case.typed);
        Failure::Refused(format!(
            "{name}: the plan is used: run {run} executed it to its end\n  hint: a plan is run once; make a new one for what is \
             left: rekon plan {file} --out {name}"
        ))
    }

    /// Leaves out what other runs have left unknown: the plan does not name it.
    pub(super) fn leave_out_others(&self, unsettled: &mut Vec<Item>, screen: Screen) -> Result<(), Failure> {
        if unsettled.is_empty() {
            return Ok(());
        }
        let asked: HashSet<&str> = unsettled.iter().map(|item| item.request_id.as_str()).collect();
        let mut named: HashSet<String> = self.cover.open.iter().map(|item| item.request_id.clone()).collect();
        self.items(|item| {
            if asked.contains(item.request_id.as_str()) {
                named.insert(item.request_id);
            }
        })?;
        let mut left = Tally::default();
        unsettled.retain(|item| {
            let is_named = named.contains(item.request_id.as_str());
            if !is_named {
                left.add(item.amount);
            }
            is_named
        });
        if left.count > 0 {
            let (Both { english, indonesian }, rupiah) = (both::counted(left.count, Unit::Items), left.rupiah);
            screen.warn(&both(
                format!("{english}, {rupiah}, of the job are in doubt and not in the plan; settle them with: rekon resolve JOB"),
                format!("{indonesian}, {rupiah}, dari job ini belum pasti dan tidak ada di rencana; pastikan dengan: rekon resolve JOB"),
            ));
        }
        Ok(())
    }
}

fn open_pages(path: &Path) -> Result<Opened, Failure> {
    read::open_finished(path).map_err(|error| unreadable(&shown(path), &error))
}

/// A plan that is hashed as it is read, for the signatures over it.
struct Hashing<'h> {
    file: Opened,
    /// `None`: there are no signatures.
    hashes: Option<&'h mut Hashes>,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hashes.iter_mut().for_each(|hashes| hashes.update(&buffer[..read]));
        Ok(read)
    }
}

fn changed(name: &str) -> Failure {
    Failure::Refused(format!("{name}: the plan changed while it was read\n  hint: run it again when nobody writes it"))
}

/// Reads the file again, whole, to say what is wrong with it.
fn what_is_wrong(path: &Path) -> Failure {
    let name = shown(path);
    let bytes = match read::finished(path) {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(&name, &error),
    };
    let Err(why) = Binding::read(&bytes) else {
        // A moment ago it was not as it was written.
        return changed(&name);
    };
    let make = "make a new plan: rekon plan JOB --out PLAN";
    let hint = match &why {
        NotAsMade::Empty | NotAsMade::Foreign(_) => {
            "name the file that rekon plan JOB --out PLAN has written".to_owned()
        }
        NotAsMade::Cut(_) => format!("copy it again from where it was made, or {make}"),
        NotAsMade::OtherForm(_) => format!("use the rekon that made it, or {make}"),
        NotAsMade::Unreadable(_) | NotAsMade::OtherBytes | NotAsMade::Digest { .. } | NotAsMade::Inconsistent(_) => {
            format!("take the file as it was made, or {make}")
        }
    };
    Failure::Refused(format!("{name}: {why}\n  hint: {hint}"))
}

/// Whether a file is a saved plan.
pub(super) fn is_plan(path: &Path) -> bool {
    open_pages(path).is_ok_and(|file| pages::read(file, drop).is_ok_and(|read| read.is_some()))
}

/// What a plan of the job rests on now.
pub(super) fn ground(
    case: &Case,
    operation: Operation,
    client_id: &ClientId,
    input: &Input,
) -> Result<Ground, Failure> {
    let file = match &case.job.orders.source {
        Source::File(template) => case.fill(template),
        Source::Rows(_) => "job".to_owned(),
    };
    Ok(Ground {
        approvers: approvers(case)?,
        bands: case.job.approval.bands.iter().map(BandLine::from).collect(),
        client_sha256: sha256(client_id.as_str().as_bytes()),
        date: case.date.to_string(),
        environment: case.job.merchant.environment.word().to_owned(),
        input: InputFile { file, sha256: input.sha256.clone().unwrap_or_default() },
        job: JobFile { name: case.job.name.to_string(), sha256: case.sha256.clone() },
        journal: match case.journal.file() {
            Some(path) => shown(path.strip_prefix(&case.folder).unwrap_or(path)),
            None => named(&case.journal),
        },
        operation: operation.word().to_owned(),
        rekon: VERSION.to_owned(),
    })
}

/// The job's approvers with the fingerprints of their keys; all that is wrong with their files at once.
pub(super) fn approvers(case: &Case) -> Result<Vec<Key>, Failure> {
    let (mut keys, mut faults): (Vec<Key>, Vec<Fault>) = (Vec::new(), Vec::new());
    for approver in &case.job.approval.approvers {
        let fault = |what: String| {
            let (line, column) = approver.place;
            Fault::new(Place::new(&case.file, line, column), format!("approval.approvers.{} {what}", approver.name))
        };
        let key = match fingerprint(case, approver) {
            Ok(key) => Key { key, name: approver.name.clone() },
            Err(why) => {
                faults.push(fault(why).hint(KEY_HINT));
                continue;
            }
        };
        if let Some(known) = keys.iter().find(|known| known.key == key.key) {
            faults.push(
                fault(format!("has the key of {}", known.name)).hint("one key is one person: give each their own"),
            );
            continue;
        }
        keys.push(key);
    }
    if faults.is_empty() { Ok(keys) } else { Err(Failure::Faults(faults)) }
}

fn fingerprint(case: &Case, approver: &Approver) -> Result<String, String> {
    match &approver.key {
        ApproverKey::Inline(key) => Ok(approval::fingerprint(key)),
        ApproverKey::File(path) => {
            let path = case.folder.join(path);
            let content = read::finished(&path).map_err(|error| {
                let why = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
                format!("names the file {}, which cannot be read{why}", shown(&path))
            })?;
            let text = String::from_utf8(content).unwrap_or_default();
            let key = public_key(&text).map_err(|why| format!("names the file {}, which {why}", shown(&path)))?;
            Ok(approval::fingerprint(&key))
        }
    }
}

/// A run that makes its own plan is refused where that plan needs approvals: nobody has seen it.
pub(super) fn refuse_without(case: &Case, plan: &Plan) -> Result<(), Failure> {
    let total = plan.total();
    let bands: Vec<BandLine> = case.job.approval.bands.iter().map(BandLine::from).collect();
    let Some(band) = binding::band(&bands, total.rupiah.whole()).filter(|band| band.need > 0) else {
        return Ok(());
    };
    let (typed, run) = (&case.typed, case.command("run"));
    Err(Failure::Refused(format!(
        "{}: the plan is over {}, and over {} one needs {} (approval.bands); make one, have it approved, and run it\n  rekon \
         plan {typed} --out plan.json --maker YOUR-NAME\n  {}\n  {run} --plan plan.json",
        printable(&case.file),
        total.rupiah,
        Rupiah::new(band.over),
        counted(u64::from(band.need), "approval"),
        sign_command("plan.json", "NAME")
    )))
}

/// What an approver types.
pub(super) fn sign_command(plan: &str, name: &str) -> String {
    format!("ssh-keygen -Y sign -f KEY -n {NAMESPACE} < {plan} > {plan}.{name}.sig")
}

/// Until when a plan is good, as people read it.
pub(super) fn expiry_text(cover: &Cover) -> Both {
    let expires = cover.expires();
    both(
        format!("valid until {}", for_people(expires)),
        format!("berlaku sampai {}", Language::Indonesian.time(expires)),
    )
}
