//! Rows as CSV text.

use csv::{Terminator, WriterBuilder};

/// Writes header and rows; a field is quoted only where it has to be.
pub(crate) fn write(delimiter: u8, line_end: Terminator, header: &[&str], rows: &[Vec<String>]) -> String {
    let in_memory = "rows as long as the header, written to memory";
    let mut writer = WriterBuilder::new().delimiter(delimiter).terminator(line_end).from_writer(Vec::new());
    writer.write_record(header).expect(in_memory);
    for row in rows {
        writer.write_record(row).expect(in_memory);
    }
    String::from_utf8(writer.into_inner().expect(in_memory)).expect("text in, text out")
}

/// Lines that end with LF.
pub(crate) const LF: Terminator = Terminator::Any(b'\n');
