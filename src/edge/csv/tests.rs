//! Hostile files and their whole messages, benign variations, and the properties of the strict scan.

use proptest::prelude::*;

use super::faults::Occurrences;
use super::parse;
use super::scan::Rows;
use crate::model::table::{Delimiter, Encoding, Format, Table};

const KNOWN: [&str; 2] = ["invoice", "amount"];

fn read(bytes: &[u8], format: Format) -> Result<Table, String> {
    parse("o.csv", bytes.to_vec(), &format, &KNOWN)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n"))
}

fn in_encoding(encoding: Encoding) -> Format {
    Format { encoding, ..Format::default() }
}

fn split_at(delimiter: u8) -> Format {
    Format { delimiter: Delimiter::Is(delimiter), ..Format::default() }
}

/// Compares the messages whole; the text begins after the first line break, so that a case reads as it is shown.
#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, format: Format, expected: &str) {
    let found = read(bytes.as_ref(), format).map(|_| ()).unwrap_err();
    assert_eq!(format!("\n{found}\n"), expected, "found:\n{found}");
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[test]
fn a_quote_that_is_never_closed_is_shown_where_it_opened() {
    refused(
        "invoice,amount\nA,\"100\nB,200\n\nC,300\nD,400\n",
        Format::default(),
        r#"
o.csv:2:3: this quote is never closed, and would swallow the 3 lines after it
     2 | A,"100
       |   ^
  hint: close it at the end of its field, or, if it belongs to the text, quote the field and write ""
"#,
    );
    refused(
        "invoice,amount\nA,\"1\"\"\nB,200",
        Format::default(),
        r#"
o.csv:2:3: this quote is never closed, and would swallow the line after it
     2 | A,"1""
       |   ^
  hint: close it at the end of its field, or, if it belongs to the text, quote the field and write ""
"#,
    );
    refused(
        "invoice,amount\nA,\"1",
        Format::default(),
        r#"
o.csv:2:3: this quote is never closed
     2 | A,"1
       |   ^
  hint: close it at the end of its field, or, if it belongs to the text, quote the field and write ""
"#,
    );
    refused(
        "invoice,\"amount\nA,1\n",
        Format::default(),
        r#"
o.csv:1:9: this quote is never closed, and would swallow the line after it
     1 | invoice,"amount
       |         ^
  hint: close it at the end of its field, or, if it belongs to the text, quote the field and write ""
"#,
    );
}

#[test]
fn text_after_a_closing_quote_is_refused() {
    refused(
        "invoice,amount\n\"A\"x,1\n",
        Format::default(),
        r#"
o.csv:2:4: text after the closing quote of the field that opens at o.csv:2:1
     2 | "A"x,1
       |    ^
  hint: write a quote inside a quoted field twice, or close the field before
"#,
    );
    refused(
        "invoice,amount\nA,\"1\nB,\"2\"\n",
        Format::default(),
        r#"
o.csv:3:4: text after the closing quote of the field that opens at o.csv:2:3
     3 | B,"2"
       |    ^
  hint: write a quote inside a quoted field twice, or close the field before
"#,
    );
    refused(
        "invoice,amount\n\"A\" ,1\n",
        Format::default(),
        r#"
o.csv:2:4: text after the closing quote of the field that opens at o.csv:2:1
     2 | "A" ,1
       |    ^
  hint: write a quote inside a quoted field twice, or close the field before
"#,
    );
}

#[test]
fn a_quote_inside_an_unquoted_field_is_refused() {
    refused(
        "invoice,amount\n12\" pipe,1\nB, \"2,5\"\n",
        Format::default(),
        r#"
o.csv:2:3: a quote inside an unquoted field
     2 | 12" pipe,1
       |   ^
  hint: put quotes around the whole field, and write the quote inside twice: "12"" pipe"
o.csv:3:4: a quote inside an unquoted field
     3 | B, "2,5"
       |    ^
  hint: put quotes around the whole field, and write the quote inside twice: "12"" pipe"
"#,
    );
}

