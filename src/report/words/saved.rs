//! What a saved plan says of its guards. The file has it as English text, for it was signed so; here it is for other readers.

use crate::model::language::Language;

/// The words of guards, the longer before those that they begin with.
const WORDS: [(&str, &str); 24] = [
    ("too few runs to compare", "proses pembanding masih kurang"),
    ("too few rows to apply", "barisnya terlalu sedikit"),
    ("not seen paid", "tidak terbukti lunas"),
    ("seen paid", "terbukti lunas"),
    ("notified", "notifikasi"),
    ("not refunded", "dana belum kembali"),
    ("same amount", "nominal sama"),
    ("no finished run had it", "belum pernah diproses"),
    ("a new input, or a warning", "data masukan baru, atau peringatan"),
    ("a new input", "data masukan baru"),
    ("the input of run", "data masukan proses"),
    ("the largest run", "proses terbesar"),
    ("all rows", "semua baris"),
    ("nothing held", "tidak ada yang ditahan"),
    ("held back", "ditahan"),
    (" held", " ditahan"),
    ("orders", "pesanan"),
    ("order", "pesanan"),
    (" on)", ")"),
    ("(from", "(mulai"),
    ("rows", "baris"),
    ("row", "baris"),
    (" left", " tersisa"),
    ("agrees", "cocok"),
];

/// A phrase of a guard in the words of its reader; whatever is not known stays as it is.
#[must_use]
pub fn phrase(text: &str, language: Language) -> String {
    match language {
        Language::English => text.to_owned(),
        Language::Indonesian => {
            let said = WORDS.iter().fold(text.to_owned(), |text, (english, word)| text.replace(english, word));
            said.replace(" of ", " dari ").replace(" before)", " sebelumnya)").replace(" on ", " pada ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::speech::Speech;
    use super::*;
    use crate::model::money::{Rupiah, Tally};
    use crate::plan::phrase::Phrase;

    #[test]
    fn a_phrase_that_was_saved_is_said_as_it_is_before_it_is_saved() {
        let (five, tally) = (Rupiah::new(500), Tally { count: 4, rupiah: Rupiah::new(900) });
        let phrases = [
            Phrase::Orders(1),
            Phrase::Orders(20),
            Phrase::Rows(3),
            Phrase::Both(tally),
            Phrase::WithBefore(Box::new(Phrase::Rupiah(five)), Box::new(Phrase::Rupiah(five))),
            Phrase::Left(Box::new(Phrase::Orders(16))),
            Phrase::Agrees,
            Phrase::Share(2, 40),
            Phrase::ShareFrom(10, 40),
            Phrase::TooFewRows,
            Phrase::TimesLargest("1.5".to_owned()),
            Phrase::TooFewRuns(1, 3),
            Phrase::SeenPaid(2),
            Phrase::NotSeenPaid(2),
            Phrase::NotRefunded,
            Phrase::SameAmount,
            Phrase::AllRows,
            Phrase::RowsHeld(1),
            Phrase::NothingHeld,
            Phrase::HeldBack(five),
            Phrase::NewInput,
            Phrase::NewInputOrWarning,
            Phrase::NoRunHadIt,
        ];
        for said in phrases {
            let expected = (Speech::of(Language::Indonesian).phrase)(&said);
            assert_eq!(phrase(&said.to_string(), Language::Indonesian), expected, "{said}");
        }
    }
}
