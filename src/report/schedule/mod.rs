//! Lines and units that run one job every day: right for this job, this machine and the exit codes.
//!
//! Nothing is installed here. What cron or systemd has to know about a job is a [`Schedule`]; [`cron`] and [`systemd`] write
//! it down.

pub mod cron;
pub mod systemd;

use std::time::Duration;

use chrono::{DateTime, NaiveTime};

use crate::model::environment::Environment;
use crate::model::time::Zone;

/// What has to be known to run a job every day. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The job.
    pub job: String,
    /// What it does.
    pub task: String,
    /// Where.
    pub environment: Environment,
    /// This program.
    pub program: String,
    /// The job file.
    pub file: String,
    /// A journal other than the job's own.
    pub journal: Option<String>,
    /// The saved plan that a run executes, with `{date}` in its name; the run makes its own where there is none.
    pub plan: Option<String>,
    /// When, in minutes after midnight.
    pub at: u16,
    /// Whose midnight.
    pub zone: Zone,
    /// As whom.
    pub user: String,
    /// The environment variables that the job names.
    pub variables: Vec<String>,
    /// Folders that a run writes to.
    pub writes: Vec<String>,
    /// Where the cron line logs to.
    pub log: String,
    /// The longest that one call may take.
    pub timeout: Duration,
}

/// So often a job is run again the same night, and so long after the run before.
const AGAIN: u32 = 3;
const PAUSE: Duration = Duration::from_secs(600);

/// Exit codes after which a run is to be made again (`DESIGN` 3): money in doubt, stopped part-way, another runner at work.
const TRANSIENT: [u8; 3] = [3, 4, 5];

impl Schedule {
    /// The program and its arguments, as they are.
    fn command(&self) -> Vec<&str> {
        let mut command = vec![self.program.as_str(), "run", &self.file];
        if self.environment == Environment::Production && self.task != "audit" {
            command.push("--live");
        }
        if let Some(journal) = &self.journal {
            command.extend(["--journal", journal]);
        }
        if let Some(plan) = &self.plan {
            command.extend(["--plan", plan]);
        }
        command
    }

    /// `refund-nightly: refund in production, every day at 00:45 WIB`
    fn title(&self) -> String {
        let Self { job, task, environment, zone, .. } = self;
        format!("{job}: {task}, {environment}, every day at {} {zone}", clock(self.at))
    }

    /// Where the values of the variables are, readable for the user only.
    fn environment_file(&self) -> String {
        format!("/etc/rekon/{}.env", self.job)
    }

    /// The time of day in another zone, and on which day, seen from here.
    fn in_zone(&self, other: Zone) -> (u16, Day) {
        let date = DateTime::UNIX_EPOCH.date_naive();
        let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(self.at) * 60, 0).unwrap_or_default();
        let Some(instant) = self.zone.instant(date.and_time(time)) else { return (self.at, Day::Same) };
        let there = other.local(instant);
        let day = match there.date().cmp(&date) {
            std::cmp::Ordering::Less => Day::Before,
            std::cmp::Ordering::Equal => Day::Same,
            std::cmp::Ordering::Greater => Day::After,
        };
        let minutes = there.time().signed_duration_since(NaiveTime::MIN).num_minutes();
        (u16::try_from(minutes).unwrap_or_default(), day)
    }

    /// The variables with the form of their values.
    #[must_use]
    pub fn environment_example(&self) -> String {
        let mut text = format!(
            "# Values for {}; owned by {}, mode 0600. In single quotes, for systemd and for sh.\n",
            self.job, self.user
        );
        for variable in &self.variables {
            text.push_str(variable);
            text.push_str("='...'\n");
        }
        text
    }
}

/// A day, seen from another zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    Before,
    Same,
    After,
}

/// `00:45`
fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn schedule() -> Schedule {
        Schedule {
            job: "refund-nightly".into(),
            task: "refund".into(),
            environment: Environment::Production,
            program: "/usr/local/bin/rekon".into(),
            file: "/srv/rekon/jobs/refund.yaml".into(),
            journal: None,
            plan: None,
            at: 45,
            zone: Zone::WIB,
            user: "rekon".into(),
            variables: vec!["DOKU_SECRET_KEY".into()],
            writes: vec!["/srv/rekon/jobs".into()],
            log: "/srv/rekon/jobs/refund-nightly.log".into(),
            timeout: Duration::from_secs(30),
        }
    }

    #[test]
    fn a_time_is_told_in_the_zone_of_the_machine() {
        let zone = |text| Zone::parse(text).unwrap();
        let cases = [
            (45, "UTC", (17 * 60 + 45, Day::Before)),
            (45, "WIB", (45, Day::Same)),
            (23 * 60 + 30, "WIT", (90, Day::After)),
            (8 * 60, "+05:30", (6 * 60 + 30, Day::Same)),
        ];
        for (at, machine, expected) in cases {
            assert_eq!(Schedule { at, ..schedule() }.in_zone(zone(machine)), expected, "{at} {machine}");
        }
    }

    #[test]
    fn production_is_run_live_and_nothing_else_is() {
        let command = |environment| Schedule { environment, ..schedule() }.command().join(" ");
        assert_eq!(command(Environment::Production), "/usr/local/bin/rekon run /srv/rekon/jobs/refund.yaml --live");
        assert_eq!(command(Environment::Sandbox), "/usr/local/bin/rekon run /srv/rekon/jobs/refund.yaml");
        let audit = Schedule { task: "audit".into(), ..schedule() };
        assert!(!audit.command().contains(&"--live"));
    }
}