#[test]
fn a_row_has_as_many_fields_as_the_header() {
    refused(
        "invoice,amount\nA\nB,90,000\nC,1\nD,2,,\n",
        Format::default(),
        r#"
o.csv:2:1: row has 1 field, the header has 2
     2 | A
       | ^
  hint: the row is cut or lacks a delimiter: export it again, or complete it
o.csv:3:6: row has 3 fields, the header has 2
     3 | B,90,000
       |      ^
  hint: put quotes around a field that contains ","
o.csv:5:5: row has 4 fields, the header has 2
     5 | D,2,,
       |     ^
  hint: put quotes around a field that contains ","
"#,
    );
    refused(
        "invoice\tamount\n\"A\nB\"\t1\t2\n   \n",
        Format::default(),
        r#"
o.csv:3:6: row has 3 fields, the header has 2
     3 | B"�1�2
       |      ^
  hint: put quotes around a field that contains tab
o.csv:4:1: row has 1 field, the header has 2
     4 |    
       | ^
  hint: the row is cut or lacks a delimiter: export it again, or complete it
"#,
    );
}

#[test]
fn a_header_names_every_column_once() {
    refused(
        "invoice,amount,invoice,,amount, \n",
        Format::default(),
        r#"
o.csv:1:16: columns 1 and 3 are both named "invoice"
     1 | invoice,amount,invoice,,amount, 
       |                ^
  hint: rename or delete one of them
o.csv:1:24: column 4 has no name
     1 | invoice,amount,invoice,,amount, 
       |                        ^
  hint: name the column, or delete it; a delimiter at the end of every line makes an empty one
o.csv:1:25: columns 2 and 5 are both named "amount"
     1 | invoice,amount,invoice,,amount, 
       |                         ^
  hint: rename or delete one of them
o.csv:1:32: column 6 has no name
     1 | invoice,amount,invoice,,amount, 
       |                                ^
  hint: name the column, or delete it; a delimiter at the end of every line makes an empty one
"#,
    );
    refused(
        "\u{feff}\u{feff}invoice,amount\n",
        Format::default(),
        "
o.csv:1:1: a second byte order mark
     1 | \u{fffd}invoice,amount
       | ^
  hint: the file was converted twice, or two were glued together: export it again
",
    );
}

#[test]
fn a_file_without_a_header_is_refused() {
    let nothing = "
o.csv:1:1: the file is empty, expected a header
  hint: an export without orders still has its header line: export it again
";
    for bytes in ["", "\u{feff}", "\n\r\n\n"] {
        refused(bytes, Format::default(), nothing);
    }
    refused(
        "sep=;\n\n",
        Format::default(),
        "
o.csv:2:1: nothing follows the sep= line, expected a header
  hint: an export without orders still has its header line: export it again
",
    );
}

#[test]
fn a_delimiter_that_cannot_be_known_is_not_guessed() {
    refused(
        "Nomor;Nominal;Status\nA;1;x\n",
        Format::default(),
        r#"
o.csv:1:1: the header has none of the expected columns, split at "," ";" tab "|"
     1 | Nomor;Nominal;Status
       | ^
  hint: expected "invoice", "amount"; found "Nomor", "Nominal", "Status" when split at ";"; correct `columns`, or declare `delimiter`
"#,
    );
    refused(
        "invoice:amount\nA:1\n",
        Format::default(),
        r#"
o.csv:1:1: the header has none of the expected columns, split at "," ";" tab "|"
     1 | invoice:amount
       | ^
  hint: expected "invoice", "amount"; found "invoice:amount"; correct `columns`, or declare `delimiter`
"#,
    );
    refused(
        "invoice,x;amount\nA;1\n",
        Format::default(),
        r#"
o.csv:1:8: the header can be split at "," and at ";"
     1 | invoice,x;amount
       |        ^
  hint: declare `delimiter`
"#,
    );
}

