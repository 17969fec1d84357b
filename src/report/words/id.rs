//! Bahasa Indonesia, as a finance department writes it. One word per thing here too: pesanan (order), pengembalian dana
//! (refund), pembatalan (cancel), lunas (paid), belum pasti (in doubt, unknown), temuan (what a person must look at).

use super::{Words, cause};
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::reason::{Ageing, Key, Reason};
use crate::report::action::Action;
use crate::report::pictures::Start;

/// The words.
pub(super) const WORDS: Words = Words {
    rows: "baris",
    orders: "pesanan",
    lines: "baris",
    requests: "permintaan",
    days: "hari",
    rupiah: "Rupiah",
    share: "Persentase",
    total: "Jumlah",
    operation: |operation| match operation {
        Operation::Create => "Pembuatan pesanan",
        Operation::Cancel => "Pembatalan",
        Operation::Refund => "Pengembalian dana",
    },
    audit: "Audit",
    run: "Proses",
    started: "Mulai",
    as_of: "Keadaan per",
    finished: "Selesai",
    exit_code: "Kode keluar",
    exit: |code| match code {
        0 => "selesai, dan semuanya cocok",
        1 => "selesai, tetapi perlu diperiksa",
        2 => "tidak dapat dimulai; tidak ada yang dikirim",
        3 => "ada uang yang belum pasti",
        4 => "berhenti di tengah jalan; jalankan lagi untuk melanjutkan",
        5 => "proses lain sedang berjalan",
        _ => "tidak dikenal",
    },
    money_in_doubt: "Uang yang belum pasti",
    in_doubt: |rows, rupiah| format!("{rows}, {rupiah}: belum diketahui apakah uang ini sudah berpindah."),
    in_doubt_earlier: |rows, rupiah| {
        format!(
            "Di antaranya {rows}, {rupiah}, berasal dari proses sebelumnya atau job lain dan tidak ada di data masukan ini."
        )
    },
    in_doubt_not_judged: |rows, rupiah| {
        format!(
            "Di antaranya {rows}, {rupiah}, tidak dinilai audit ini: tidak ada di data masukan, di luar periode, tidak dipilih \
             oleh where, atau barisnya tidak sah."
        )
    },
    doubt_remedy: "Jalankan lagi job yang sama. Hasilnya akan dipastikan dengan kunci yang sama dan tidak pernah dikirim dua kali. Jangan diulang secara manual.",
    doubt_remedy_audit: "Jalankan lagi job yang mengirimnya. Hasilnya akan dipastikan dengan kunci yang sama dan tidak pernah dikirim dua kali. Jangan diulang secara manual.",
    doubt_remedy_person: "Tidak akan pasti dengan sendirinya. Tanyakan kepada DOKU, lalu catat jawabannya dengan rekon rule. Jangan diulang secara manual.",
    no_doubt: "Tidak ada uang yang belum pasti.",
    stopped: "Berhenti di tengah jalan",
    stopped_because: cause::indonesian,
    stopped_remedy: "Jalankan lagi job ini untuk melanjutkan: yang sudah pasti tidak dikirim lagi.",
    look: "Selesai, tetapi perlu diperiksa",
    fine: "Selesai, dan semuanya cocok",
    fine_in_part: "Selesai, dan yang dinilai cocok",
    judged_nothing: "Tidak ada yang dinilai",
    left_out: |reason, some, all| format!("{some} dari {all} pesanan {}", reason_text(reason)),
    what_happened: "Apa yang terjadi",
    went_in: |rows, rupiah| format!("Data masukan: {rows} senilai {rupiah}."),
    overridden: |guard, from, to, by, reason| {
        format!("Batas {guard} dilonggarkan dari {from} menjadi {to} oleh {by}: {reason}")
    },
    plan: |digest, by| format!("Rencana tersimpan {digest}, dibuat oleh {by}, telah dijalankan."),
    approved_by: "Disetujui oleh",
    period: |first, last| format!("Tanggal {first} sampai {last}."),
    log: |lines, verified| format!("{lines} log notifikasi dibaca; {verified} ditandatangani DOKU."),
    identity_holds: |rows| format!("Baris masuk = baris keluar: {rows}."),
    identity_broken: |rows, states, verdicts| {
        format!("BARIS MASUK DAN KELUAR BERBEDA: masuk {rows}; menurut status {states}; menurut kesimpulan {verdicts}.")
    },
    repeated: |rows| format!("{rows} mengulang suatu pesanan atau merupakan rincian barang berikutnya."),
    what_next: "Langkah berikutnya",
    action: "Tindakan",
    action_name: |action| match action {
        Action::Refund => "Kembalikan dana",
        Action::ResendNotification => "Minta notifikasi ulang",
        Action::FindRefund => "Cari pengembalian dana",
        Action::Resolve => "Jalankan lagi",
        Action::Rule => "Putuskan",
        Action::Review => "Periksa",
    },
    action_how: |action| match action {
        Action::Refund => {
            "Pelanggan membayar pesanan yang sudah dibatalkan. Baris di actions.csv dapat langsung menjadi pesanan job pengembalian dana."
        }
        Action::ResendNotification => {
            "DOKU seharusnya mengirim notifikasi, tetapi tidak ada. Minta kirim ulang melalui Back Office DOKU."
        }
        Action::FindRefund => {
            "DOKU tidak mengirim notifikasi pengembalian dana. Cari siapa yang melakukannya, atau tambahkan hasil proses itu ke audit."
        }
        Action::Resolve => "Jalankan lagi job yang mengirimnya, atau rekon resolve.",
        Action::Rule => "Tidak akan pasti dengan sendirinya. Tanyakan kepada DOKU, lalu rekon rule.",
        Action::Review => "Hanya orang yang dapat menentukan mana yang benar.",
    },
    actions_in: "Selengkapnya:",
    by_state: "Baris menurut status",
    by_state_audit: "Hasil proses kita",
    state: "Status",
    state_name: |state| match state {
        DoneState::Succeeded => "Berhasil",
        DoneState::AlreadyDone => "Sudah pernah dilakukan",
        DoneState::Refused => "Ditolak",
        DoneState::Unknown => "Belum pasti",
        DoneState::Review => "Perlu keputusan",
        DoneState::Conflict => "Bertentangan",
        DoneState::Held => "Ditahan",
        DoneState::Skipped => "Dilewati",
        DoneState::Invalid => "Tidak sah",
        DoneState::NotAttempted => "Belum dicoba",
    },
    untouched: "Tidak ada",
    by_verdict: "Pesanan menurut kesimpulan",
    verdict: "Kesimpulan",
    verdict_name: |verdict| match verdict {
        Verdict::Matched => "Cocok",
        Verdict::Pending => "Menunggu",
        Verdict::Missing => "Tidak ada bukti",
        Verdict::AmountMismatch => "Nominal berbeda",
        Verdict::StatusMismatch => "Status berbeda",
        Verdict::PaidAfterCancel => "Lunas setelah dibatalkan",
        Verdict::RefundedUnpaid => "Dana kembali tanpa pembayaran",
        Verdict::InDoubt => "Belum pasti",
        Verdict::Failed => "Ditolak",
        Verdict::NotSent => "Tidak dikirim",
    },
    not_judged: "Tidak dinilai",
    shares_of_judged: |orders| format!("Persentase dihitung dari yang dinilai: {orders}."),
    by_line: "Baris log yang tidak membuktikan apa pun",
    line_name: |reason| match reason {
        UnmatchedReason::Orphan => "Bukan pesanan kita",
        UnmatchedReason::InvalidSignature => "Tanda tangan salah",
        UnmatchedReason::Malformed => "Bukan notifikasi",
        UnmatchedReason::Unverifiable => "Tidak dapat diverifikasi",
        UnmatchedReason::OtherClient => "Milik merchant lain",
        UnmatchedReason::Ambiguous => "Lebih dari satu pesanan mungkin",
        UnmatchedReason::OutsidePeriod => "Di luar periode",
        UnmatchedReason::Unreadable => "Ditandatangani, tetapi tidak terbaca",
        UnmatchedReason::Duplicate => "Salinan",
        UnmatchedReason::Replayed => "Salinan terlambat",
    },
    reason: "Alasan",
    reason_text,
    key: |key| match key {
        Key::Own => "",
        Key::RequestId => "ditemukan lewat request id",
        Key::Invoice => "ditemukan lewat nomor invoice",
        Key::Reference => "ditemukan lewat referensi pembayaran",
    },
    flow: "Dari rencana ke hasil",
    flow_audit: "Dari pembukuan ke kesimpulan",
    flow_text: "Rencana untuk tiap baris (kiri), dan status akhirnya (kanan).",
    flow_text_audit: "Isi pembukuan Anda untuk tiap pesanan (kiri), dan kesimpulan audit (kanan).",
    start: |start| match start {
        Start::Send => "Akan dikirim",
        Start::Continue => "Akan dilanjutkan",
        Start::Settled => "Sudah pasti sebelumnya",
        Start::Skip => "Dilewati",
        Start::Held => "Ditahan oleh batas",
        Start::Invalid => "Tidak sah",
        Start::Book(Some(book)) => match book {
            BookStatus::Pending => "Buku: menunggu",
            BookStatus::Paid => "Buku: lunas",
            BookStatus::Failed => "Buku: gagal",
            BookStatus::Expired => "Buku: kedaluwarsa",
            BookStatus::Cancelled => "Buku: dibatalkan",
            BookStatus::Refunded => "Buku: dana dikembalikan",
        },
        Start::Book(None) => "Buku: kosong",
    },
    from: "Dari",
    to: "Ke",
    ageing: "Lama menunggu bukti",
    ageing_text: "Pesanan yang masih menunggu atau tidak ada buktinya, menurut umur.",
    age: "Umur",
    ageing_name: |ageing| match ageing {
        Ageing::Under30Minutes => "kurang dari 30 menit",
        Ageing::Under6Hours => "30 menit sampai 6 jam",
        Ageing::Under12Hours => "6 sampai 12 jam",
        Ageing::Under18Hours => "12 sampai 18 jam",
        Ageing::Under3Days => "18 jam sampai 3 hari",
        Ageing::Under7Days => "3 sampai 7 hari",
        Ageing::Over7Days => "lebih dari 7 hari",
        Ageing::Unknown => "umur tidak diketahui",
    },
    per_day: "Pesanan per tanggal",
    per_day_text: "Menurut hari pesanan dibuat.",
    last_days: |shown, all| format!("Yang digambar {shown} terakhir dari {all}."),
    days_of_period: "Yang digambar hari-hari dalam periode.",
    without_day: "hari tidak diketahui",
    day: "Hari",
    agrees: "Cocok",
    open: "Menunggu atau tidak dikirim",
    open_audit: "Menunggu atau tidak dinilai",
    needs_person: "Perlu diperiksa",
    latency: "Lama jawaban DOKU",
    latency_text: |answers, middle, slowest| {
        format!("{answers}; separuhnya dalam {middle}, yang terlama dalam {slowest}.")
    },
    no_answer: "tanpa jawaban",
    rate: "Permintaan dari waktu ke waktu",
    rate_text: |width, most| format!("Tiap batang {width}; terbanyak dalam satu batang {most}."),
    time: "Waktu",
    seconds: "dtk",
    minutes: "mnt",
    hours: "jam",
    figures: "Angka-angkanya",
    breaks: "Pesanan yang perlu diperiksa",
    no_breaks: "Tidak ada.",
    shown: |here, all| {
        format!("Ditampilkan {here} dari {all}, yang terburuk dan terbesar lebih dahulu. Selengkapnya ada di")
    },
    shown_no_file: |here, all| {
        format!(
            "Ditampilkan {here} dari {all}, yang terburuk dan terbesar lebih dahulu. Sisanya tidak ada di berkas mana pun: output.formats tanpa csv."
        )
    },
    left: "{} ditampilkan",
    search: "Cari invoice atau alasan",
    all: "Semua",
    reset: "Tampilkan semua",
    sort_hint: "Tekan judul kolom untuk mengurutkan.",
    no_script: "Skrip dimatikan: tabel tetap lengkap, tetapi tidak dapat diurutkan atau disaring.",
    invoice: "Invoice",
    amount: "Nominal",
    doku_amount: "Nominal DOKU",
    difference: "Selisih",
    book: "Buku",
    doku: "DOKU",
    book_name: book,
    hours_old: |hours| format!("{hours} jam"),
    input_row: "Baris data masukan",
    row: |number| format!("baris {number}"),
    codes: "Kata di halaman ini, dan kodenya di dalam berkas",
    files: "Berkas",
    in_file: "di",
    masked: "Data pelanggan disamarkan.",
    revealed: |by, at| {
        format!(
            "Data pelanggan ditampilkan utuh: diminta oleh {by} dengan --reveal pada {at}. Perlakukan halaman ini dengan hati-hati."
        )
    },
    nothing_personal: "Halaman ini tidak memuat data pelanggan selain nomor invoice dan nominal.",
    made_by: "Dibuat oleh rekon. Halaman ini satu berkas dan tidak memuat apa pun dari luar; berkas yang ditautkan ada di folder yang sama.",
    journal: |entries, head| format!("Jurnal: {entries} catatan, hash terakhir {head}."),
    skip: "Ke pesanan yang perlu diperiksa",
};

