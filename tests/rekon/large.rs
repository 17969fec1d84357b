//! A file of orders that is too large to stay in memory: what was checked is what is sent, whatever becomes of the file; and what a
//! killed program has left of orders on the disk.

use std::fmt::Write as _;

use rekon::simulator::CLIENT_ID;

use crate::process::{Ended, Folder, Provider, bare, column, exits};

const ORDERS: usize = 60;

/// Sixty refunds, of which each has a note that fills a block of its own: six megabytes.
fn orders(amount: u32) -> String {
    let mut orders = "invoice_number,amount,order_id,akulaku_reference,note\n".to_owned();
    for number in 1..=ORDERS {
        let note = format!("{number},\"\"\n").repeat(18_000);
        writeln!(orders, "INV-{number},{amount},{number},{CLIENT_ID}INV-{number},\"{note}\"").expect("a string");
    }
    orders
}

fn refunds() -> (Folder, Provider) {
    let mut state = "orders:\n".to_owned();
    for number in 1..=ORDERS {
        writeln!(state, "  - {{invoice_number: INV-{number}, amount: 9000, status: paid, order_id: {number}}}")
            .expect("a string");
    }
    let (folder, provider) = (Folder::new(), Provider::start(&state));
    folder.write("orders.csv", &orders(9000));
    let job = format!(
        "job: refund-test\noperation: refund\nmerchant: {{environment: simulator, base_url: \"{}\"}}\n\
         orders: {{file: orders.csv}}\nguards: {{max_orders: 100, max_total: 100000000}}\n\
         limits: {{rate: 15/s, concurrency: 2, timeout: 60s}}\n",
        provider.url()
    );
    folder.write("job.yaml", &job);
    (folder, provider)
}

#[test]
fn a_file_that_is_edited_and_cut_while_it_is_sent_is_sent_as_it_was_checked() {
    let (folder, provider) = refunds();
    let edited = orders(1);
    let run = folder.start(&["run", "job.yaml"]);
    provider.wait_for(3);
    folder.write("orders.csv", &edited);
    provider.wait_for(8);
    folder.write("orders.csv", "");
    let before = provider.requests();
    exits(&run.end(), 0);
    assert!(usize::try_from(before).expect("few") < ORDERS, "the file was cut before its end: {before}");
    assert_eq!((provider.effects().len(), provider.requests()), (ORDERS, ORDERS as u64));
    let results = folder.results("refund-test");
    assert_eq!(column(&results, "rekon_state"), ["succeeded"; ORDERS]);
    assert_eq!(column(&results, "amount"), ["9000"; ORDERS]);
    let note = column(&results, "note").remove(ORDERS - 1);
    assert_eq!(note, "60,\"\n".repeat(18_000));
}

/// The program where no file may be larger than so many blocks of 512 bytes.
fn limited(folder: &Folder, arguments: &[&str], blocks: u32) -> Ended {
    let command = folder.command(arguments);
    let mut limited = bare("sh");
    let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
    limited.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
    limited.current_dir(command.get_current_dir().expect("a folder of its own"));
    crate::process::ended(limited)
}

#[test]
fn without_room_for_its_copy_nothing_is_begun() {
    let (folder, provider) = refunds();
    for command in ["check", "plan", "run"] {
        let ended = limited(&folder, &[command, "job.yaml"], 4000);
        exits(&ended, 2);
        let expected = "orders.csv: no room for a private copy of it in ";
        assert!(ended.stderr.contains(expected), "{command}: {}", ended.stderr);
        assert!(ended.stderr.contains("name another folder in TMPDIR"), "{command}: {}", ended.stderr);
    }
    assert_eq!(provider.requests(), 0);
    assert!(!folder.path(".rekon").exists(), "nothing was begun");
}