#[test]
fn a_separator_line_that_contradicts_is_refused() {
    refused(
        "sep=,\ninvoice,amount\n",
        split_at(b';'),
        r#"
o.csv:1:5: the sep= line names ",", expected ";"
     1 | sep=,
       |     ^
  hint: correct `delimiter`, or delete the line
"#,
    );
    refused(
        "sep=:\ninvoice:amount\n",
        Format::default(),
        r#"
o.csv:1:5: the sep= line names ":", expected "," ";" tab "|"
     1 | sep=:
       |     ^
  hint: export with one of these delimiters
"#,
    );
    refused(
        "sep=;\r\nsep=;\r\ninvoice;amount\r\n",
        Format::default(),
        "
o.csv:2:1: a second sep= line
     2 | sep=;
       | ^
  hint: delete one of them
",
    );
}

#[test]
fn a_carriage_return_alone_ends_no_line() {
    refused(
        "invoice,amount\rA,1\rB,2\r",
        Format::default(),
        "
o.csv:1:15: a carriage return without a line feed ends this line (2 more in this file)
     1 | invoice,amount\u{fffd}A,1\u{fffd}B,2
       |               ^
  hint: export with CRLF or LF line ends
",
    );
    refused(
        "invoice,amount\r\nA,1\r",
        Format::default(),
        "
o.csv:2:4: a carriage return without a line feed ends this line
     2 | A,1
       |    ^
  hint: export with CRLF or LF line ends
",
    );
}

#[test]
fn a_nul_is_refused() {
    refused(
        b"invoice,amount\nA,1\0\n\"\0B\",2\n",
        Format::default(),
        "
o.csv:2:4: a NUL character (1 more in this file)
     2 | A,1\u{fffd}
       |    ^
  hint: the file is damaged or no text: export it again
",
    );
}

#[test]
fn bytes_that_are_not_in_the_declared_encoding_are_refused() {
    refused(
        b"invoice,amount\nCaf\xE9,1\n\xE9t\xE9,2,3\n",
        Format::default(),
        "
o.csv:2:4: byte 0xE9 is not UTF-8 (2 more in this file)
     2 | Caf\u{fffd},1
       |    ^
  hint: declare `encoding: windows-1252` if a spreadsheet wrote the file, or export as UTF-8
o.csv:3:7: row has 3 fields, the header has 2
     3 | \u{fffd}t\u{fffd},2,3
       |       ^
  hint: put quotes around a field that contains \",\"
",
    );
    refused(
        b"invoice,amount\nA,1\nCaf\xC3",
        Format::default(),
        "
o.csv:3:1: row has 1 field, the header has 2
     3 | Caf\u{fffd}
       | ^
  hint: the row is cut or lacks a delimiter: export it again, or complete it
o.csv:3:4: the file ends inside a UTF-8 character
     3 | Caf\u{fffd}
       |    ^
  hint: the file is cut: export it again
",
    );
    refused(
        b"invoice,amount\nA\x81,1\n",
        in_encoding(Encoding::Windows1252),
        "
o.csv:2:2: a byte that is no character of windows-1252
     2 | A\u{fffd},1
       |  ^
  hint: export the file as UTF-8
",
    );
    refused(
        b"invoice,amount\nA,\x80 1\n\x93B\x94,2\n",
        in_encoding(Encoding::Latin1),
        "
o.csv:2:3: a byte that is no character of latin-1 (2 more in this file)
     2 | A,\u{fffd} 1
       |   ^
  hint: declare `encoding: windows-1252`, or export as UTF-8
",
    );
    let mut cut = utf16("invoice,amount\nA,1\n", u16::to_le_bytes);
    cut.extend([0x3D, 0xD8, b'x', 0, b',', 0, b'2']);
    refused(
        cut,
        in_encoding(Encoding::Utf16Le),
        "
o.csv:3:1: half of a UTF-16 surrogate pair
     3 | \u{fffd}x,
       | ^
  hint: the file is damaged: export it again
o.csv:3:4: the file ends inside a UTF-16 character
     3 | \u{fffd}x,
       |    ^
  hint: the file is cut: export it again
",
    );
}

