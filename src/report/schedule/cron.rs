//! A crontab for one job.

use super::{AGAIN, Day, PAUSE, Schedule, TRANSIENT, clock};
use crate::model::time::Zone;

/// The lines for a user's crontab, on a machine whose clock shows that zone.
#[must_use]
pub fn text(schedule: &Schedule, machine: Zone) -> String {
    let (at, day) = schedule.in_zone(machine);
    let (hour, minute) = (at / 60, at % 60);
    let there = match (machine == schedule.zone, day) {
        (true, _) => format!("The machine's clock shows {machine} as well"),
        (false, Day::Before) => format!("The machine's clock shows {machine}: {} of the day before there", clock(at)),
        (false, Day::Same) => format!("The machine's clock shows {machine}: {} there", clock(at)),
        (false, Day::After) => format!("The machine's clock shows {machine}: {} of the day after there", clock(at)),
    };
    let codes = TRANSIENT.map(|code| code.to_string()).join(", ");
    let mut notes = vec![
        schedule.title(),
        format!("Add this to the crontab of the user that owns the journal: crontab -u {} -e", schedule.user),
        format!("{there}. Cron goes by the machine's zone"),
        "alone, and Debian's cron does not know CRON_TZ: if the zone changes, print this again.".to_owned(),
        "{date} in the job file is the day in WIB at the time of the run, whatever the machine's zone is.".to_owned(),
        format!(
            "After exit code {codes} (money in doubt, stopped part-way, another runner) it runs again, {AGAIN} times at"
        ),
        format!(
            "most, {} minutes apart: nothing is ever sent twice. At any end but 0 cron mails one line to MAILTO,",
            PAUSE.as_secs() / 60
        ),
        "which names every exit code: a 2 behind a 3 does not end the doubt.".to_owned(),
        "flock is not needed: rekon has a lock of its own, and ends with 5 where another runner holds it.".to_owned(),
    ];
    if schedule.plan.is_some() {
        notes.push(
            "{date} in --plan is that day as well: the plan made for it must lie there, and be approved by then; if"
                .to_owned(),
        );
        notes.push("not, nothing is sent, and the exit code is 2.".to_owned());
    }
    let mut command = String::new();
    if !schedule.variables.is_empty() {
        let file = schedule.environment_file();
        notes.push(format!("Cron has no variables: {file} (mode 0600) holds {}", schedule.variables.join(", ")));
        command = format!("set -a; . {}; set +a; ", quoted(&file));
    }
    // A redirection into a folder that is not there would keep the job from running.
    let folder = schedule.log.rsplit_once('/').map_or("/", |(folder, _)| folder);
    if !schedule.file.starts_with(&format!("{folder}/")) {
        command = format!("{command}mkdir -p {}; ", quoted(folder));
    }
    let run: Vec<String> = schedule.command().into_iter().map(quoted).collect();
    let log = quoted(&schedule.log);
    let again = TRANSIENT.map(|code| code.to_string()).join("|");
    command = format!(
        "{command}n=0; codes=; while :; do {run} >>{log} 2>&1; code=$?; codes=\"${{codes:+$codes, then }}$code\"; \
         case $code in {again}) ;; *) break ;; esac; \
         n=$((n+1)); [ $n -le {AGAIN} ] || break; sleep {pause}; done; \
         [ $code -eq 0 ] || echo {told}\" $codes\"",
        run = run.join(" "),
        pause = PAUSE.as_secs(),
        told = quoted(&format!("rekon {}: see {}; exit code", schedule.job, schedule.log)),
    );
    // A percent sign is a line end to cron, unless it is escaped.
    let command = command.replace('%', "\\%");
    let notes: Vec<String> = notes.into_iter().map(|note| format!("# {note}\n")).collect();
    format!("{}SHELL=/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin\n{minute} {hour} * * * {command}\n", notes.concat())
}

/// As the shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:@,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::schedule;
    use super::*;

    #[test]
    fn a_line_is_absolute_and_in_the_machines_time() {
        let text = text(&schedule(), Zone::UTC);
        let line = text.lines().last().unwrap();
        assert_eq!(
            line,
            "45 17 * * * set -a; . /etc/rekon/refund-nightly.env; set +a; n=0; codes=; while :; do /usr/local/bin/rekon run \
             /srv/rekon/jobs/refund.yaml --live >>/srv/rekon/jobs/refund-nightly.log 2>&1; code=$?; \
             codes=\"${codes:+$codes, then }$code\"; case $code in 3|4|5) ;; *) break ;; esac; n=$((n+1)); \
             [ $n -le 3 ] || break; sleep 600; done; [ $code -eq 0 ] || echo \
             'rekon refund-nightly: see /srv/rekon/jobs/refund-nightly.log; exit code'\" $codes\""
        );
        assert!(text.contains("shows UTC: 17:45 of the day before there"));
        assert!(text.lines().all(|line| line.starts_with("# ") || !line.contains("CRON_TZ")), "{text}");
    }

    #[test]
    fn a_path_with_anything_in_it_stays_one_word() {
        assert_eq!(quoted("/srv/it's here/a%b.yaml"), "'/srv/it'\\''s here/a%b.yaml'");
        let odd = Schedule { file: "/srv/100% ours.yaml".into(), ..schedule() };
        assert!(text(&odd, Zone::UTC).contains("run '/srv/100\\% ours.yaml' --live"));
    }

    #[test]
    fn the_date_in_the_name_of_a_plan_reaches_rekon() {
        let planned = Schedule { plan: Some("/srv/plans/{date:%Y%m%d}.json".into()), ..schedule() };
        let text = text(&planned, Zone::UTC);
        assert!(text.contains(" --live --plan '/srv/plans/{date:\\%Y\\%m\\%d}.json' >>"), "{text}");
        assert!(text.contains("# {date} in --plan is that day as well"), "{text}");
    }
}
