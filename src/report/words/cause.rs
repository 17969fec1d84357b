//! Why a run stopped before its end, in a sentence of each language.

use crate::journal::cause::Cause;
use crate::model::fault::printable;

/// English; summary.json and the log have these too.
pub(super) fn english(cause: &Cause) -> String {
    match cause {
        Cause::Interrupted => "interrupted (Ctrl-C, or a signal)".to_owned(),
        Cause::Breaker { failed, of: None } => format!("the breaker opened after {failed} failures in a row"),
        Cause::Breaker { failed, of: Some(of) } => {
            format!("the breaker opened: {failed} of the last {of} attempts failed")
        }
        Cause::Window { opens, zone } => format!("the window is closed; it opens at {opens} {zone}"),
        Cause::Credentials => {
            "the provider refused our credentials (401/403); check client id, key and clock".to_owned()
        }
        Cause::Gateway => "an unsigned refusal or a redirect: something stands between this machine and the provider; \
             check the network and base_url"
            .to_owned(),
        Cause::Signatures => {
            "the answers to three orders in a row bear a wrong signature: another key, or somebody who is not the \
             provider; check secret_key and base_url before the next run"
                .to_owned()
        }
        Cause::StillIll { before } => {
            let before = before_in_english(before);
            format!("{before}, and the first call of this one brought no proof either: nothing else was sent")
        }
        Cause::NotYetDue { before } => format!(
            "{}; an order that it left unknown comes first, and is not due within settle_for: nothing was sent",
            before_in_english(before)
        ),
        Cause::CanaryRefused { invoice } => {
            format!("a canary{} was refused: nothing else was sent", named(invoice.as_deref()))
        }
        Cause::CanaryUnproved { invoice } => {
            format!("a canary{} was not proved to be done: nothing else was sent", named(invoice.as_deref()))
        }
        Cause::ByAnotherHost { word } => {
            format!("another host has stopped the run: {}", english(&Cause::Noted { word: word.clone() }))
        }
        Cause::LossTooOld => {
            "what the lost journal may have sent is older than the horizon now; run the job again and read the hint"
                .to_owned()
        }
        Cause::Cap { guard } => format!("the journal refuses the next order by guards.{guard}"),
        Cause::Disk => "the journal's disk is full: make room, then run the job again".to_owned(),
        Cause::Journal { error } | Cause::Failed { error } => printable(error),
        Cause::AtOnce => "stopped at once by a second signal, with calls under way".to_owned(),
        Cause::Files => "the files could not be written".to_owned(),
        Cause::Workbook => "audit.xlsx could not be written".to_owned(),
        Cause::Unrecorded => "the end of the run could not be recorded".to_owned(),
        Cause::Noted { word } => match word.as_str() {
            "breaker" => "the breaker opened".to_owned(),
            "credentials" => english(&Cause::Credentials),
            "gateway" => english(&Cause::Gateway),
            "signatures" => english(&Cause::Signatures),
            "canary" => english(&Cause::CanaryUnproved { invoice: None }),
            "canary_refused" => english(&Cause::CanaryRefused { invoice: None }),
            other => printable(other),
        },
        Cause::Else => "for a reason that a newer version of rekon has noted".to_owned(),
    }
}

fn before_in_english(word: &str) -> &'static str {
    match word {
        "credentials" => "an earlier run was stopped because the provider refused our credentials",
        "gateway" => "an earlier run was stopped by an unsigned refusal or a redirect",
        "signatures" => "an earlier run was stopped by wrong signatures",
        "canary" => "a canary of an earlier run was not proved to be done",
        _ => "an earlier run was stopped by the breaker",
    }
}

