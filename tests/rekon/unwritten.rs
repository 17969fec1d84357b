//! What a command exits with when nobody can have read all that it had to say.

use std::process::Stdio;

use crate::process::Folder;

const JOB: &str = "job: night\noperation: refund\nmerchant: {environment: simulator, state: doku.yaml}\n\
                   orders: {file: orders.csv}\nguards: {max_orders: 10, max_total: 1000000}\n";

const DOKU: &str = "orders:\n  - {invoice_number: INV-1, amount: 90000, status: paid, order_id: \"1\", \
                    akulaku_reference: MCH-1}\n";

/// A folder with a job that has been run once.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("orders.csv", "invoice_number,amount,order_id,akulaku_reference\nINV-1,90000,1,MCH-1\n");
    folder.write("doku.yaml", DOKU);
    folder.write("job.yaml", JOB);
    let ran = folder.rekon(&["run", "job.yaml"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    folder
}

/// The program with its output on a device that is full.
#[cfg(target_os = "linux")]
fn on_a_full_device(folder: &Folder, arguments: &[&str]) -> crate::process::Ended {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device that is always full");
    let mut command = folder.command(arguments);
    command.stdout(Stdio::from(full)).stderr(Stdio::piped());
    let output = command.spawn().expect("the program starts").wait_with_output().expect("it ends");
    let stderr = String::from_utf8(output.stderr).expect("text");
    crate::process::Ended { code: output.status.code(), stdout: String::new(), stderr }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_could_not_be_written_is_told_and_no_command_ends_as_if_it_were_whole() {
    let folder = folder();
    for arguments in [
        &["plan", "job.yaml", "--json"][..],
        &["show", "--job", "job.yaml"],
        &["check", "job.yaml"],
        &["schema"],
        &["journal", "check", "--job", "job.yaml"],
        &["journal", "backup", "copy.db", "--job", "job.yaml", "--json"],
        &["run", "job.yaml"],
    ] {
        let told = on_a_full_device(&folder, arguments);
        assert_eq!(told.code, Some(4), "{arguments:?}: {}", told.stderr);
        assert!(
            told.stderr.contains("the output could not be written: No space left"),
            "{arguments:?}: {}",
            told.stderr
        );
    }
    folder.write("job.yaml", &JOB.replace("orders.csv", "nowhere.csv"));
    let refused = on_a_full_device(&folder, &["plan", "job.yaml", "--json"]);
    assert_eq!(refused.code, Some(2), "nothing was sent, and that is what matters: {}", refused.stderr);
    assert!(refused.stderr.contains("the output could not be written"), "{}", refused.stderr);
}

#[test]
fn a_reader_that_has_gone_away_is_no_fault() {
    let folder = folder();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = folder.command(&["plan", "job.yaml", "--json"]);
    command.stdout(Stdio::from(writer)).stderr(Stdio::piped());
    let output = command.spawn().expect("the program starts").wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn a_file_larger_than_the_system_allows_ends_an_audit_like_a_full_disk() {
    let folder = Folder::new();
    let orders = (0..500).map(|number| format!("INV-{number:03},90000,paid\n")).collect::<Vec<_>>().concat();
    folder.write("orders.csv", &format!("invoice_number,amount,Status\n{orders}"));
    folder.write(
        "audit.yaml",
        "job: month\noperation: audit\nmerchant: {environment: simulator}\n\
         orders: {file: orders.csv, columns: {book_status: Status}}\noutput: {formats: [csv, json]}\n",
    );
    let audit = folder.command(&["reconcile", "audit.yaml"]);
    let mut limited = crate::process::bare("sh");
    limited.args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""]).arg(audit.get_program()).args(audit.get_args());
    limited.current_dir(audit.get_current_dir().expect("a folder of its own"));
    let ended = limited.output().expect("it ends");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(4), "{:?} {stderr}", ended.status);
    assert!(stderr.contains("reconciliation.csv: cannot be written: File too large"), "{stderr}");
    assert!(stderr.contains("nothing was sent, and nothing is reported"), "{stderr}");
}
