//! A service, its timer, and what is started when it fails.

use std::time::Duration;

use super::{AGAIN, PAUSE, Schedule, clock};
use crate::model::environment::Environment;
use crate::model::time::Zone;

/// After a stop was asked for, a call under way may take its whole time, and the files have to be written.
const TO_WRITE: Duration = Duration::from_secs(60);

/// The units with their names, in the order in which they are read best.
#[must_use]
pub fn units(schedule: &Schedule) -> [(String, String); 3] {
    let name = format!("rekon-{}", schedule.job);
    [
        (format!("{name}.service"), service(schedule)),
        (format!("{name}.timer"), timer(schedule)),
        ("rekon-alert@.service".to_owned(), alert()),
    ]
}

fn service(schedule: &Schedule) -> String {
    let command: Vec<String> = schedule.command().into_iter().map(argument).collect();
    let user = &schedule.user;
    let secrets = if schedule.variables.is_empty() {
        String::new()
    } else {
        let file = schedule.environment_file();
        format!("# {}; mode 0600\nEnvironmentFile={file}\n", schedule.variables.join(", "))
    };
    let writes: Vec<String> = schedule.writes.iter().map(|path| path_setting(path)).collect();
    let of_own = ["/tmp/", "/var/tmp/"];
    let paths = schedule.writes.iter().chain([&schedule.file, &schedule.program]).chain(&schedule.plan);
    let private = if paths.into_iter().any(|path| of_own.iter().any(|folder| path.starts_with(folder))) {
        "# PrivateTmp= is left out: the job works in a temporary folder.\n"
    } else {
        "PrivateTmp=yes\n"
    };
    let network = if schedule.environment == Environment::Simulator {
        ""
    } else {
        "Wants=network-online.target\nAfter=network-online.target\n"
    };
    let stop = (schedule.timeout + TO_WRITE).as_secs();
    let interval = ((PAUSE * (AGAIN + 1)).as_secs() * 6).to_string();
    let burst = AGAIN + 1;
    let pause = PAUSE.as_secs() / 60;
    format!(
        "# {title}
[Unit]
Description=rekon {description}
{network}# Started when the last of these runs has failed, and at exit codes 1 and 2 at once.
OnFailure=rekon-alert@%n.service
# So many runs in so many seconds, and not one more.
StartLimitIntervalSec={interval}
StartLimitBurst={burst}

[Service]
Type=oneshot
User={user}
{secrets}ExecStart={command}
# 3: money is in doubt; 4: stopped part-way; 5: another runner is at work: run again, which sends nothing twice. Not
# after 1, done and somebody must look, and not after 2, which has to be corrected first.
Restart=on-failure
RestartPreventExitStatus=1 2
RestartSec={pause}min
# 1 is a failure here, so that somebody is told. Whoever looks at held and refused rows anyway says SuccessExitStatus=1.
SuccessExitStatus=0
# SIGTERM lets calls under way come to their end and writes the files.
KillMode=mixed
TimeoutStopSec={stop}

# Everything is read-only but for the journal and what comes out. These folders must be there before the first run, and
# {user} must be able to write to them.
ProtectSystem=strict
ReadWritePaths={writes}
ProtectHome=read-only
{private}PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
",
        title = schedule.title(),
        description = format_args!("{} ({}, {})", schedule.job, schedule.task, schedule.environment),
        command = command.join(" "),
        writes = writes.join(" "),
    )
}

fn timer(schedule: &Schedule) -> String {
    // systemd knows zones by name; one without a name is written in UTC.
    let (at, zone) = match schedule.zone.to_string().as_str() {
        "WIB" => (schedule.at, "Asia/Jakarta"),
        "WITA" => (schedule.at, "Asia/Makassar"),
        "WIT" => (schedule.at, "Asia/Jayapura"),
        _ => (schedule.in_zone(Zone::UTC).0, "UTC"),
    };
    format!(
        "# {}
[Unit]
Description=rekon {} every day

[Timer]
# In its own zone, whatever the machine's is.
OnCalendar=*-*-* {}:00 {zone}
AccuracySec=30s
# A machine that was off at that time makes up for it. If the job has a window and it is closed by then, nothing is sent.
Persistent=true

[Install]
WantedBy=timers.target
",
        schedule.title(),
        schedule.job,
        clock(at),
    )
}

fn alert() -> String {
    "# Started by OnFailure= of every rekon unit: put here what reaches a person.
[Unit]
Description=Tells that %i has failed

[Service]
Type=oneshot
ExecStart=/usr/bin/logger -p daemon.err -t rekon \"%i has failed: journalctl -u %i\"
"
    .to_owned()
}

/// One word of `ExecStart=`: systemd reads `%`, `$`, quotes and backslashes.
fn argument(text: &str) -> String {
    quoted(text.replace('%', "%%").replace('$', "$$"))
}

fn quoted(text: String) -> String {
    let is_plain =
        !text.is_empty() && !text.contains(|character: char| character.is_whitespace() || "\"'\\;".contains(character));
    if is_plain { text } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// One path of a list of paths.
fn path_setting(path: &str) -> String {
    quoted(path.replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::schedule;
    use super::*;

    #[test]
    fn a_path_is_quoted_whatever_is_in_it() {
        for (path, setting) in
            [("/srv/rekon", "/srv/rekon"), ("/a b%", "\"/a b%%\""), ("/a\"b", "\"/a\\\"b\""), ("/a\\b", "\"/a\\\\b\"")]
        {
            assert_eq!(path_setting(path), setting);
        }
    }

    #[test]
    fn the_time_has_its_zone_and_what_was_missed_is_made_up_for() {
        let text = timer(&schedule());
        assert!(text.contains("\nOnCalendar=*-*-* 00:45:00 Asia/Jakarta\n") && text.contains("\nPersistent=true\n"));
        let odd = Schedule { zone: Zone::parse("+05:30").unwrap(), at: 120, ..schedule() };
        assert!(timer(&odd).contains("\nOnCalendar=*-*-* 20:30:00 UTC\n"), "{}", timer(&odd));
    }

    #[test]
    fn a_run_is_made_again_after_the_exit_codes_that_ask_for_it() {
        let text = service(&schedule());
        for line in [
            "ExecStart=/usr/local/bin/rekon run /srv/rekon/jobs/refund.yaml --live",
            "Restart=on-failure",
            "RestartPreventExitStatus=1 2",
            "RestartSec=10min",
            "StartLimitBurst=4",
            "EnvironmentFile=/etc/rekon/refund-nightly.env",
            "ReadWritePaths=/srv/rekon/jobs",
            "OnFailure=rekon-alert@%n.service",
            "TimeoutStopSec=90",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_path_with_anything_in_it_stays_one_word() {
        assert_eq!(argument("/srv/100% of $HOME/it's"), "\"/srv/100%% of $$HOME/it's\"");
        let planned = Schedule { plan: Some("/srv/plans/{date:%Y%m%d}.json".into()), ..schedule() };
        let text = service(&planned);
        assert!(text.contains("refund.yaml --live --plan /srv/plans/{date:%%Y%%m%%d}.json\n"), "{text}");
        assert_eq!(path_setting("/srv/a b/50%"), "\"/srv/a b/50%%\"");
    }
}
