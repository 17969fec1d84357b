//! Bahasa Indonesia on every screen: no sentence of a command is English where its reader asked for another language.

use std::collections::BTreeSet;

use rekon::simulator::CLIENT_ID;

use crate::process::{Folder, Provider, within_one_day};

/// Words that an English sentence hardly does without, and that no sentence of Bahasa Indonesia has.
const ENGLISH: [&str; 46] = [
    "the",
    "is",
    "are",
    "was",
    "were",
    "of",
    "and",
    "it",
    "its",
    "by",
    "with",
    "from",
    "for",
    "to",
    "that",
    "what",
    "which",
    "who",
    "nothing",
    "no",
    "not",
    "sent",
    "left",
    "made",
    "may",
    "rows",
    "row",
    "orders",
    "lines",
    "state",
    "verdict",
    "money",
    "doubt",
    "whole",
    "started",
    "finished",
    "exit",
    "says",
    "guard",
    "limit",
    "headroom",
    "disposition",
    "next",
    "again",
    "stopped",
    "warning",
];

const STATE: &str = "orders:
  - {invoice_number: INV-1, amount: 10000, status: paid, order_id: 1001}
  - {invoice_number: INV-2, amount: 20000, status: paid, order_id: 1002}
faults:
  - {operation: refund, invoice_number: INV-2, times: 1, fault: error_before}
";

fn world() -> (Folder, Provider) {
    let provider = Provider::start(STATE);
    let folder = Folder::new();
    folder.write(
        "orders.csv",
        &format!(
            "invoice_number,amount,order_id,akulaku_reference\nINV-1,10000,1001,{CLIENT_ID}INV-1\n\
             INV-2,20000,1002,{CLIENT_ID}INV-2\n"
        ),
    );
    folder.write("log.jsonl", "");
    let url = provider.url();
    let job = format!(
        "job: malam\noperation: refund\nmerchant: {{environment: simulator, base_url: \"{url}\"}}\n\
         orders: {{file: orders.csv}}\nguards: {{max_orders: 10, max_total: 1000000}}\n\
         notifications: {{files: [log.jsonl, none-*.jsonl]}}\noutput: {{language: id}}\n\
         limits: {{rate: 500/s, burst: 10, timeout: 60s}}\n\
         retries: {{attempts: 1, backoff: 10ms..20ms, horizon: 24h, inquire_after: 20ms, settle_for: 300ms}}\n"
    );
    folder.write("job.yaml", &job);
    folder.write("guarded.yaml", &job.replace("max_orders: 10", "max_orders: 1").replace("malam", "sempit"));
    let audit = format!(
        "job: audit\noperation: audit\nmerchant: {{environment: simulator, base_url: \"{url}\"}}\n\
         orders: {{file: orders.csv}}\nnotifications: {{files: [log.jsonl]}}\n\
         reconcile: {{results: [\"out/malam/*/results.csv\"]}}\noutput: {{language: id}}\n"
    );
    folder.write("audit.yaml", &audit);
    (folder, provider)
}

/// What is English in a text, without codes in parentheses, names of files and commands that are to be typed.
fn english(text: &str) -> BTreeSet<String> {
    let prose = text.lines().map(|line| line.split("rekon ").next().unwrap_or_default());
    let words = prose.flat_map(|line| line.split([' ', ',', ':', ';']));
    let plain = words.filter(|word| !word.starts_with('(') && word.chars().all(|one| one.is_ascii_alphabetic()));
    plain.map(str::to_lowercase).filter(|word| ENGLISH.contains(&word.as_str())).collect()
}

#[test]
fn no_screen_in_bahasa_indonesia_has_english_sentences() {
    // A plan is good for its day.
    within_one_day();
    let (folder, _provider) = world();
    let shows = |arguments: &[&str], code: i32, expected: &str| {
        let ended = folder.rekon(arguments);
        let text = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(code), "{arguments:?}\n{text}");
        assert!(text.contains(expected), "{arguments:?}: {expected} is not in\n{text}");
        assert_eq!(english(&text), BTreeSet::new(), "{arguments:?}\n{text}");
    };
    shows(&["init", "audit", "contoh", "--lang", "id"], 0, "berikutnya:");
    shows(&["check", "job.yaml"], 0, "job.yaml: tidak ada kesalahan, 2 baris, Rp ");
    shows(&["doctor", "job.yaml"], 0, "proses dapat dimulai");
    shows(&["plan", "guarded.yaml"], 2, "tidak ada yang dikirim");
    shows(&["plan", "job.yaml", "--out", "plan.json"], 0, "tersimpan plan.json");
    shows(&["show", "plan.json", "--lang", "id"], 0, "belum dibandingkan dengan job");
    shows(&["show", "plan.json", "--job", "job.yaml"], 0, "boleh dijalankan, dan belum pernah dipakai");
    shows(&["run", "job.yaml", "--plan", "plan.json"], 3, "UANG BELUM PASTI: 1 baris, Rp 20.000 (kode keluar 3)");
    shows(&["show", "--job", "job.yaml"], 0, "UANG BELUM PASTI: 1 item");
    shows(&["show", "INV-2", "--job", "job.yaml"], 0, "uang pesanan ini belum pasti");
    shows(&["journal", "check", "--job", "job.yaml"], 0, "utuh:");
    shows(&["reconcile", "audit.yaml"], 3, "UANG BELUM PASTI");
    shows(&["show", "INV-2", "--job", "audit.yaml"], 0, "berikutnya: jalankan lagi job yang mengirimnya");
    let horizon = |from: &str, to: &str| folder.write("job.yaml", &folder.read("job.yaml").replace(from, to));
    horizon("horizon: 24h", "horizon: 1ms");
    shows(&["resolve", "job.yaml"], 3, "belum pasti sekarang: 1 item");
    let ruling =
        ["rule", "INV-2", "--operation", "refund", "--reason", "telepon", "--evidence", "tiket", "--as", "not-done"];
    shows(&[&ruling[..], &["--job", "job.yaml"]].concat(), 0, "Diputuskan tidak terjadi (ruled_not_done)");
    shows(
        &["reopen", "INV-2", "--operation", "refund", "--reason", "lagi", "--job", "job.yaml"],
        0,
        "akan dikirim lagi",
    );
    horizon("horizon: 1ms", "horizon: 24h");
    shows(&["run", "job.yaml"], 0, "kemajuan akhir:");
    shows(&["show", "INV-2", "--job", "job.yaml"], 0, "hasil pesanan ini sudah pasti");
}

#[test]
fn a_screen_in_english_would_be_noticed() {
    let (folder, _provider) = world();
    let ended = folder.rekon(&["plan", "job.yaml", "--lang", "en"]);
    assert!(english(&ended.stdout).len() > 3, "{}", ended.stdout);
}
