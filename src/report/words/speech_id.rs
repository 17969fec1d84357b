//! What commands tell, in Bahasa Indonesia. The words of lists are those of the page (`id.rs`), each with its code behind it.

use super::id::WORDS;
use super::speech::{Again, Ended, Look, Speech, Unit};
use super::{cause, entry, rounded};
use crate::journal::log::short;
use crate::journal::record::RowFate;
use crate::journal::state::State;
use crate::model::fault::printable;
use crate::model::language::Language;
use crate::model::money::{Rupiah, Tally};
use crate::model::operation::Operation;
use crate::plan::eta::{Eta, Opening};
use crate::plan::phrase::Phrase;
use crate::report::limits::LimitsSeen;
use crate::report::overrides::in_words;

const ID: Language = Language::Indonesian;

/// The words.
pub(super) const SPEECH: Speech = Speech {
    count: |number| ID.count(number),
    time: |time| ID.time(time),
    date: |date| ID.date(date),
    counted,
    operation: |word| match Operation::from_word(word) {
        Some(Operation::Refund) => "pengembalian dana",
        Some(Operation::Cancel) => "pembatalan",
        Some(Operation::Create) => "pembuatan pesanan",
        None => word,
    },
    plan: "rencana",
    run: "proses",
    disposition: "rencana",
    rows: "baris",
    orders: "pesanan",
    lines: "baris",
    rupiah: "rupiah",
    total: "jumlah",
    guards: ["batas", "nilai batas", "rencana", "sisa"],
    ok: "terpenuhi",
    held_back: "menahan",
    broken: "DILANGGAR",
    dispositions: ["Akan dikirim (send)", "Dilewati (skip)", "Ditahan (held)", "Tidak sah (invalid)"],
    phrase,
    eta,
    trouble: |eta, now| {
        let hours = eta.hours.filter(|_| eta.calls > 0)?;
        let ends = eta.ends(now);
        let at = |time| hours.shown(time).replace(':', ".");
        match hours.state {
            Opening::Closed => Some(format!(
                "di luar jam pengiriman sampai {}: sekarang tidak ada yang akan dikirim (kode keluar 4)",
                at(hours.until)
            )),
            Opening::Open if ends > hours.until => Some(format!(
                "jam pengiriman berakhir {}, tetapi panggilan terakhir baru sekitar {}: proses berhenti saat itu (kode keluar 4); \
                 jalankan lagi pada jam pengiriman berikutnya untuk melanjutkan",
                at(hours.until),
                at(ends)
            )),
            Opening::Open => None,
        }
    },
    left_open: |open| {
        format!(
            "{} di antara yang dilewati, {}: belum pasti; akan ditanyakan lagi dengan kunci yang sama sampai pasti",
            counted(open.count, Unit::Rows),
            open.rupiah
        )
    },
    may_run: "Rencana ini boleh dijalankan; belum ada yang dikirim.",
    may_not_run: |broken| match broken {
        [] => "TIDAK BOLEH DIJALANKAN: data masukan salah; tidak ada yang dikirim".to_owned(),
        broken => format!("TIDAK BOLEH DIJALANKAN: {} dilanggar; tidak ada yang dikirim", broken.join(", ")),
    },
    broken_guard: |reading| {
        let (guard, [found, limit, headroom]) =
            (reading.guard, [&reading.found, &reading.limit, &reading.headroom].map(phrase));
        match reading.key() {
            "duplicate_input" => format!("batas duplicate_input: ini {found}, {headroom}"),
            "control" => format!("batas {guard}: ditemukan {found}, seharusnya {limit}: {headroom}"),
            _ => format!("batas {guard}: rencana {found}, batasnya {limit}: {headroom}"),
        }
    },
    guard_hint: |flags| {
        let loosen = if flags.is_empty() {
            String::new()
        } else {
            format!(", atau untuk proses ini saja tambahkan {flags} --reason TEXT")
        };
        format!("saran: periksa apakah berkasnya benar; bila benar, ubah batasnya{loosen}")
    },
    doubt_meanwhile: |open, command| {
        let (orders, rupiah) = (counted(open.count, Unit::Orders), open.rupiah);
        let settled = if command.is_empty() { "" } else { "; pastikan tanpa mengirim yang baru: " };
        format!("UANG BELUM PASTI sementara itu, dari proses job ini sebelumnya: {orders}, {rupiah}{settled}{command}")
    },
    state: "status",
    state_now: "status sekarang",
    our_runs: "hasil proses kita",
    nothing: "tidak ada",
    verdict: "kesimpulan",
    strays: "baris log yang tidak membuktikan apa pun",
    state_name: |state| coded((WORDS.state_name)(state), state.word()),
    item_state,
    verdict_name: |verdict| coded((WORDS.verdict_name)(verdict), verdict.word()),
    not_judged_name: "Tidak dinilai (not_sent)",
    left_out: |reason, some, all| (WORDS.left_out)(reason, &ID.count(some), &ID.count(all)),
    judged_nothing: "tidak ada yang dinilai",
    line_name: |reason| coded((WORDS.line_name)(reason), reason.word()),
    action_name: |action| coded((WORDS.action_name)(action), action.word()),
    book_name: |book| (WORDS.book_name)(book).to_owned(),
    reason: |reason, ageing, key| {
        let behind = [ageing.map(WORDS.ageing_name), key.map(WORDS.key).filter(|text| !text.is_empty())];
        behind.into_iter().flatten().fold((WORDS.reason_text)(reason), |text, more| text + "; " + more)
    },
    identity: |identity| {
        let side = |tally: Tally| format!("{} senilai {}", counted(tally.count, Unit::Rows), tally.rupiah);
        if identity.holds {
            let repeated = match identity.repeated.count {
                0 => String::new(),
                _ => format!(
                    "; {} senilai {}, sisanya {} milik pesanan yang sama",
                    counted(identity.verdicts.count, Unit::Orders),
                    identity.verdicts.rupiah,
                    side(identity.repeated)
                ),
            };
            return format!("jumlah cocok: baris masuk = baris keluar = {}{repeated}", side(identity.rows));
        }
        format!(
            "JUMLAH TIDAK COCOK: masuk {}; menurut status {}; menurut kesimpulan {} dan baris ulangan {}",
            side(identity.rows),
            side(identity.states),
            side(identity.verdicts),
            side(identity.repeated)
        )
    },
    business_days: |first, last, as_of| format!("tanggal {first} sampai {last}, keadaan per {as_of}"),
    as_of: |time| format!("keadaan per {time}"),
    log: |lines, signed| format!("log: {}, {} ditandatangani DOKU", counted(lines, Unit::Lines), ID.count(signed)),
    done_elsewhere: |states, rupiah| {
        let much = if rupiah == Rupiah::ZERO { String::new() } else { format!("; {rupiah} sejauh diketahui") };
        format!("sudah dikerjakan proses kita atas pesanan yang tidak ada di data masukan ini: {states}{much}")
    },
    pace,
    plan_used: |used| {
        let approved: Vec<String> =
            used.approved_by.iter().map(|one| format!("{} ({})", one.name, short(&one.key))).collect();
        let approved = match approved.as_slice() {
            [] => "tanpa perlu persetujuan".to_owned(),
            approved => format!("disetujui oleh {}", approved.join(", ")),
        };
        let continues = used.continues.last().map(|run| format!("; melanjutkan proses {run}")).unwrap_or_default();
        format!("rencana {}, dibuat oleh {}, {approved}{continues}", short(&used.digest), used.made_by)
    },
    overridden: |found| {
        let (from, to) = (in_words(&found.guard, &found.from), in_words(&found.guard, &found.to));
        format!("dilonggarkan: {} {from} -> {to}, oleh {}: {}", found.guard, found.by, found.reason)
    },
    warning: "peringatan",
    error: "masalah",
    severity: |verdict, tally, oldest| {
        let oldest =
            oldest.map(|age| format!(", yang tertua {}", rounded(age, [" mnt", " jam", " hari"]))).unwrap_or_default();
        let name = coded((WORDS.verdict_name)(verdict), verdict.word());
        format!("{name}: {}, {}{oldest} (reconcile.severity)", counted(tally.count, Unit::Orders), tally.rupiah)
    },
    files: "berkas",
    stopped: |cause| format!("berhenti di tengah jalan: {}", cause::indonesian(cause)),
    because: cause::indonesian,
    cause: cause::in_one_indonesian_word,
    ended: |ended| match ended {
        Ended::Done => "selesai; tidak ada uang yang belum pasti".to_owned(),
        Ended::InDoubt(doubt) => format!("UANG BELUM PASTI: {}, {}", counted(doubt.count, Unit::Rows), doubt.rupiah),
        Ended::Stopped => "proses belum sampai akhir; tidak ada uang yang belum pasti".to_owned(),
        Ended::Look => "selesai; tidak ada uang yang belum pasti, tetapi perlu diperiksa".to_owned(),
    },
    exit_code: |code| format!("(kode keluar {code})"),
    of_earlier_runs: |count, named, more| {
        let more = if more == 0 { String::new() } else { format!(" dan {} lagi", ID.count(more)) };
        let orders = counted(count, Unit::Orders);
        format!(
            "{orders} dari proses sebelumnya, yang tidak dilanjutkan baris di sini (tidak ada di data masukan ini, atau ditahan): {named}{more}"
        )
    },
    not_judged: |count, named, more| {
        let more = if more == 0 { String::new() } else { format!(" dan {} lagi", ID.count(more)) };
        let orders = counted(count, Unit::Orders);
        format!(
            "{orders} yang tidak dinilai audit ini (tidak ada di data masukan, di luar periode, tidak dipilih oleh where, atau \
             barisnya tidak sah): {named}{more}"
        )
    },
    settles: |again, command| {
        let again = match again {
            Again::TheSender => "jalankan lagi job yang mengirimnya",
            Again::ThePlan => "jalankan lagi rencana yang sama",
            Again::TheJob => "jalankan lagi job yang sama",
        };
        let command = to_type(command);
        format!("{again}; hasilnya dipastikan dengan kunci yang sama, tidak pernah dikirim dua kali{command}")
    },
    other_amount: |invoice, theirs, ours| format!("{invoice} {theirs} (kita: {ours})"),
    other_amounts: |count, named, more| {
        let more = if more == 0 { String::new() } else { format!(" dan {} lagi", ID.count(more)) };
        let orders = counted(count, Unit::Orders);
        format!(
            "untuk {orders} jawaban DOKU yang bertanda tangan menyebut nominal lain daripada nominal kita: {named}{more}"
        )
    },
    wrong_column: |column, command| {
        format!(
            "benarkah itu kolom nominalnya? {column}. Jika bukan, perbaiki; proses berikutnya mengirim sisanya{}",
            to_type(command)
        )
    },
    answered_for_good: |horizon, command| {
        format!(
            "mengulang membawa jawaban yang sama, dan pesanan seperti ini tidak pernah dikirim dengan kunci lain; setelah \
             retries.horizon ({horizon}) sejak permintaan pertamanya, perintah ini menyerahkannya kepada orang untuk diputuskan{}",
            to_type(command)
        )
    },
    resolving: |command| {
        format!("atau tanpa mengirim yang baru; bila DOKU masih bermasalah, status tiap pesanan ditanyakan: {command}")
    },
    which_ones: |place| format!("yang mana, dan apa yang diketahui tentangnya: rekon show {place}"),
    of_another_journal: |file| {
        let which =
            file.map_or_else(|| "rekon_state di dalamnya".to_owned(), |file| format!("kesimpulan in_doubt di {file}"));
        format!(
            "yang hanya diketahui dari results.csv: {which}; hasilnya dipastikan dengan jurnal dari proses yang menulisnya"
        )
    },
    for_a_person: |invoice, operation, place| {
        format!(
            "review, conflict: perlu keputusan orang, --as done (atau not-done): rekon rule {invoice} --operation {operation} \
             --as done --reason TEXT --evidence TEXT {place}"
        )
    },
    go_on: |again, command| match again {
        Again::ThePlan => "jalankan lagi rencana yang sama untuk melanjutkan".to_owned(),
        Again::TheJob | Again::TheSender => format!("jalankan lagi job ini untuk melanjutkan{}", to_type(command)),
    },
    look_at: |places| {
        let place = |place: &Look| match place {
            Look::Results => "baris yang ditolak atau ditahan di results.csv",
            Look::Verdicts => "pesanan yang tidak cocok di reconciliation.csv",
            Look::Strays => "baris log yang tersisa di unmatched.csv",
            Look::Actions => "langkah berikutnya di actions.csv",
        };
        format!("lihat {}", places.iter().map(place).collect::<Vec<_>>().join("; "))
    },
    reopening: |count, more, command| {
        let more = if more == 0 { String::new() } else { format!(" (dan {} lagi di results.csv)", ID.count(more)) };
        format!(
            "{} ditolak karena kuncinya (401/403), dan tidak dikirim lagi dengan sendirinya; setelah kuncinya benar{more}: \
             {command}",
            counted(count, Unit::Orders)
        )
    },
    because_of: |causes| format!("karena {}", causes.join(", ")),
    orders_that: |count, verdict| format!("{} {verdict}", counted(count, Unit::Orders)),
    refused_rows: "baris yang ditolak",
    other_jobs: |jobs| format!("ditinggalkan oleh job lain; jalankan lagi juga: {jobs}"),
    doubt_before: |tally| format!("belum pasti sebelumnya: {}, {}", counted(tally.count, Unit::Items), tally.rupiah),
    settled_as: |state, tally| format!("menjadi pasti, {state}: {}, {}", ID.count(tally.count), tally.rupiah),
    doubt_now: |tally| format!("belum pasti sekarang: {}, {}", counted(tally.count, Unit::Items), tally.rupiah),
    items_in_doubt: |tally| format!("UANG BELUM PASTI: {}, {}", counted(tally.count, Unit::Items), tally.rupiah),
    which_and_what: |place| format!("yang mana, dan apa yang perlu diketik: rekon show {place}"),
    nothing_new: |command| format!("tidak ada pengiriman baru; untuk mengirim sisanya: {command}"),
    runs: ["proses", "job", "lingkungan", "hasil", "baris", "belum pasti"],
    ended_with: |code| match code {
        0 => "selesai",
        1 => "periksa",
        3 => "tak pasti",
        4 => "berhenti",
        _ => "",
    },
    running: "berjalan",
    cut_off: "terputus",
    no_runs: "belum ada proses",
    older_runs: |count| format!("dan {}, semuanya pasti; --json menampilkan semua", counted(count, Unit::OlderRuns)),
    journal: "jurnal",
    no_doubt: "tidak ada uang yang belum pasti",
    and_more: |count| format!("dan {} lagi", ID.count(count)),
    doubt_hints: |flag| {
        format!(
            "  salah satunya: rekon show INVOICE {flag}\n  intent, unknown: jalankan lagi jobnya, atau rekon resolve JOB\n  \
             review, conflict, --as done (atau not-done): rekon rule INVOICE --operation OPERATION --as done --reason TEXT \
             --evidence TEXT {flag}"
        )
    },
    all_of_job: |job| format!("semuanya dari job {job}"),
    doubts: ["invoice", "rupiah", "status", "alasan", "pertama dikirim (WIB)", "job"],
    started: |time| format!("mulai {time}"),
    finished: |time, how| format!("selesai {time}, kode keluar {how}"),
    not_finished: |how, last| match last {
        Some(time) => format!("tidak selesai: {how}; permintaan terakhirnya keluar {time}"),
        None => format!("tidak selesai: {how}, sebelum ada permintaan yang keluar"),
    },
    chain: ["waktu", "kejadian"],
    no_request: "belum pernah ada permintaan untuk invoice ini",
    item: |state, job, run, request_id| format!("status {state}\njob {job}, proses {run}\nrequest id {request_id}"),
    state_reason: |reason| format!(": {reason}"),
    ruled_by: |by| format!(" oleh {}", printable(by)),
    generation: |generation| format!("generasi {generation}"),
    mentioned: |operation, run, row| {
        let fate = match row.fate {
            RowFate::Send => "akan dikirim (send)",
            RowFate::Settled => "sudah pasti (settled)",
            RowFate::Continue => "dilanjutkan (continue)",
            RowFate::Skip => "dilewati (skip)",
            RowFate::Held => "ditahan (held)",
            RowFate::Invalid => "tidak sah (invalid)",
        };
        format!("{operation}, proses {run}, data ke-{} (baris {} di berkas): {fate}", row.number, row.line)
    },
    row_reason: |reason| {
        let known = [
            ("left open by run ", "masih terbuka dari proses "),
            ("settled earlier in run ", "sudah pasti di proses "),
            ("duplicate of row ", "mengulang data ke-"),
        ];
        let known = known.into_iter().find_map(|(english, word)| Some((word, reason.strip_prefix(english)?)));
        known.map_or_else(|| reason.to_owned(), |(word, what)| format!("{word}{what}"))
    },
    planned: "rencana",
    notified: "notifikasi",
    said_over: |status, amount, place| format!("{status} senilai {amount}, {place}"),
    kind: entry::kind_in_indonesian,
    entry: entry::indonesian,
    under_way: "sedang dikerjakan",
    known: [
        "uang pesanan ini belum pasti",
        "belum ada yang dilakukan dengan kunci ini; proses berikutnya akan mengirimnya",
        "hasil pesanan ini sudah pasti",
    ],
    concluded: |verdict, reason| {
        format!("kesimpulan {}: {reason}", coded((WORDS.verdict_name)(verdict), verdict.word()))
    },
    no_verdict: |why| format!("tanpa kesimpulan: {why}"),
    name_the_job: "sebutkan jobnya dengan --job untuk notifikasi dan kesimpulan",
    break_headings: ["invoice", "nominal", "kesimpulan", "alasan"],
    row: |number| format!("baris {}", ID.count(number)),
    more_orders: |count, file| format!("Dan {} lagi: {file}.", counted(count, Unit::Orders)),
    files_in: |folder, names| format!("Berkas di {folder} (dari folder job): {names}."),
    money_in_doubt: "UANG BELUM PASTI",
    no_doubt_sentence: "Tidak ada uang yang belum pasti.",
};