#[test]
fn an_encoding_that_the_first_bytes_contradict_is_refused() {
    refused(
        utf16("\u{feff}invoice,amount\nA\n", u16::to_le_bytes),
        Format::default(),
        "
o.csv:1:1: has the byte order mark of utf-16le, expected utf-8
  hint: declare `encoding: utf-16le`, or export as utf-8
o.csv:2:1: row has 1 field, the header has 2
     2 | A
       | ^
  hint: the row is cut or lacks a delimiter: export it again, or complete it
",
    );
    refused(
        utf16("invoice,amount\nA,1\n", u16::to_be_bytes),
        Format::default(),
        "
o.csv:1:1: reads like utf-16be, expected utf-8
  hint: declare `encoding: utf-16be`, or export as utf-8
",
    );
    refused(
        "\u{feff}invoice,amount\nCafé,1\n",
        in_encoding(Encoding::Windows1252),
        "
o.csv:1:1: has the byte order mark of utf-8, expected windows-1252
  hint: declare `encoding: utf-8`, or export as windows-1252
",
    );
}

#[test]
fn a_file_of_another_kind_is_named() {
    let cases: [(&[u8], &str); 3] = [
        (
            b"PK\x03\x04\x14\0",
            "
o.csv:1:1: is an Excel workbook or another zip archive, expected CSV text
  hint: open it and save it as \"CSV UTF-8\"
",
        ),
        (
            b"\x1F\x8B\x08\0",
            "
o.csv:1:1: is compressed with gzip, expected CSV text
  hint: give it a name that ends in .gz
",
        ),
        (
            b"%PDF-1.7\n",
            "
o.csv:1:1: is a PDF document, expected CSV text
  hint: export the table as CSV
",
        ),
    ];
    for (bytes, expected) in cases {
        refused(bytes, Format::default(), expected);
    }
}

#[test]
fn three_mistakes_are_three_faults_in_the_order_of_the_lines() {
    refused(
        "invoice,amount\nA,\"1\nB,2,3\nC,4\0\n",
        Format::default(),
        r#"
o.csv:2:3: this quote is never closed, and would swallow the 2 lines after it
     2 | A,"1
       |   ^
  hint: close it at the end of its field, or, if it belongs to the text, quote the field and write ""
o.csv:3:5: row has 3 fields, the header has 2
     3 | B,2,3
       |     ^
  hint: put quotes around a field that contains ","
o.csv:4:4: a NUL character
     4 | C,4�
       |    ^
  hint: the file is damaged or no text: export it again
"#,
    );
}

#[test]
fn a_file_that_is_wrong_everywhere_is_cut_short_and_counted() {
    let text = "invoice,amount\n".to_owned() + &"A\n".repeat(1234);
    let faults = parse("o.csv", text.into_bytes(), &Format::default(), &KNOWN).unwrap_err();
    assert_eq!(faults.len(), 101);
    assert_eq!(faults[99].place.to_string(), "o.csv:101:1");
    assert_eq!(faults[100].to_string(), "o.csv:102:1: more faults that are not shown: 1134");
}

