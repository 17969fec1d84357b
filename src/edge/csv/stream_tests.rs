//! Reading in a stream says what reading the whole file says: the same rows, or the same faults.

use std::convert::Infallible;

use proptest::prelude::*;

use super::parse;
use super::stream::{NotRead, Stream, open_with};
use crate::edge::blocks::Stopped;
use crate::edge::read::ReadError;
use crate::model::fault::Fault;
use crate::model::table::{Delimiter, Encoding, Format, Table};

const KNOWN: [&str; 2] = ["invoice", "amount"];

/// A row as a test compares it: line, text, fields, and whether it may have been cut.
type Seen = (u64, String, Vec<String>, bool);

/// Header and rows.
type Content = (Vec<String>, Vec<Seen>);

fn shown(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n")
}

fn whole(bytes: &[u8], format: Format) -> Result<Content, String> {
    let table = parse("o.csv", bytes.to_vec(), &format, &KNOWN).map_err(|faults| shown(&faults))?;
    let seen = |record: crate::model::table::Record<'_>| {
        let cut = record.number == table.rows() && !table.terminated() && !record.raw.ends_with('"');
        (record.line, record.raw.to_owned(), record.fields.iter().map(str::to_owned).collect(), cut)
    };
    Ok((table.header().to_vec(), table.records().map(seen).collect()))
}

/// The rows, and how many parts they came in; none, if the file was read whole in the end.
fn streamed(bytes: &[u8], format: Format, (head, block): (u64, usize)) -> (Result<Content, String>, usize) {
    let open = || Ok::<&[u8], ReadError>(bytes);
    let faulty = |error| match error {
        NotRead::Faulty(faults) => shown(&faults),
        NotRead::Unreadable(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    };
    let stream = match open_with("o.csv", open, format, &KNOWN, head) {
        Ok(stream) => stream,
        Err(error) => return (Err(faulty(error)), 0),
    };
    let (mut parts, mut rows, header) = (0, Vec::new(), stream.head().header().to_vec());
    let take = |part: Vec<Seen>| {
        parts += 1;
        rows.extend(part);
        Ok::<(), Infallible>(())
    };
    match rows_of(stream, block, take) {
        Ok(()) => (Ok((header, rows)), parts),
        Err(Stopped::Reading(error)) => (Err(faulty(error)), 0),
    }
}

fn rows_of<O: Fn() -> Result<S, ReadError>, S: std::io::Read + Send>(
    stream: Stream<O, S>,
    block: usize,
    take: impl FnMut(Vec<Seen>) -> Result<(), Infallible>,
) -> Result<(), Stopped<NotRead, Infallible>> {
    let work = |rows: &mut crate::model::rows::Rows<'_>| {
        let mut seen = Vec::new();
        let mut width = None;
        while let Some(row) = rows.next_row() {
            assert_eq!(row.number, seen.len() as u64 + 1);
            let alone: Table = row.alone();
            let record = alone.records().next().expect("it has one row");
            assert_eq!((record.line, record.raw), (row.line, row.raw()));
            assert_eq!(alone.records().count(), 1);
            let fields: Vec<String> = (0..record.fields.len()).map(|index| row.field(index).into_owned()).collect();
            assert_eq!(record.fields, fields);
            assert_eq!(*width.get_or_insert(fields.len()), fields.len());
            let places = (0..fields.len()).map(|index| alone.place(&record, index).line);
            assert!(places.is_sorted(), "{:?}", row.raw());
            seen.push((row.line, row.raw().to_owned(), fields, row.may_be_cut()));
        }
        seen
    };
    stream.rows_by(block, 2, work, take)
}