fn coded(word: &str, code: &str) -> String {
    format!("{word} ({code})")
}

fn to_type(command: &str) -> String {
    if command.is_empty() { String::new() } else { format!(": {command}") }
}

fn counted(count: u64, unit: Unit) -> String {
    let word = match unit {
        Unit::Orders => "pesanan",
        Unit::Rows | Unit::Lines => "baris",
        Unit::Items => "item",
        Unit::LogLines => "baris log",
        Unit::OlderRuns => "proses yang lebih lama",
    };
    format!("{} {word}", ID.count(count))
}

fn item_state(state: State) -> String {
    let word = match state {
        State::Planned => "Direncanakan",
        State::Held => "Ditahan",
        State::Skipped => "Dilewati",
        State::Invalid => "Tidak sah",
        State::Intent => "Sedang dikirim",
        State::Unknown => "Belum pasti",
        State::Succeeded => "Berhasil",
        State::AlreadyDone => "Sudah pernah dilakukan",
        State::Refused => "Ditolak",
        State::Review => "Perlu keputusan",
        State::Conflict => "Bertentangan",
        State::RuledDone => "Diputuskan sudah terjadi",
        State::RuledNotDone => "Diputuskan tidak terjadi",
    };
    coded(word, state.word())
}

fn phrase(said: &Phrase) -> String {
    let orders = |count| counted(count, Unit::Orders);
    let rows = |count| counted(count, Unit::Rows);
    match said {
        Phrase::Number(number) => ID.count(*number),
        Phrase::Orders(count) => orders(*count),
        Phrase::Rows(count) => rows(*count),
        Phrase::Rupiah(rupiah) => rupiah.to_string(),
        Phrase::Both(tally) => format!("{}, {}", orders(tally.count), tally.rupiah),
        Phrase::OnDay(what, date) => format!("{} pada {}", phrase(what), ID.date(date)),
        Phrase::WithBefore(what, before) => format!("{} ({} sebelumnya)", phrase(what), phrase(before)),
        Phrase::Left(what) => format!("{} tersisa", phrase(what)),
        Phrase::TooMany(what) => format!("kelebihan {}", phrase(what)),
        Phrase::Missing(what) => format!("kurang {}", phrase(what)),
        Phrase::Agrees => "cocok".to_owned(),
        Phrase::Share(percent, of) => format!("{percent}% dari {}", rows(*of)),
        Phrase::ShareFrom(percent, from) => format!("{percent}% (mulai {})", rows(*from)),
        Phrase::TooFewRows => "barisnya terlalu sedikit".to_owned(),
        Phrase::TimesLargest(factor) => format!("{factor} x proses terbesar"),
        Phrase::Times(factor, what) => format!("{factor} x {}", phrase(what)),
        Phrase::TooFewRuns(seen, needed) => format!("proses pembanding masih kurang ({seen} dari {needed})"),
        Phrase::SeenPaid(notified) => format!("terbukti lunas ({} notifikasi)", ID.count(*notified as u64)),
        Phrase::NotSeenPaid(notified) => format!("tidak terbukti lunas ({} notifikasi)", ID.count(*notified as u64)),
        Phrase::NotRefunded => "dana belum kembali".to_owned(),
        Phrase::SameAmount => "nominal sama".to_owned(),
        Phrase::AllRows => "semua baris".to_owned(),
        Phrase::RowsHeld(count) => format!("{} ditahan", rows(*count)),
        Phrase::NothingHeld => "tidak ada yang ditahan".to_owned(),
        Phrase::HeldBack(rupiah) => format!("{rupiah} ditahan"),
        Phrase::NewInput => "data masukan baru".to_owned(),
        Phrase::NewInputOrWarning => "data masukan baru, atau peringatan".to_owned(),
        Phrase::InputOf(run) => format!("data masukan proses {run}"),
        Phrase::NoRunHadIt => "belum pernah diproses".to_owned(),
        Phrase::Continued(open) => format!("dilanjutkan: {} masih terbuka", rows(*open)),
        Phrase::DoneAt(at) => format!("selesai {}", ID.time(*at)),
    }
}