#[test]
fn benign_variations_read_the_same() {
    let low_first = utf16("\u{feff}invoice;amount\r\nCafé;1\r\nB;2\r\n", u16::to_le_bytes);
    let high_first = utf16("invoice;amount\r\nCafé;1\r\nB;2\r\n", u16::to_be_bytes);
    let cases: [(&str, &[u8], Format); 18] = [
        ("plain", "invoice,amount\nCafé,1\nB,2\n".as_bytes(), Format::default()),
        ("byte order mark", "\u{feff}invoice,amount\nCafé,1\nB,2\n".as_bytes(), Format::default()),
        ("mark before a quote", "\u{feff}\"invoice\",amount\nCafé,1\nB,2\n".as_bytes(), Format::default()),
        ("CRLF", "invoice,amount\r\nCafé,1\r\nB,2\r\n".as_bytes(), Format::default()),
        ("CRLF and LF", "invoice,amount\nCafé,1\r\nB,2\n".as_bytes(), Format::default()),
        ("semicolon", "invoice;amount\nCafé;1\nB;2\n".as_bytes(), Format::default()),
        ("tab", "invoice\tamount\nCafé\t1\nB\t2\n".as_bytes(), Format::default()),
        ("bar", "invoice|amount\nCafé|1\nB|2\n".as_bytes(), Format::default()),
        ("declared", "invoice;amount\nCafé;1\nB;2\n".as_bytes(), split_at(b';')),
        ("quoted", "\"invoice\",\"amount\"\n\"Café\",\"1\"\n\"B\",\"2\"\n".as_bytes(), Format::default()),
        ("no line end", "invoice,amount\nCafé,1\nB,2".as_bytes(), Format::default()),
        ("no line end after quote", "invoice,amount\nCafé,1\nB,\"2\"".as_bytes(), Format::default()),
        ("blank lines", "\n\r\ninvoice,amount\n\nCafé,1\r\n\r\n\nB,2\n\n".as_bytes(), Format::default()),
        ("sep= line", "sep=;\r\ninvoice;amount\r\nCafé;1\r\nB;2\r\n".as_bytes(), Format::default()),
        ("windows-1252", b"invoice,amount\nCaf\xE9,1\nB,2\n", in_encoding(Encoding::Windows1252)),
        ("latin-1", b"invoice,amount\nCaf\xE9,1\nB,2\n", in_encoding(Encoding::Latin1)),
        ("utf-16le", &low_first, in_encoding(Encoding::Utf16Le)),
        ("utf-16be without mark", &high_first, in_encoding(Encoding::Utf16Be)),
    ];
    for (what, bytes, format) in cases {
        let table = read(bytes, format).unwrap_or_else(|faults| panic!("{what}: {faults}"));
        let rows: Vec<csv::StringRecord> = table.records().map(|record| record.fields).collect();
        assert_eq!(table.header(), KNOWN, "{what}");
        assert_eq!(rows, [vec!["Café", "1"], vec!["B", "2"]], "{what}");
        assert_eq!(table.rows(), 2, "{what}");
        assert_eq!(table.terminated(), !what.starts_with("no line end"), "{what}");
    }
}

#[test]
fn what_quotes_are_for_is_kept() {
    let text = "invoice,amount\n\"a\r\nb\n\",\"say \"\"hi\"\"; 1,2\rx\"\n\"\",\n";
    let table = read(text.as_bytes(), Format::default()).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(|record| record.fields).collect();
    assert_eq!(rows, [vec!["a\r\nb\n", "say \"hi\"; 1,2\rx"], vec!["", ""]]);
    let lines: Vec<u64> = table.records().map(|record| record.line).collect();
    assert_eq!(lines, [2, 5]);
}

#[test]
fn lines_are_counted_from_the_top_of_the_file() {
    let table = read(b"sep=;\n\ninvoice;amount\n\nA;1\n", Format::default()).unwrap();
    let record = table.records().next().unwrap();
    assert_eq!(table.place(&record, 1).to_string(), "o.csv:5:3");
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    for text in ["invoice,amount\n", "invoice,amount", "invoice"] {
        let table = read(text.as_bytes(), Format::default()).unwrap();
        assert_eq!((table.rows(), table.records().count()), (0, 0), "{text:?}");
    }
}

#[test]
fn a_header_of_one_known_column_needs_no_delimiter() {
    let table = read(b"invoice\nA\n\"\"\n", Format::default()).unwrap();
    assert_eq!(table.rows(), 2);
}

#[test]
fn quotes_in_the_header_do_not_mislead_the_delimiter() {
    let table = read(b"\"x;y;z\",invoice,\"am\nount\"\n1,2,3\n", Format::default()).unwrap();
    assert_eq!(table.header(), ["x;y;z", "invoice", "am\nount"]);
    assert_eq!(table.delimiter(), b',');
}

/// What the fields of a well-quoted text are, by the plainest means: every character once, one flag.
fn naive(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let (mut start, mut quoted) = (0, false);
    let ends = text.char_indices().chain([(text.len(), '\n')]);
    for (at, character) in ends {
        quoted ^= character == '"';
        if character == '\n' && !quoted {
            records.push(text[start..at].trim_end_matches('\r'));
            start = at + 1;
        }
    }
    records.retain(|record| !record.is_empty());
    records.into_iter().map(|record| naive_fields(record, delimiter)).collect()
}

