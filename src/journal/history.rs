//! What guards compare a plan with: what the journal remembers of earlier runs, and of the business day.

use serde::{Deserialize, Serialize};

use crate::model::ids::RunId;
use crate::model::money::{Rupiah, Tally};
use crate::model::time::Timestamp;

/// What the journal remembers; of a journal that is not there, nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The business day that it is now, in WIB.
    pub date: String,
    /// What counts against the caps of that day: every item of the account whose first intent is of that day, whatever the
    /// job, the run or the outcome, but for those of which it is proved that nothing was done.
    pub today: Tally,
    /// What the last runs of the job sent that came to their end and sent something, the newest first.
    pub runs: Vec<Tally>,
    /// The last run of the job that finished with the same input, with nothing in doubt and nothing left to send.
    pub same_input: Option<SameInput>,
}

/// A finished run with the same input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameInput {
    /// Its name.
    pub run: RunId,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Rows of it that were held, or whose order is not settled now: with the same file they are continued.
    pub open: u64,
}

/// What a plan is to be compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The job.
    pub job: String,
    /// So many of its last runs.
    pub runs: u32,
    /// SHA-256 of the input, in hex; `None`: it is not looked for.
    pub input_sha256: Option<String>,
    /// The present.
    pub now: Timestamp,
}

/// What a run sets itself, and is held to by the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// SHA-256 of the input as it was read, in hex; `None` if the run has none.
    pub input_sha256: Option<String>,
    /// The caps that every intent of the run is compared with.
    pub caps: DayCaps,
    /// The guards that were loosened for it.
    pub overrides: Vec<Overridden>,
}

/// The most that an account may do on one business day, over all jobs and runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DayCaps {
    /// Orders. `None`: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<u64>,
    /// Rupiah. `None`: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rupiah: Option<u64>,
}

impl DayCaps {
    /// Whether there is none.
    #[must_use]
    pub const fn are_absent(&self) -> bool {
        self.orders.is_none() && self.rupiah.is_none()
    }

    /// The cap that one more order would break, as a sentence; `None` if it fits.
    #[must_use]
    pub fn broken_by(&self, date: &str, today: Tally, amount: Rupiah) -> Option<String> {
        let rupiah = today.rupiah.whole().saturating_add(amount.whole());
        if let Some(most) = self.orders
            && today.count >= most
        {
            return Some(format!(
                "max_orders_per_day: {most} orders are allowed on {date}, and {} were sent",
                today.count
            ));
        }
        let most = self.rupiah.filter(|most| rupiah > *most).map(Rupiah::new)?;
        let sent = today.rupiah;
        Some(format!(
            "max_total_per_day: {most} are allowed on {date}, {sent} were sent, and the next order is {amount}"
        ))
    }
}

/// A guard that was loosened for a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {
    /// Its key in the job file.
    pub guard: String,
    /// The job's own limit, as a job file writes it.
    pub from: String,
    /// The limit that counted.
    pub to: String,
    /// Why, in the person's words.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// A saved plan that a run executes: recorded in the entry with which the run begins, so that a plan is used once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanUse {
    /// SHA-256 of the plan, in hex.
    pub digest: String,
    /// Who made it, by their own account.
    pub made_by: String,
    /// Whose signatures released it; empty if it needed none.
    pub approved_by: Vec<ApprovedBy>,
    /// The runs that executed it before and did not come to their end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continues: Vec<String>,
}

/// A signature that released a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovedBy {
    /// What the job calls the person.
    pub name: String,
    /// The fingerprint of the key: `SHA256:...`.
    pub key: String,
}