fn eta(eta: &Eta) -> String {
    if eta.calls == 0 {
        return "tidak ada panggilan".to_owned();
    }
    let calls = format!("{} panggilan", ID.count(eta.calls));
    let canaries = match eta.canaries {
        0 => String::new(),
        canaries => format!(" ({} pesanan percobaan lebih dahulu)", ID.count(canaries)),
    };
    let elsewhere = match eta.elsewhere {
        0 => String::new(),
        elsewhere => format!(", {} tentang sisa proses sebelumnya", ID.count(elsewhere)),
    };
    let takes = if eta.rate.is_empty() {
        ", secepat jawabannya".to_owned()
    } else {
        format!(", {} dengan laju {}", spoken(eta.takes.as_secs()), rates(&eta.rate.replace(" and ", " dan ")))
    };
    let hours = eta.hours.map(|hours| {
        let open = hours.state == Opening::Open;
        let change = if open { "jam pengiriman berakhir" } else { "di luar jam pengiriman sampai" };
        format!(", {change} {}", hours.shown(hours.until).replace(':', "."))
    });
    format!("{calls}{canaries}{elsewhere}{takes}{}", hours.unwrap_or_default())
}

/// Rates with their units: `5/dtk dan 90/mnt`.
fn rates(text: &str) -> String {
    text.replace("/s", "/dtk").replace("/m", "/mnt").replace("/h", "/jam")
}