#[track_caller]
fn agree(bytes: &[u8], format: Format) {
    let whole = whole(bytes, format);
    for sizes in [(1, 1), (20, 1), (20, 7), (64, 16), (1 << 16, 1), (1 << 16, 1 << 20)] {
        assert_eq!(streamed(bytes, format, sizes).0, whole, "{:?} in {sizes:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_the_whole_file_reader_tells_is_told_with_the_same_words() {
    let format = Format::default();
    let good = "invoice,amount\nA,1\n";
    for bad in [
        "B,\"2\nC,3\n",
        "B,\"2\"x\n",
        "B\"\"\n",
        "B\n",
        "B,2,3\n",
        "B,2\rC,3\n",
        "B,2\0\n",
        "B,\"\0\"\n",
        "B,2\r",
        "\r\r",
        "B,\"2",
        "B,\"\"\"",
        "\"\n\"",
    ] {
        for text in
            [format!("{good}{bad}"), format!("{good}{bad}{}", "D,4\n".repeat(20)), format!("\u{feff}{good}{bad}")]
        {
            assert!(whole(text.as_bytes(), format).is_err(), "{text:?}");
            agree(text.as_bytes(), format);
        }
    }
    for bad in
        [&b"invoice,amount\nA,\xE9\n"[..], b"invoice,amount\nA,1\nB,\xC3", b"inv\xE9,amount\n", b"PK\x03\x04", b""]
    {
        assert!(whole(bad, format).is_err());
        agree(bad, format);
    }
}

#[test]
fn everything_that_may_stand_before_and_between_the_rows_may_stand_in_a_stream() {
    let rows = "A,1\r\n\"B\n\",\"2\"\"\"\n\n\r\nCaf\u{e9},3\n\"\",";
    for before in ["", "\u{feff}", "sep=,\r\n", "\n\r\n", "\u{feff}sep=,\n\n"] {
        for header in ["invoice,amount\n", "\"invoice\",amount\r\n\n", "\"in\nvoice\",amount\n"] {
            for end in ["", "\n", "\"\"", "1\n\n"] {
                let text = format!("{before}{header}{rows}{end}");
                assert!(whole(text.as_bytes(), Format::default()).is_ok(), "{text:?}");
                agree(text.as_bytes(), Format::default());
            }
        }
    }
    for alone in ["invoice,amount", "invoice,amount\n", "invoice,amount\r\n\n"] {
        agree(alone.as_bytes(), Format::default());
    }
    agree(b"invoice\nA\n\"\"\nB", Format::default());
    agree(b"invoice,amount\nCaf\xE9,1\n", Format { encoding: Encoding::Windows1252, ..Format::default() });
}

#[test]
fn an_ordinary_file_is_not_read_whole() {
    let text = "invoice,amount\n".to_owned() + &"A,\"1\"\r\n".repeat(100);
    let (read, parts) = streamed(text.as_bytes(), Format::default(), (64, 70));
    assert_eq!(read.unwrap().1.len(), 100);
    assert!(parts > 5, "{parts}");
}

#[test]
fn rows_are_found_again_by_their_lines() {
    let text = "invoice,amount\n\"A\nx\",1\nB,2\n\nC,3\n";
    let open = || Ok::<&[u8], ReadError>(text.as_bytes());
    let stream = open_with("o.csv", open, Format::default(), &KNOWN, 1 << 16).unwrap_or_else(|_| panic!("a header"));
    let seen = stream.rows_on(&[2, 3, 6], 2, |row| row.field(1).into_owned()).unwrap_or_else(|_| panic!("rows"));
    assert_eq!(seen, ["1", "3"]);
}

#[test]
fn a_file_that_is_good_the_second_time_has_changed() {
    let times = std::cell::Cell::new(0);
    let open = || {
        times.set(times.get() + 1);
        Ok::<&[u8], ReadError>(if times.get() == 1 { b"invoice,amount\nA\n" } else { b"invoice,amount\nA,1\n" })
    };
    let stream = open_with("o.csv", open, Format::default(), &KNOWN, 1 << 16).unwrap_or_else(|_| panic!("a header"));
    let stopped = rows_of(stream, 1 << 20, |_| Ok(()));
    let Err(Stopped::Reading(NotRead::Unreadable(error))) = stopped else { panic!("it was read") };
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "it changed while it was read");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn whatever_the_text_and_the_blocks_both_ways_agree(
        before in prop::sample::select(vec!["", "\u{feff}", "sep=;\n", "\n"]),
        header in prop::sample::select(vec!["invoice,amount\n", "invoice;amount\r\n", "\"invoice\",x\n", "invoice\n", "x,y\n", ""]),
        body in "([ab\"]|,|;|\"\"|\"a\"|,\"|\",|\"\n|\r\n|\n|a,b\n|a;b\n|\"\n\",a\n|\r|\0|\t|\u{feff}|é){0,16}",
        sizes in (1..40_u64, 1..12_usize),
        declared in prop::sample::select(vec![Delimiter::Auto, Delimiter::Is(b','), Delimiter::Is(b'\t')]),
    ) {
        let text = format!("{before}{header}{body}");
        let format = Format { delimiter: declared, ..Format::default() };
        let whole = whole(text.as_bytes(), format);
        prop_assert_eq!(&streamed(text.as_bytes(), format, sizes).0, &whole);
        prop_assert_eq!(&streamed(text.as_bytes(), format, (1 << 16, sizes.1)).0, &whole);
    }

    #[test]
    fn good_rows_come_back_in_every_size_of_block(
        rows in prop::collection::vec(("[a;,\"\r\né\t ]{0,4}", "[0-9]{1,3}", prop::sample::select(vec!["\n", "\r\n", "\n\n"])), 0..20),
        block in 1..40_usize,
    ) {
        let mut text = "invoice,amount\n".to_owned();
        for (first, second, end) in &rows {
            text.extend(["\"", &first.replace('"', "\"\""), "\",", second, end]);
        }
        let whole = whole(text.as_bytes(), Format::default());
        prop_assert!(whole.as_ref().is_ok_and(|content| content.1.len() == rows.len()));
        let (read, parts) = streamed(text.as_bytes(), Format::default(), (1 << 16, block));
        prop_assert_eq!(read, whole);
        prop_assert!(rows.is_empty() || parts > 0);
    }

    #[test]
    fn no_bytes_stop_the_stream(
        bytes in prop::collection::vec(prop::sample::select(&b"a,\"\n\r\0\xE9\xEF\xBB\xBF\xFF\xFE\xD8"[..]), 0..40),
        which in 0..Encoding::ALL.len(),
        sizes in (1..40_u64, 1..12_usize),
    ) {
        let format = Format { delimiter: Delimiter::Is(b','), encoding: Encoding::ALL[which] };
        prop_assert_eq!(streamed(&bytes, format, sizes).0, whole(&bytes, format));
    }
}