/// What the book says.
const fn book(book: BookStatus) -> &'static str {
    match book {
        BookStatus::Pending => "menunggu",
        BookStatus::Paid => "lunas",
        BookStatus::Failed => "gagal",
        BookStatus::Expired => "kedaluwarsa",
        BookStatus::Cancelled => "dibatalkan",
        BookStatus::Refunded => "dana dikembalikan",
    }
}

fn disagree(says: BookStatus, doku: PaymentStatus) -> String {
    format!("menurut buku {}, menurut DOKU {doku}", book(says))
}

/// Why an order has its verdict.
fn reason_text(reason: Reason) -> String {
    let words = match reason {
        Reason::Disagree(says, doku) => return disagree(says, doku),
        Reason::Agree => "buku dan DOKU sama",
        Reason::AgreeLate => "buku dan DOKU sama; notifikasi terlambat",
        Reason::Answered => "buku dan jawaban bertanda tangan sama",
        Reason::NothingToNotify => "DOKU tidak mengirim notifikasi untuk ini",
        Reason::BookSilent => "buku tidak menyebut status",
        Reason::Created => "pesanan dibuat",
        Reason::Cancelled => "pesanan dibatalkan",
        Reason::Refunded => "dana dikembalikan",
        Reason::RefundedSilently => "dana dikembalikan; DOKU tidak mengirim notifikasi pengembalian dana",
        Reason::RuledDone => "orang memutuskan bahwa ini sudah terjadi",
        Reason::Awaited => "belum ada bukti",
        Reason::StillPending => "DOKU menyebut PENDING",
        Reason::RefundAwaited => "lunas; belum ada bukti pengembalian dana",
        Reason::Unproved => "batas waktu sudah lewat tanpa bukti",
        Reason::RefundUnproved => "lunas; batas waktu sudah lewat tanpa bukti pengembalian dana",
        Reason::DokuMore => "nominal DOKU lebih besar daripada buku",
        Reason::DokuLess => "nominal DOKU lebih kecil daripada buku",
        Reason::SeveralAmounts => "DOKU menyebut beberapa nominal",
        Reason::RunAmount => "nominal di proses kita berbeda dari buku",
        Reason::RefundedTwice => "dana kita kembalikan dua kali",
        Reason::CancelledRefunded => "kita batalkan, tetapi menurut DOKU REFUNDED",
        Reason::RuledOtherwise => "keputusan orang berbeda dari buku atau dari DOKU",
        Reason::PaidCancelledByUs => "kita batalkan, tetapi menurut DOKU lunas",
        Reason::PaidCancelledInBook => "menurut buku dibatalkan, tetapi menurut DOKU lunas",
        Reason::PaidRuledCancelled => "orang memutuskan bahwa ini dibatalkan, tetapi menurut DOKU lunas",
        Reason::RefundedByUs => "dana kita kembalikan, tetapi DOKU tidak pernah mencatat pembayarannya",
        Reason::RefundedInBook => "menurut buku dana dikembalikan, tetapi DOKU tidak pernah mencatat pembayarannya",
        Reason::RuledUnpaid => {
            "orang memutuskan bahwa ini sudah terjadi, tetapi DOKU tidak pernah mencatat pembayarannya"
        }
        Reason::NoProof => "belum ada bukti hasil permintaan kita",
        Reason::PersonDecides => "perlu keputusan orang",
        Reason::ProofsDisagree => "bukti-bukti saling bertentangan",
        Reason::Refused => "permintaan ditolak",
        Reason::RuledNotDone => "orang memutuskan bahwa ini tidak terjadi",
        Reason::Held => "ditahan oleh batas",
        Reason::NotAttempted => "belum dicoba",
        Reason::Skipped => "dilewati",
        Reason::InvalidRow => "baris tidak sah",
        Reason::NothingSent => "tidak ada yang dikirim",
        Reason::NotSelected => "tidak dipilih oleh where",
        Reason::OutsidePeriod => "di luar periode",
    };
    words.to_owned()
}
