//! Slips in a job that end as green as a night without work: each command says so.

use crate::process::Folder;

const ORDERS: &str =
    "invoice_number,amount,order_id,akulaku_reference,Status\nINV-1,90000,1,X1,Disetujui\nINV-2,80000,2,X2,Selesai\n";

const JOB: &str = "job: nightly\noperation: OPERATION\nmerchant: {environment: simulator}\norders:\n  file: orders.csv\n  \
                   columns: {book_status: Status}\n  statuses: {Disetujui: paid, Selesai: paid}\n  where:\n    \
                   - book_status: [WORD]\nGUARDSnotifications: {files: [\"var/n-*.jsonl\"]}\n";

/// What each command says on stderr.
fn told(operation: &str, word: &str) -> Vec<String> {
    let (guards, commands) = match operation {
        "audit" => ("", ["reconcile", "run"].as_slice()),
        _ => ("guards: {max_orders: 5, max_total: 500000}\n", ["check", "plan", "run", "reconcile"].as_slice()),
    };
    let told = commands.iter().map(|command| {
        let folder = Folder::new();
        folder.write("orders.csv", ORDERS);
        folder.write("job.yaml", &JOB.replace("OPERATION", operation).replace("WORD", word).replace("GUARDS", guards));
        folder.rekon(&[command, "job.yaml"]).stderr
    });
    told.collect()
}

#[test]
fn conditions_that_leave_out_every_row_are_warned_of_with_the_words_that_are_there() {
    let warning = "warning: job.yaml:9:20: orders.where leaves out every order of the file, 2 of 2: book_status is \
                   \"Disetujui\", book_status is \"Selesai\"\n  hint: it wants book_status \"Disetujiu\"\n";
    for operation in ["refund", "audit"] {
        for stderr in told(operation, "Disetujiu") {
            assert!(stderr.contains(warning), "{operation}: {stderr}");
        }
        for stderr in told(operation, "Disetujui") {
            assert!(!stderr.contains("orders.where"), "{operation}: {stderr}");
        }
    }
}

#[test]
fn a_plan_that_may_not_be_run_is_told_whole_to_machines() {
    let folder = Folder::new();
    folder.write("orders.csv", ORDERS);
    let guards = "guards: {max_orders: 1, max_total: 500000}\n";
    folder.write(
        "job.yaml",
        &JOB.replace("OPERATION", "refund").replace("[WORD]", "[Disetujui, Selesai]").replace("GUARDS", guards),
    );
    let told = folder.rekon(&["plan", "job.yaml", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&told.stdout).expect("one document");
    assert_eq!((told.code, &document["exit_code"], &document["may_run"]), (Some(2), &2.into(), &false.into()));
    assert_eq!(
        (&document["guards"][0]["guard"], &document["guards"][0]["verdict"]),
        (&"max_orders".into(), &"broken".into())
    );
    assert_eq!(document["eta"]["calls"], 2);
    assert!(document["error"].as_str().expect("why").contains("guard max_orders: 2 orders planned, 1 order allowed"));
    assert!(told.stderr.ends_with("nothing was sent\n"), "{}", told.stderr);
    folder.write("orders.csv", &ORDERS.replace("90000", "90000,5"));
    let told = folder.rekon(&["--json", "plan", "job.yaml"]);
    assert_eq!(told.code, Some(2));
    let document: serde_json::Value = serde_json::from_str(&told.stdout).expect("one document");
    assert!(document["faults"][0]["message"].is_string(), "{document}");
}

#[test]
fn a_plan_says_why_rows_are_left_out() {
    let folder = Folder::new();
    folder.write("orders.csv", ORDERS);
    let guards = "guards: {max_orders: 10, max_total: 5000000}\n";
    let job = JOB.replace("OPERATION", "refund").replace("[WORD]", "[Disetujui]").replace("GUARDS", guards);
    folder.write("job.yaml", &job);
    let said = "left out: 1 row, book_status is \"Selesai\"\n";
    for arguments in [&["plan", "job.yaml"][..], &["plan", "job.yaml", "--format", "md"]] {
        let told = folder.rekon(arguments);
        assert!(told.stdout.contains(said), "{}", told.stdout);
    }
    let told = folder.rekon(&["plan", "job.yaml", "--lang", "id"]);
    assert!(told.stdout.contains("\ndikecualikan: 1 baris, book_status is \"Selesai\"\n"), "{}", told.stdout);
    let told = folder.rekon(&["plan", "job.yaml", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&told.stdout).expect("one document");
    assert_eq!(document["left_out"], serde_json::json!([{ "reason": "book_status is \"Selesai\"", "rows": 1 }]));
    folder.write("job.yaml", &job.replace("[Disetujui]", "[Disetujui, Selesai]"));
    let told = folder.rekon(&["plan", "job.yaml"]);
    assert!(!told.stdout.contains("left out"), "{}", told.stdout);
}

#[test]
fn an_export_of_a_header_alone_is_warned_of() {
    let folder = Folder::new();
    let (header, _) = ORDERS.split_once('\n').expect("a header");
    folder.write("orders.csv", &format!("{header}\n"));
    let guards = "guards: {max_orders: 10, max_total: 5000000}\n";
    folder.write(
        "job.yaml",
        &JOB.replace("OPERATION", "refund").replace("[WORD]", "[Disetujui]").replace("GUARDS", guards),
    );
    for command in ["plan", "check", "run"] {
        let told = folder.rekon(&[command, "job.yaml"]);
        assert_eq!(told.code, Some(0), "{command}: {}", told.stderr);
        let warning = "warning: orders.csv has no orders, and so there is nothing to do\n";
        assert_eq!(told.stderr.matches(warning).count(), 1, "{command}: {}", told.stderr);
    }
}

#[test]
fn globs_that_match_nothing_are_warned_of_by_every_command() {
    for operation in ["refund", "audit"] {
        for stderr in told(operation, "Disetujui") {
            let warning = "warning: job.yaml: notifications.files \"var/n-*.jsonl\" matches no file";
            assert_eq!(stderr.matches(warning).count(), 1, "{operation}: {stderr}");
        }
    }
}