#[test]
fn where_no_copy_can_be_made_the_file_stays_in_memory_and_is_sent_as_it_was_checked() {
    let (folder, provider) = refunds();
    let mut command = folder.command(&["run", "job.yaml"]);
    command.env("TMPDIR", folder.path("nowhere"));
    let run = crate::process::Background::start(command);
    provider.wait_for(3);
    folder.write("orders.csv", "");
    let ended = run.end();
    exits(&ended, 0);
    let warned = format!(
        "warning: orders.csv stays in memory, for no private copy of it can be made: {}: No such file or directory (os error 2); \
         TMPDIR names another folder\n",
        folder.path("nowhere").display()
    );
    assert_eq!(ended.stderr.matches(&warned).count(), 1, "{}", ended.stderr);
    assert_eq!(provider.effects().len(), ORDERS);
}

/// The copy that a program has open, as the system still shows it.
#[cfg(target_os = "linux")]
fn copy_of(program: u32) -> std::path::PathBuf {
    let open = std::fs::read_dir(format!("/proc/{program}/fd")).expect("a program that runs").flatten();
    let is_copy = |path: &std::path::PathBuf| {
        let target = std::fs::read_link(path).unwrap_or_default().to_string_lossy().into_owned();
        target.contains(".rekon-") && target.ends_with(".part (deleted)")
    };
    open.map(|entry| entry.path()).find(is_copy).expect("a copy without a name")
}

#[cfg(target_os = "linux")]
#[test]
fn orders_that_cannot_be_read_again_stop_the_run_and_the_next_one_goes_on() {
    let (folder, provider) = refunds();
    let run = folder.start(&["run", "job.yaml"]);
    provider.wait_for(3);
    let copy = std::fs::File::options().write(true).open(copy_of(run.id())).expect("its file");
    copy.set_len(1 << 20).expect("it is cut");
    let ended = run.end();
    exits(&ended, 4);
    let why = "orders.csv: its private copy cannot be read any more: ";
    assert!(ended.stdout.contains(why), "{}{}", ended.stdout, ended.stderr);
    let states = column(&folder.results("refund-test"), "rekon_state");
    let sent = states.iter().filter(|state| *state == "succeeded").count();
    assert!((3..ORDERS).contains(&sent), "{sent}");
    assert_eq!(states.iter().filter(|state| *state == "not_attempted").count(), ORDERS - sent);
    assert_eq!(provider.effects().len(), sent);
    exits(&folder.rekon(&["run", "job.yaml"]), 0);
    assert_eq!(provider.effects().len(), ORDERS);
    assert!(provider.effects().values().all(|effects| *effects == 1));
}

#[test]
fn orders_that_a_killed_program_has_left_are_cleared_by_whoever_comes_next() {
    let provider = Provider::start("orders:\n  - {invoice_number: INV-1, amount: 1000, status: paid, order_id: 1}\n");
    let folder = Folder::new();
    folder.write("orders.csv", "invoice_number,amount,order_id,akulaku_reference\nINV-1,1000,1,REF-1\n");
    let job = |task: &str, guards: &str| {
        format!(
            "job: nightly\noperation: {task}\nmerchant: {{environment: simulator, base_url: \"{}\"}}\n\
             orders: {{file: orders.csv}}\noutput: {{directory: \"out-{{date}}\"}}\n{guards}",
            provider.url()
        )
    };
    folder.write("job.yaml", &job("refund", "guards: {max_orders: 9, max_total: 9000000}\n"));
    folder.write("audit.yaml", &job("audit", ""));
    // Number 1 is always somebody.
    let left = ["out-2026-01-02/nightly/.1.parts/part-0", "out-2026-01-02/nightly/.1.reconciliation.csv.part"];
    for (command, clears) in [
        (["show", "--job", "job.yaml"], false),
        (["run", "job.yaml", "--quiet"], true),
        (["resolve", "job.yaml", "--quiet"], true),
        (["reconcile", "job.yaml", "--quiet"], true),
        (["reconcile", "audit.yaml", "--quiet"], true),
    ] {
        left.iter().for_each(|name| folder.write(name, "INV-1,1000,1,REF-1\n"));
        let ended = folder.rekon(&command);
        assert!(ended.code.is_some_and(|code| code < 3), "{command:?}: {}", ended.stderr);
        let is_left = left.map(|name| folder.path(name).exists());
        assert_eq!(is_left, [!clears; 2], "{command:?}");
    }
}