fn naive_fields(record: &str, delimiter: char) -> Vec<String> {
    let mut quoted = false;
    let parts = record.split(|character| {
        quoted ^= character == '"';
        character == delimiter && !quoted
    });
    let unquote = |field: &str| match field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) => inside.replace("\"\"", "\""),
        None => field.to_owned(),
    };
    parts.map(unquote).collect()
}

/// A field, and whether it is written in quotes although it need not be.
fn any_field() -> impl Strategy<Value = (String, bool)> {
    ("[a;,\"\r\né0 ]{0,4}", any::<bool>())
}

/// A good file of two columns, and its fields: quoting, line ends, blank lines and the last line end vary.
fn any_file() -> impl Strategy<Value = (String, Vec<Vec<String>>)> {
    let row = ((any_field(), any_field()), prop::sample::select(vec!["\n", "\r\n", "\n\n", "\r\n\r\n"]));
    (prop::collection::vec(row, 0..6), any::<bool>()).prop_map(|(rows, terminated)| {
        let mut text = "invoice,amount\n".to_owned();
        let mut records = Vec::new();
        for ((first, second), line_end) in rows {
            text += &[written(&first), written(&second)].join(",");
            text += line_end;
            records.push(vec![first.0, second.0]);
        }
        let length = if terminated { text.len() } else { text.trim_end_matches(['\r', '\n']).len() };
        text.truncate(length);
        (text, records)
    })
}

fn written((field, quoted): &(String, bool)) -> String {
    if *quoted || field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.clone()
    }
}

fn fields_of(table: &Table) -> Vec<Vec<String>> {
    table.records().map(|record| record.fields.iter().map(str::to_owned).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_the_scan_accepts_is_split_as_a_naive_splitter_does(
        body in "([ab\"]|,|;|\"\"|,\"|\",|\"\n|\r\n|\n|\r|\u{feff}|é){0,14}"
    ) {
        let text = format!("x\n{body}");
        let mut rows = Rows::new(&text, 0, b',');
        let counts: Result<Vec<usize>, _> = rows.by_ref().map(|row| row.map(|row| row.fields)).collect();
        if let (Ok(counts), true) = (counts, rows.lone_returns == Occurrences::default()) {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let split: Vec<Vec<String>> =
                reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(&split, &naive(&text, ','));
            prop_assert_eq!(split.iter().map(Vec::len).collect::<Vec<usize>>(), counts);
        }
    }
}

proptest! {
    #[test]
    fn a_good_file_gives_back_its_fields((text, records) in any_file()) {
        let table = read(text.as_bytes(), Format::default()).unwrap();
        prop_assert_eq!(table.rows(), records.len() as u64);
        prop_assert_eq!(&fields_of(&table), &records);
        prop_assert_eq!(&naive(&text, ',')[1..], &records[..]);
        for (record, fields) in table.records().zip(&records) {
            prop_assert_eq!(&naive_fields(record.raw, ','), fields);
            let from_line = text.split('\n').skip(usize::try_from(record.line).unwrap() - 1).collect::<Vec<&str>>().join("\n");
            prop_assert!(from_line.starts_with(record.raw));
        }
    }

    #[test]
    fn a_file_cut_inside_quotes_is_refused((text, _) in any_file()) {
        let mut quoted = false;
        for (at, character) in text.char_indices() {
            if quoted {
                let cut = read(&text.as_bytes()[..at], Format::default());
                prop_assert!(cut.is_err_and(|faults| faults.contains("never closed")), "cut at {}", at);
            }
            quoted ^= character == '"';
        }
    }

    #[test]
    fn no_bytes_stop_the_program(
        bytes in prop::collection::vec(prop::sample::select(&b"a,\"\n\r\0\xE9\xEF\xBB\xBF\xFF\xFE\xD8"[..]), 0..40),
        which in 0..Encoding::ALL.len(),
    ) {
        for delimiter in [Delimiter::Auto, Delimiter::Is(b',')] {
            let format = Format { delimiter, encoding: Encoding::ALL[which] };
            if let Ok(table) = parse("o.csv", bytes.clone(), &format, &["a"]) {
                prop_assert_eq!(table.records().count() as u64, table.rows());
            }
        }
    }
}
