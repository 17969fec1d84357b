//! audit.xlsx: cells become a workbook, row by row, so that a million rows need no more memory than ten. What waits to be
//! packed is in files without a name in the folder of the job's output.
//!
//! The same cells give the same bytes: the only time in a workbook is the one that it is given.

use std::io::{self, Write};
use std::path::Path;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Worksheet, XlsxError};

use super::files::Draft;
use crate::model::money::Rupiah;
use crate::model::time::{BusinessDate, Timestamp, Zone};
use crate::report::workbook::{Cell, Kind, Layout, Sheet};

/// Excel's own limits: rows of a sheet, UTF-16 units of a cell.
const MOST_ROWS: u32 = 1_048_576;
const LONGEST_TEXT: usize = 32_767;
/// What stands at the end of a text that Excel would not take whole.
const CUT: &str = " ... (cut; the CSV file has it whole)";
/// Excel computes and shows fifteen digits; a larger sum is written as text, so that no rupiah of it is lost.
const LARGEST_EXACT: i128 = 999_999_999_999_999;

/// Why there is no workbook.
#[derive(Debug, thiserror::Error)]
#[error("the workbook cannot be written: {0}")]
pub struct NoWorkbook(#[from] XlsxError);

/// A workbook that is being written.
pub struct Workbook {
    book: rust_xlsxwriter::Workbook,
    formats: Formats,
    sheet: Option<Open>,
    most_rows: u32,
}

/// The sheet that rows are added to.
struct Open {
    layout: Layout,
    index: usize,
    /// 1 for the first sheet of its name.
    part: u32,
    next_row: u32,
}

struct Formats {
    header: Format,
    text: Format,
    title: Format,
    number_title: Format,
    good: Format,
    bad: Format,
    count: Format,
    rupiah: Format,
    time: Format,
    day: Format,
}

impl Formats {
    fn new() -> Self {
        let bold = || Format::new().set_bold();
        Self {
            header: bold().set_background_color(0x00D9_E1F2).set_text_wrap().set_align(FormatAlign::Top),
            text: Format::new().set_num_format("@"),
            title: bold(),
            number_title: bold().set_align(FormatAlign::Right),
            good: bold().set_font_color(0x001B_6E3C),
            bad: bold().set_font_color(0x00B0_0020),
            count: Format::new().set_num_format("#,##0_)"),
            rupiah: Format::new().set_num_format("\"Rp\" #,##0_);-\"Rp\" #,##0_)"),
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss").set_align(FormatAlign::Left),
            day: Format::new().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Left),
        }
    }
}

impl Workbook {
    /// Begins a workbook; `scrap` is a folder that is there.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn begin(scrap: &Path, title: &str, made_at: Timestamp) -> Result<Self, NoWorkbook> {
        Self::with_rows(scrap, title, made_at, MOST_ROWS)
    }

    fn with_rows(scrap: &Path, title: &str, made_at: Timestamp, most_rows: u32) -> Result<Self, NoWorkbook> {
        let mut book = rust_xlsxwriter::Workbook::new();
        book.set_tempdir(scrap)?;
        let mut properties = DocProperties::new().set_title(title).set_author("rekon");
        if let Some(made_at) = excel_time(made_at, Zone::UTC) {
            properties = properties.set_creation_datetime(&made_at);
        }
        book.set_properties(&properties);
        Ok(Self { book, formats: Formats::new(), sheet: None, most_rows })
    }

    /// Adds a sheet with all its rows.
    ///
    /// # Errors
    /// The disk is full.
    pub fn add(&mut self, sheet: &Sheet) -> Result<(), NoWorkbook> {
        self.open(sheet.layout)?;
        sheet.rows.iter().try_for_each(|row| self.row(row))
    }

    /// Opens a sheet that rows are added to.
    ///
    /// # Errors
    /// The disk is full.
    pub fn open(&mut self, layout: Layout) -> Result<(), NoWorkbook> {
        self.open_part(layout, 1)
    }

    /// Adds a row to the open sheet. A list that has more rows than Excel's sheets goes on in a further one.
    ///
    /// # Errors
    /// The disk is full.
    ///
    /// # Panics
    /// No sheet was opened.
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), NoWorkbook> {
        let sheet = self.sheet.as_ref().expect("a sheet is opened before it gets rows");
        if sheet.next_row >= self.most_rows {
            let (layout, part) = (sheet.layout, sheet.part + 1);
            self.open_part(layout, part)?;
        }
        let Some(Open { index, next_row, .. }) = &mut self.sheet else { return Ok(()) };
        let page = self.book.worksheet_from_index(*index)?;
        for (column, cell) in (0..).zip(cells) {
            write(page, (*next_row, column), cell, &self.formats)?;
        }
        *next_row += 1;
        Ok(())
    }

    /// Writes the workbook into a draft, which knows for itself if that failed.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(mut self, draft: &mut Draft) -> Result<(), NoWorkbook> {
        self.close_sheet()?;
        Ok(self.book.save_to_writer(Into(draft))?)
    }

    fn open_part(&mut self, layout: Layout, part: u32) -> Result<(), NoWorkbook> {
        self.close_sheet()?;
        let index = self.book.worksheets().len();
        let page = self.book.add_worksheet_with_constant_memory()?;
        page.set_name(if part == 1 { layout.name.to_owned() } else { format!("{} {part}", layout.name) })?;
        page.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        for (column, (_, width)) in (0..).zip(layout.columns) {
            page.set_column_width(column, *width)?;
        }
        let mut next_row = 0;
        if layout.kind == Kind::List {
            for (column, (title, _)) in (0..).zip(layout.columns) {
                page.write_string_with_format(0, column, *title, &self.formats.header)?;
            }
            page.set_freeze_panes(1, 1)?.set_repeat_rows(0, 0)?;
            next_row = 1;
        }
        self.sheet = Some(Open { layout, index, part, next_row });
        Ok(())
    }

    /// The filters of a list reach down to its last row.
    fn close_sheet(&mut self) -> Result<(), NoWorkbook> {
        let Some(Open { layout, index, next_row, .. }) = self.sheet.take() else { return Ok(()) };
        let last = u16::try_from(layout.columns.len()).unwrap_or(1).saturating_sub(1);
        if layout.kind == Kind::List {
            self.book.worksheet_from_index(index)?.autofilter(0, 0, next_row - 1, last)?;
        }
        Ok(())
    }
}