/// Bahasa Indonesia.
pub(super) fn indonesian(cause: &Cause) -> String {
    match cause {
        Cause::Interrupted => "dihentikan (Ctrl-C atau sinyal)".to_owned(),
        Cause::Breaker { failed, of: None } => format!("pengaman menghentikan pengiriman setelah {failed} kegagalan berturut-turut"),
        Cause::Breaker { failed, of: Some(of) } => {
            format!("pengaman menghentikan pengiriman: {failed} dari {of} percobaan terakhir gagal")
        }
        Cause::Window { opens, zone } => {
            format!("di luar jam pengiriman; dibuka lagi pukul {} {zone}", opens.replace(':', "."))
        }
        Cause::Credentials => {
            "DOKU menolak kredensial kita (401/403); periksa client id, kunci dan jam mesin".to_owned()
        }
        Cause::Gateway => {
            "penolakan tanpa tanda tangan atau pengalihan: ada sesuatu di antara mesin ini dan DOKU; \
             periksa jaringan dan base_url".to_owned()
        }
        Cause::Signatures => {
            "jawaban untuk tiga pesanan berturut-turut bertanda tangan salah: kunci lain, atau pihak yang \
             bukan DOKU; periksa secret_key dan base_url sebelum menjalankan lagi"
                .to_owned()
        }
        Cause::StillIll { before } => {
            let before = before_in_indonesian(before);
            format!("{before}, dan panggilan pertama kali ini juga tidak membawa bukti: tidak ada lagi yang dikirim")
        }
        Cause::NotYetDue { before } => format!(
            "{}; pesanannya yang belum pasti harus didahulukan, tetapi belum waktunya dalam settle_for: tidak ada yang dikirim",
            before_in_indonesian(before)
        ),
        Cause::CanaryRefused { invoice } => {
            format!("pesanan percobaan{} ditolak: tidak ada lagi yang dikirim", named(invoice.as_deref()))
        }
        Cause::CanaryUnproved { invoice } => {
            format!("pesanan percobaan{} tidak terbukti berhasil: tidak ada lagi yang dikirim", named(invoice.as_deref()))
        }
        Cause::ByAnotherHost { word } => {
            format!("proses ini dihentikan host lain: {}", indonesian(&Cause::Noted { word: word.clone() }))
        }
        Cause::LossTooOld => {
            "yang mungkin dikirim oleh jurnal yang hilang kini lebih tua daripada horizon; jalankan lagi dan baca petunjuknya"
                .to_owned()
        }
        Cause::Cap { guard } => format!("jurnal menolak pesanan berikutnya karena guards.{guard}"),
        Cause::Disk => "disk tempat jurnal sudah penuh: kosongkan disk, lalu jalankan lagi job ini".to_owned(),
        Cause::Journal { error } | Cause::Failed { error } => printable(error),
        Cause::AtOnce => "dihentikan seketika oleh sinyal kedua, ketika panggilan sedang berjalan".to_owned(),
        Cause::Files => "berkas-berkas tidak dapat ditulis".to_owned(),
        Cause::Workbook => "audit.xlsx tidak dapat ditulis".to_owned(),
        Cause::Unrecorded => "akhir proses tidak dapat dicatat".to_owned(),
        Cause::Noted { word } => match word.as_str() {
            "breaker" => "pengaman menghentikan pengiriman".to_owned(),
            "credentials" => indonesian(&Cause::Credentials),
            "gateway" => indonesian(&Cause::Gateway),
            "signatures" => indonesian(&Cause::Signatures),
            "canary" => indonesian(&Cause::CanaryUnproved { invoice: None }),
            "canary_refused" => indonesian(&Cause::CanaryRefused { invoice: None }),
            other => printable(other),
        },
        Cause::Else => "karena alasan yang dicatat oleh rekon versi lebih baru".to_owned(),
    }
}

fn before_in_indonesian(word: &str) -> &'static str {
    match word {
        "credentials" => "proses sebelumnya berhenti karena DOKU menolak kredensial kita",
        "gateway" => "proses sebelumnya berhenti karena penolakan tanpa tanda tangan atau pengalihan",
        "signatures" => "proses sebelumnya berhenti karena tanda tangan yang salah",
        "canary" => "pesanan percobaan dari proses sebelumnya tidak terbukti berhasil",
        _ => "proses sebelumnya dihentikan oleh pengaman",
    }
}

fn named(invoice: Option<&str>) -> String {
    invoice.map(|invoice| format!(" ({})", printable(invoice))).unwrap_or_default()
}

/// In one short word, for a table: Bahasa Indonesia.
pub(super) fn in_one_indonesian_word(cause: &Cause) -> &str {
    match cause.word() {
        "signal" => "dihentikan",
        "breaker" => "pengaman",
        "window" => "di luar jam",
        "keys" => "kredensial",
        "signature" => "tanda tangan",
        "canary" => "percobaan",
        "loss" => "jurnal",
        "cap" => "batas",
        "journal" => "jurnal",
        "files" => "berkas",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_repeat_mends_says_what_to_look_at() {
        for cause in [Cause::Credentials, Cause::Gateway, Cause::Signatures] {
            for (text, asked) in [(english(&cause), "; check "), (indonesian(&cause), "; periksa ")] {
                assert!(text.contains(asked), "{text}");
            }
        }
    }
}
