//! The section `approval`: whose signatures release a plan, from how much money on, and how long a plan is good for.
//!
//! An approver is a name and an SSH public key; a *band* says how many approvals a plan over more than so much needs. One
//! key is one person: the same key under two names is refused.

use std::time::Duration;

use ssh_key::{Algorithm, PublicKey};

use super::guards::read_rupiah;
use super::limits::read_span;
use super::reader::{Reader, Section};
use super::values::whole;
use super::yaml::{Node, Value};
use crate::model::money::Rupiah;
use crate::model::operation::Task;

/// Who may approve plans of the job, and which plans need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// How long a plan may be run after it was made. A signature has no time of its own, so this bounds approvals too.
    pub expires: Duration,
    /// Whose signatures count.
    pub approvers: Vec<Approver>,
    /// By rising amount; empty: no plan needs an approval.
    pub bands: Vec<Band>,
}

/// Somebody whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// What reports call the person.
    pub name: String,
    /// The person's public key.
    pub key: ApproverKey,
    /// Where the key stands in the job file: line and column.
    pub place: (u64, u64),
}

/// Where an approver's public key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApproverKey {
    /// In the job file.
    Inline(Box<PublicKey>),
    /// In a file, relative to the job file.
    File(String),
}

/// From more than so much on, a plan needs so many approvals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// A plan over more than this ...
    pub over: Rupiah,
    /// ... needs so many.
    pub need: u32,
}

impl Default for Approval {
    fn default() -> Self {
        Self { expires: Duration::from_secs(24 * 3600), approvers: Vec::new(), bands: Vec::new() }
    }
}

/// Whether a text can name a person: small letters, so that no two names differ by their case alone.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && text.as_bytes()[0].is_ascii_alphanumeric()
}

/// What [`is_name`] accepts, in words.
pub const NAME: &str = "a name of a-z, 0-9, '.', '_' and '-'";

/// Reads a public key as `ssh-keygen` writes it to a `.pub` file.
///
/// # Errors
/// What is wrong with it; the text itself is not repeated, for it may be the wrong half of a key.
pub fn public_key(text: &str) -> Result<PublicKey, String> {
    let key = PublicKey::from_openssh(text.trim()).or(Err("is not an SSH public key".to_owned()))?;
    match key.algorithm() {
        Algorithm::Ed25519 => Ok(key),
        other => Err(format!("is a key of the kind {other}, and only ssh-ed25519 is known here")),
    }
}

/// How to make one.
pub const KEY_HINT: &str =
    "the one line of the .pub file that `ssh-keygen -t ed25519` writes, or file:PATH of such a file";

pub(super) fn read(reader: &mut Reader<'_>, node: Option<&Node>, task: Option<Task>) -> Approval {
    let mut approval = Approval::default();
    let Some(node) = node else { return approval };
    if task == Some(Task::Audit) {
        reader.fault(node, "approval is for jobs that change money", "leave it out here");
    }
    let Some(section) = reader.section(node, "approval", &["expires", "approvers", "bands"]) else { return approval };
    read_span(reader, &section, "approval", "expires", &mut approval.expires);
    if approval.expires.is_zero() {
        reader.fault(section.get("expires").unwrap_or(node), "approval.expires is zero", "24h is usual");
    }
    approval.approvers = section.get("approvers").map(|node| read_approvers(reader, node)).unwrap_or_default();
    approval.bands = section.get("bands").map(|node| read_bands(reader, node, named(&section))).unwrap_or_default();
    for (key, other) in [("approvers", "bands"), ("bands", "approvers")] {
        if section.get(key).is_some() && section.get(other).is_none() {
            reader.fault(node, format!("approval.{key} means nothing without approval.{other}"), "write both or none");
        }
    }
    approval
}

/// How many approvers the file names, whether or not their keys are good; `None` if the list is not there.
fn named(section: &Section<'_>) -> Option<usize> {
    match &section.get("approvers")?.value {
        Value::Map(entries) => Some(entries.len()),
        Value::Scalar(_) | Value::List(_) | Value::Absent => None,
    }
}

fn read_approvers(reader: &mut Reader<'_>, node: &Node) -> Vec<Approver> {
    let mut approvers: Vec<Approver> = Vec::new();
    let Some(map) = reader.open_map(node, "approval.approvers") else { return approvers };
    if map.entries().is_empty() {
        reader.fault(node, "approval.approvers is empty", "name at least one: `siti: \"ssh-ed25519 AAAA... siti\"`");
    }
    for (name, value) in map.entries() {
        let what = format!("approval.approvers.{name}");
        if !is_name(name) {
            reader.fault(
                value,
                format!("the approver {name:?} is not {NAME}"),
                "one name per person, in small letters",
            );
            continue;
        }
        let Some(key) = read_key(reader, value, &what) else { continue };
        let same = approvers.iter().find(|known| known.key == key || same_key(&known.key, &key));
        if let Some(known) = same {
            let message = format!("{what} has the key of {}", known.name);
            reader.fault(value, message, "one key is one person: give each their own");
            continue;
        }
        approvers.push(Approver { name: (*name).to_owned(), key, place: (value.line, value.column) });
    }
    approvers
}

fn same_key(one: &ApproverKey, other: &ApproverKey) -> bool {
    matches!((one, other), (ApproverKey::Inline(one), ApproverKey::Inline(other)) if one.key_data() == other.key_data())
}