fn write(page: &mut Worksheet, (row, column): (u32, u16), cell: &Cell, formats: &Formats) -> Result<(), XlsxError> {
    let mut text = |text: &str, format| page.write_string_with_format(row, column, fitting(text), format).map(|_| ());
    match cell {
        Cell::Empty => Ok(()),
        Cell::Text(words) => text(words, &formats.text),
        Cell::Title(words) => text(words, &formats.title),
        Cell::NumberTitle(words) => text(words, &formats.number_title),
        Cell::Good(words) => text(words, &formats.good),
        Cell::Bad(words) => text(words, &formats.bad),
        Cell::Count(count) => page.write_with_format(row, column, *count, &formats.count).map(|_| ()),
        Cell::Rupiah(rupiah) => match i64::try_from(*rupiah) {
            Ok(exact) if rupiah.abs() <= LARGEST_EXACT => {
                page.write_with_format(row, column, exact, &formats.rupiah).map(|_| ())
            }
            _ => text(&in_words(*rupiah), &formats.text),
        },
        Cell::Time(time) => match excel_time(*time, Zone::WIB) {
            Some(time) => page.write_datetime_with_format(row, column, &time, &formats.time).map(|_| ()),
            None => text(&crate::model::time::for_people(*time), &formats.text),
        },
        Cell::Day(day) => match excel_day(*day) {
            Some(day) => page.write_datetime_with_format(row, column, &day, &formats.day).map(|_| ()),
            None => text(&day.to_string(), &formats.text),
        },
    }
}

/// A text as long as Excel takes it.
fn fitting(text: &str) -> String {
    if text.encode_utf16().count() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let mut left = LONGEST_TEXT - CUT.len();
    let kept = text.chars().take_while(|character| {
        let fits = character.len_utf16() <= left;
        left = left.saturating_sub(character.len_utf16());
        fits
    });
    kept.chain(CUT.chars()).collect()
}

fn in_words(rupiah: i128) -> String {
    let sign = if rupiah < 0 { "-" } else { "" };
    u64::try_from(rupiah.unsigned_abs())
        .map_or_else(|_| rupiah.to_string(), |whole| format!("{sign}{}", Rupiah::new(whole)))
}

/// `None` for what no spreadsheet can tell.
fn excel_time(time: Timestamp, zone: Zone) -> Option<ExcelDateTime> {
    let text = zone.local(time).format("%Y-%m-%dT%H:%M:%S").to_string();
    ExcelDateTime::parse_from_str(&text).ok()
}

fn excel_day(day: BusinessDate) -> Option<ExcelDateTime> {
    ExcelDateTime::parse_from_str(&day.to_string()).ok()
}

/// A draft as something to write into.
struct Into<'a>(&'a mut Draft);

