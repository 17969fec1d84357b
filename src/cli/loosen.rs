//! `--override max_total=90000000 --reason TEXT`: guards loosened for one run, by a person who says why.

use super::args::OverrideArgs;
use super::exit::Failure;
use super::load::{Case, Loosened, Loosening, Whose};
use super::words::words;
use crate::edge::person;
use crate::job::overrides::{Override, loosen};
use crate::job::settings::{Guards, OnInvalid};
use crate::journal::history::{History, Overridden};
use crate::plan::{Plan, binding};

impl OverrideArgs {
    /// Refuses the flags where there are no guards.
    pub(super) fn refuse(&self, why: &str) -> Result<(), Failure> {
        if self.overrides.is_empty() && self.reason.is_none() {
            return Ok(());
        }
        Err(Failure::Refused(format!("--override loosens a guard of a plan, and {why}; leave it out")))
    }
}

impl Case {
    /// Loosens the guards as the flags say.
    pub(super) fn loosened(mut self, args: &OverrideArgs) -> Result<Self, Failure> {
        let asked = match (args.overrides.is_empty(), &args.reason) {
            (true, None) => return Ok(self),
            (true, Some(_)) => {
                return Err(Failure::Refused(
                    "--reason says why a guard is overridden; add --override, or leave it out".into(),
                ));
            }
            (false, None) => {
                return Err(Failure::Refused(
                    "--override needs --reason TEXT: why this run may do more than its job allows".into(),
                ));
            }
            (false, Some(reason)) => words("--reason", reason)?,
        };
        let Some(own) = &self.job.guards else {
            return Err(Failure::Refused(format!(
                "{}: the job has no guards, so there is nothing to loosen",
                self.file
            )));
        };
        let (guards, overrides) = loosen(own, &args.overrides).map_err(|wrong| Failure::Refused(wrong.join("\n")))?;
        let (reason, by, whose) = (asked, person::who(), Whose::OfFlags);
        self.loosening = Loosening::Asked(Box::new(Loosened { guards, overrides, reason, by, whose }));
        Ok(self)
    }

    /// Loosens the guards as a saved plan says.
    pub(super) fn loosened_by(self, bound: &[binding::Override]) -> Result<Self, Failure> {
        let Some(first) = bound.first() else { return Ok(self) };
        // One person says one reason for all of them; anything else was never written by this program.
        if bound.iter().any(|one| (&one.reason, &one.by) != (&first.reason, &first.by)) {
            return Err(Failure::Refused("the plan was edited: its overrides have several reasons".to_owned()));
        }
        let overrides = bound.iter().map(|one| format!("{}={}", one.guard, one.limit)).collect();
        let mut case = self.loosened(&OverrideArgs { overrides, reason: Some(first.reason.clone()) })?;
        if let Loosening::Asked(loosened) = &mut case.loosening {
            loosened.whose = Whose::OfPlan;
            loosened.by.clone_from(&first.by);
        }
        Ok(case)
    }

    /// The guards that count; `None` if the job has none.
    pub(super) fn guards(&self) -> Option<&Guards> {
        match &self.loosening {
            Loosening::Asked(loosened) => Some(&loosened.guards),
            Loosening::NotOffered | Loosening::NotAsked => self.job.guards.as_ref(),
        }
    }

    /// Notes in a plan which guards were loosened for it, and refuses those that need not have been.
    pub(super) fn note_overrides(&self, plan: &mut Plan, own: &Guards, history: &History) -> Result<(), Failure> {
        let Loosening::Asked(loosened) = &self.loosening else { return Ok(()) };
        plan.overrides.clone_from(&loosened.overrides);
        if loosened.whose == Whose::OfPlan {
            // What is left of it may need less than the whole.
            return Ok(());
        }
        if plan.on_invalid == OnInvalid::Refuse && !plan.faults.is_empty() {
            // The plan is refused for these, and is not the one that was meant.
            return Ok(());
        }
        let needless = plan.needless_overrides(self.job.orders.control, own, history);
        let told = loosened.overrides.iter().filter(|found| needless.contains(&found.guard)).map(|found| {
            let Override { guard, from, to } = found;
            format!("--override {guard}={to}: is not needed, for the plan is within the job's own {from}; leave it out")
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() { Ok(()) } else { Err(Failure::Refused(told.join("\n"))) }
    }

    /// The overrides of a plan for the record, with who and why.
    pub(super) fn overridden(&self, plan: &Plan) -> Vec<Overridden> {
        let Loosening::Asked(loosened) = &self.loosening else { return Vec::new() };
        let record = |found: &Override| Overridden {
            guard: found.guard.to_owned(),
            from: found.from.clone(),
            to: found.to.clone(),
            reason: loosened.reason.clone(),
            by: loosened.by.clone(),
        };
        plan.overrides.iter().map(record).collect()
    }
}