fn read_key(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<ApproverKey> {
    if let Value::List(_) | Value::Map(_) | Value::Absent = node.value {
        reader.fault(node, format!("{what} is not a single value"), KEY_HINT);
        return None;
    }
    let text = reader.text(node, what)?;
    if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
        return Some(ApproverKey::File(path.to_owned()));
    }
    match public_key(text) {
        Ok(key) => Some(ApproverKey::Inline(Box::new(key))),
        Err(why) => {
            reader.fault_at_secret(node, format!("{what} {why}"), KEY_HINT);
            None
        }
    }
}

fn read_bands(reader: &mut Reader<'_>, node: &Node, approvers: Option<usize>) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    let Some(items) = reader.list(node, "approval.bands") else { return bands };
    if items.is_empty() {
        reader.fault(node, "approval.bands is an empty list", "e.g. [{over: 0, need: 0}, {over: 10000000, need: 1}]");
    }
    for item in items {
        let Some(section) = reader.section(item, "approval.bands", &["over", "need"]) else { continue };
        let over = reader.required(&section, "approval.bands", "over", "rupiah: a plan over more than this");
        let over = over.and_then(|node| read_rupiah(reader, node, "approval.bands.over"));
        let need = reader.required(&section, "approval.bands", "need", "how many approvals");
        let Some(need_node) = need else { continue };
        let need = reader.parse(need_node, "approval.bands.need", "a whole number from 0", whole);
        let (Some(over), Some(need)) = (over, need) else { continue };
        if let Some(before) = bands.last() {
            if over <= before.over {
                reader.fault(item, format!("the band over {over} does not come after the one over {}", before.over), {
                    "write the bands by rising amount, each once"
                });
            }
            if need < before.need {
                reader.fault(item, "more money needs fewer approvals here", "need must not fall from band to band");
            }
        }
        if let Some(there) = approvers.filter(|there| need as usize > *there) {
            let are = if need == 1 { "approval is" } else { "approvals are" };
            let approvers = if there == 1 { "is 1 approver".to_owned() } else { format!("are {there} approvers") };
            let message = format!("{need} {are} needed, and there {approvers}");
            reader.fault(need_node, message, "name more approvers; who makes a plan cannot approve it");
        }
        bands.push(Band { over, need });
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Job, parse};

    const SITI: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVqDi9Gxe3R0Q9xxyKa/FLHCBZYMCwMU3GQrNP6PYJZ siti";

    fn job(approval: &str) -> Result<Job, String> {
        let text = format!(
            "job: x\noperation: refund\nmerchant: {{environment: simulator}}\norders: {{file: a.csv}}\n\
             guards: {{max_orders: 1, max_total: 1}}\napproval:\n{approval}"
        );
        parse("job.yaml", &text).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_plan_is_good_for_a_day_and_needs_nobody_unless_the_job_says_otherwise() {
        let approval = job("  expires: 24h\n").unwrap().approval;
        assert_eq!(approval, Approval::default());
        let text = format!(
            "  expires: 8h\n  approvers: {{siti: \"{SITI}\", budi: file:budi.pub}}\n  bands: [{{over: 0, need: 0}}, {{over: 500, need: 2}}]\n"
        );
        let approval = job(&text).unwrap().approval;
        assert_eq!(approval.expires, Duration::from_secs(8 * 3600));
        assert_eq!(approval.approvers.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["siti", "budi"]);
        assert_eq!(approval.bands.iter().map(|band| band.need).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let both = |approvers: &str, bands: &str| format!("  approvers: {approvers}\n  bands: {bands}\n");
        let cases = [
            ("  expires: 0s\n".to_owned(), "job.yaml:7:12: approval.expires is zero"),
            (both("{}", "[{over: 0, need: 0}]"), "job.yaml:7:14: approval.approvers is empty"),
            (both("{Siti: x}", "[{over: 0, need: 0}]"), "job.yaml:7:21: the approver \"Siti\" is not a name"),
            (
                both(&format!("{{a: \"{SITI}\", b: \"{SITI}\"}}"), "[{over: 0, need: 0}]"),
                "approval.approvers.b has the key of a",
            ),
            (
                both("{a: hunter2}", "[{over: 0, need: 0}]"),
                "job.yaml:7:18: approval.approvers.a is not an SSH public key",
            ),
            (
                both("{a: file:a}", "[{over: 0, need: 2}]"),
                "job.yaml:8:27: 2 approvals are needed, and there is 1 approver",
            ),
            (both("{a: file:a}", "[{over: 5, need: 0}, {over: 5, need: 1}]"), "job.yaml:8:31: the band over Rp 5"),
            (both("{a: file:a}", "[{over: 5, need: 1}, {over: 6, need: 0}]"), "job.yaml:8:31: more money needs fewer"),
            (both("{a: file:a}", "[{over: 1.5, need: 0}]"), "job.yaml:8:18: approval.bands.over \"1.5\" is not whole"),
            (both("{a: file:a}", "[{over: 1, need: -1}]"), "job.yaml:8:27: approval.bands.need \"-1\" is not a whole"),
            (both("{a: file:a}", "[{over: 1, nead: 1}]"), "unknown key \"nead\" in approval.bands"),
            ("  bands: [{over: 0, need: 1}]\n".to_owned(), "approval.bands means nothing without approval.approvers"),
        ];
        for (text, expected) in cases {
            let told = job(&text).unwrap_err();
            assert!(told.contains(expected), "{text}\n{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
