//! An order that was refused for the key: no run sends it again, and every place where somebody looks says how it is sent.

use crate::process::Folder;

const JOB: &str = "job: night\noperation: refund\nmerchant: {environment: simulator, state: doku.yaml}\n\
                   orders: {file: orders.csv}\nguards: {max_orders: 10, max_total: 1000000}\n";

const DOKU: &str = "orders:\n  - {invoice_number: INV-1, amount: 90000, status: paid, order_id: \"1\", \
                    akulaku_reference: MCH-1}\n";

#[test]
fn an_order_refused_for_the_key_is_named_with_what_sends_it_again() {
    let folder = Folder::new();
    folder.write("orders.csv", "invoice_number,amount,order_id,akulaku_reference\nINV-1,90000,1,MCH-1\n");
    folder.write("doku.yaml", &format!("{DOKU}faults:\n  - {{operation: refund, fault: unauthorized}}\n"));
    folder.write("job.yaml", JOB);
    let command = "rekon reopen INV-1 --operation refund --reason TEXT --journal .rekon/journal.db";
    let turned_away = folder.rekon(&["run", "job.yaml"]);
    assert_eq!(turned_away.code, Some(4), "{}{}", turned_away.stdout, turned_away.stderr);
    assert!(turned_away.stdout.contains(command), "{}", turned_away.stdout);
    folder.write("doku.yaml", DOKU);
    let again = folder.rekon(&["run", "job.yaml"]);
    assert_eq!(again.code, Some(1), "{}{}", again.stdout, again.stderr);
    assert!(again.stdout.contains(command), "{}", again.stdout);
    assert!(again.stdout.contains("refused or held: results.csv"), "{}", again.stdout);
    assert!(!again.stdout.contains("reconciliation.csv"), "{}", again.stdout);
    let shown = folder.rekon(&["show", "INV-1", "--job", "job.yaml"]);
    let to_type = "rekon reopen INV-1 --operation refund --reason TEXT --job job.yaml";
    assert!(shown.stdout.contains(to_type), "{}", shown.stdout);
    let mut typed: Vec<&str> = to_type.split(' ').skip(1).collect();
    typed[5] = "mended";
    assert_eq!(folder.rekon(&typed).code, Some(0));
    let sent = folder.rekon(&["run", "job.yaml"]);
    assert_eq!(sent.code, Some(0), "{}{}", sent.stdout, sent.stderr);
    assert!(!sent.stdout.contains("reopen"), "{}", sent.stdout);
}