/// A time as people say it: `80 dtk`, `12 mnt`, `3 jam 20 mnt`.
fn spoken(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    match seconds {
        0 => "kurang dari 1 dtk".to_owned(),
        1..=119 => format!("{seconds} dtk"),
        120..=7199 => format!("{minutes} mnt"),
        _ => format!("{} jam {} mnt", minutes / 60, minutes % 60),
    }
}

fn pace(seen: &LimitsSeen) -> Option<String> {
    let rate = |rate: &String| rates(&rate.replace('.', ","));
    let achieved = seen.achieved.as_ref().filter(|_| seen.is_telling).map(|achieved| {
        let allowed =
            if seen.allowed.is_empty() { "tanpa batas".to_owned() } else { rates(&seen.allowed.join(" dan ")) };
        format!("{} dari {allowed}", rate(achieved))
    });
    let throttled = [(seen.too_many_requests, "429"), (seen.unavailable, "503")];
    let throttled = throttled.into_iter().filter(|(times, _)| *times > 0);
    let throttled = throttled.map(|(times, status)| format!("{} kali {status}", ID.count(times)));
    let waited = seen.longest_retry_after_seconds.map(|seconds| format!("Retry-After terlama {seconds} dtk"));
    let lowest = seen.lowest.as_ref().map(|lowest| format!("laju terendah {}", rate(lowest)));
    let parts: Vec<String> = achieved.into_iter().chain(throttled).chain(waited).chain(lowest).collect();
    (!parts.is_empty()).then(|| format!("laju: {} permintaan, {}", ID.count(seen.requests), parts.join(", ")))
}
