//! Copies of the CSV files for people who open them in a spreadsheet: nothing in them can become a formula. They are marked,
//! for they are no longer exact, and are refused as input.
//!
//! A spreadsheet takes a cell for a formula by its first character, and it may see more cells than there are: where the
//! list separator is `;`, as in Indonesia, it splits our files at every `;`. So an apostrophe goes before each character that
//! could begin a formula, at the beginning of a cell and after whatever could begin another.

use std::borrow::Cow;

use csv::{ByteRecord, ReaderBuilder, StringRecord, Writer};

/// The first column of a safe copy: `1` where a cell of the row has an apostrophe that is not its own, else `0`.
pub const MARK: &str = "rekon_spreadsheet_safe";

/// The name of the safe copy of a file: `results.safe.csv`.
#[must_use]
pub fn name(exact: &str) -> String {
    format!("{}.safe.csv", exact.strip_suffix(".csv").unwrap_or(exact))
}

/// The safe copy of a header line.
#[must_use]
pub fn header(exact: &[u8]) -> Vec<u8> {
    copy(exact, |_| MARK)
}

/// The safe copy of whole rows.
#[must_use]
pub fn rows(exact: &[u8]) -> Vec<u8> {
    copy(exact, |is_changed| if is_changed { "1" } else { "0" })
}

fn copy(exact: &[u8], mark: impl Fn(bool) -> &'static str) -> Vec<u8> {
    const MEMORY: &str = "memory takes what is written, and what was written is CSV";
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(exact);
    let mut writer = Writer::from_writer(Vec::with_capacity(exact.len() + exact.len() / 8));
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).expect(MEMORY) {
        let record = StringRecord::from_byte_record_lossy(std::mem::take(&mut record));
        let cells: Vec<Cow<'_, str>> = record.iter().map(cell).collect();
        let is_changed = cells.iter().any(|cell| matches!(cell, Cow::Owned(_)));
        writer.write_record(std::iter::once(mark(is_changed)).chain(cells.iter().map(Cow::as_ref))).expect(MEMORY);
    }
    writer.into_inner().expect(MEMORY)
}

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> Cow<'_, str> {
    if is_number(text) || !text.chars().any(begins_formula) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 4);
    let mut at_beginning = true;
    for character in text.chars() {
        if at_beginning && begins_formula(character) {
            safe.push('\'');
        }
        safe.push(character);
        at_beginning = begins_cell(character) || (at_beginning && character.is_whitespace());
    }
    if safe.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(safe) }
}

/// A whole number of ours, such as a difference below zero, computes nothing.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The wide forms are taken for the others where people write with them.
const fn begins_formula(character: char) -> bool {
    matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠')
}

/// After a separator of any spreadsheet, a quote, and the end of a line another cell may begin.
const fn begins_cell(character: char) -> bool {
    matches!(character, ',' | ';' | '|' | '\t' | '"' | '\'' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_begins_a_formula_stands_where_a_cell_could_begin() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+62812", "'+62812"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            (" =1", " '=1"),
            ("\u{a0}=1", "\u{a0}'=1"),
            ("a;=1;b", "a;'=1;b"),
            ("a, -1", "a, '-1"),
            ("a\"=1", "a\"'=1"),
            ("a\n=1", "a\n'=1"),
            ("'=1", "''=1"),
            ("＝1", "'＝1"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ];
        for (text, safe) in cases {
            assert_eq!(cell(text), safe, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_formula_stays_as_it_is() {
        for text in
            ["", "INV-2026-11", "a=b", "-5000", "2026-11-21T18:02:11Z", "a@b.example", "Rp 90.000", "a - b", "x; y"]
        {
            assert!(matches!(cell(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn a_copy_is_marked_in_its_header_and_in_the_rows_that_were_changed() {
        assert_eq!(header(b"invoice,\"a,b\"\n"), b"rekon_spreadsheet_safe,invoice,\"a,b\"\n");
        let exact = "A,\"x;=1\",5\nB,\"say \"\"hi\"\"\",-5\nC,\"a\n=2\",\n";
        let safe = "1,A,x;'=1,5\n0,B,\"say \"\"hi\"\"\",-5\n1,C,\"a\n'=2\",\n";
        assert_eq!(String::from_utf8(rows(exact.as_bytes())).expect("text"), safe);
    }

    #[test]
    fn a_safe_copy_has_its_own_name() {
        assert_eq!(name("results.csv"), "results.safe.csv");
    }
}