impl Write for Into<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_instant;
    use std::io::Read as _;

    const LIST: Layout = Layout { name: "Breaks", kind: Kind::List, columns: &[("invoice", 20), ("amount", 12)] };

    fn noon() -> Timestamp {
        parse_instant("2026-11-21T18:02:11Z").expect("a time")
    }

    /// The workbook with these rows in sheets of so many.
    fn workbook(rows: &[Vec<Cell>], most_rows: u32) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut book = Workbook::with_rows(folder.path(), "a title", noon(), most_rows).expect("it begins");
        book.open(LIST).expect("a sheet");
        rows.iter().for_each(|row| book.row(row).expect("a row"));
        let mut draft = Draft::begin(folder.path(), "audit.xlsx");
        book.finish(&mut draft).expect("it is written");
        let path = folder.path().join("audit.xlsx");
        draft.keep(&path).expect("it is kept");
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").collect();
        assert_eq!(left.len(), 1, "nothing else is left behind");
        std::fs::read(&path).expect("it is there")
    }

    fn part(book: &[u8], name: &str) -> String {
        let mut archive = zip::ZipArchive::new(io::Cursor::new(book)).expect("a zip archive");
        let mut text = String::new();
        archive.by_name(name).expect("a part of that name").read_to_string(&mut text).expect("XML");
        text
    }

    #[test]
    fn ids_and_formulas_are_text_and_amounts_are_numbers() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let rows: Vec<Vec<Cell>> = ["0012345678901234567890", "1E5", "=1+1", "+6281", "@SUM(A1)", "http://x.example/"]
            .iter()
            .map(|id| vec![text(id), Cell::Rupiah(999_999_999_999)])
            .chain([vec![text("a"), Cell::Rupiah(-5)], vec![text("b"), Cell::Rupiah(1_000_000_000_000_001)]])
            .collect();
        let sheet = part(&workbook(&rows, MOST_ROWS), "xl/worksheets/sheet1.xml");
        for id in ["0012345678901234567890", "1E5", "=1+1", "+6281", "@SUM(A1)", "http://x.example/"] {
            assert!(sheet.contains(&format!("t=\"inlineStr\"><is><t>{id}</t>")), "{id}: {sheet}");
        }
        assert!(!sheet.contains("<f>") && !sheet.contains("hyperlink"), "{sheet}");
        assert!(sheet.contains("<v>999999999999</v>") && sheet.contains("<v>-5</v>"), "{sheet}");
        assert!(sheet.contains("<t>Rp 1.000.000.000.000.001</t>"), "no digit is lost: {sheet}");
        assert!(sheet.contains("state=\"frozen\"") && sheet.contains("<autoFilter ref=\"A1:B9\"/>"), "{sheet}");
        assert!(part(&workbook(&rows, MOST_ROWS), "xl/styles.xml").contains("&quot;Rp&quot; #,##0"));
    }

    #[test]
    fn times_are_dates_in_wib() {
        let day = BusinessDate::parse("2026-11-22").expect("a day");
        let sheet = part(&workbook(&[vec![Cell::Time(noon()), Cell::Day(day)]], MOST_ROWS), "xl/worksheets/sheet1.xml");
        // 46348 is 2026-11-22, and 01:02:11 in WIB is 0.0431.. of it.
        assert!(sheet.contains("<v>46348.04318287037</v>") && sheet.contains("<v>46348</v>"), "{sheet}");
    }

    #[test]
    fn rows_that_one_sheet_cannot_hold_go_on_in_the_next() {
        let rows: Vec<Vec<Cell>> = (0..5).map(|number| vec![Cell::Text(format!("INV-{number}"))]).collect();
        let book = workbook(&rows, 3);
        let names = part(&book, "xl/workbook.xml");
        for name in ["\"Breaks\"", "\"Breaks 2\"", "\"Breaks 3\""] {
            assert!(names.contains(name), "{name}: {names}");
        }
        let last = part(&book, "xl/worksheets/sheet3.xml");
        assert!(last.contains("<t>invoice</t>") && last.contains("<t>INV-4</t>"), "{last}");
        assert!(last.contains("<autoFilter ref=\"A1:B2\"/>"), "{last}");
    }

    #[test]
    fn a_text_that_is_too_long_for_a_cell_says_that_it_is_cut() {
        let (long, wide) = ("x".repeat(40_000), "\u{1f600}".repeat(20_000));
        for text in [long, wide] {
            let fitted = fitting(&text);
            let units = fitted.encode_utf16().count();
            assert!((LONGEST_TEXT - 1..=LONGEST_TEXT).contains(&units) && fitted.ends_with(CUT), "{units}");
        }
        assert_eq!(fitting("short"), "short");
    }

    #[test]
    fn the_same_rows_are_the_same_bytes() {
        let rows = [vec![Cell::Text("INV-1".to_owned()), Cell::Rupiah(5)]];
        assert!(workbook(&rows, MOST_ROWS) == workbook(&rows, MOST_ROWS));
        assert!(part(&workbook(&rows, MOST_ROWS), "docProps/core.xml").contains("2026-11-21T18:02:11Z"));
    }
}
