//! Bytes become text: the byte order mark, the declared encoding, and what is neither.
//!
//! A wrong character is reported and replaced, so that one reading finds all faults. A guess is only ever a hint.

use crate::model::fault::{Fault, Place};
use crate::model::table::Encoding;

use super::faults::{Faults, Occurrences, Source};

/// First bytes that no CSV file has, what they are, and what to do.
const FOREIGN: [(&[u8], &str, &str); 6] = [
    (b"PK\x03\x04", "is an Excel workbook or another zip archive", "open it and save it as \"CSV UTF-8\""),
    (b"PK\x05\x06", "is an empty zip archive", "export the table as CSV"),
    (b"\xD0\xCF\x11\xE0", "is an old Excel workbook", "open it and save it as \"CSV UTF-8\""),
    (b"%PDF-", "is a PDF document", "export the table as CSV"),
    (b"\x1F\x8B", "is compressed with gzip", "give it a name that ends in .gz"),
    (b"\x28\xB5\x2F\xFD", "is compressed with zstd", "give it a name that ends in .zst"),
];

/// The text of a file without its byte order mark, or `None` when the file is no text at all.
pub(super) fn decode(file: &str, mut bytes: Vec<u8>, declared: Encoding, faults: &mut Faults) -> Option<String> {
    if let Some((_, what, remedy)) = FOREIGN.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        faults.add(|| Fault::new(Place::start(file), format!("{what}, expected CSV text")).hint(*remedy));
        return None;
    }
    let mut encoding = declared;
    if let Some(evident) = Evident::of(&bytes) {
        if evident.encoding != declared {
            faults.add(|| evident.contradiction(file, declared));
        }
        encoding = evident.encoding;
        bytes.drain(..evident.mark);
    }
    Some(match encoding {
        Encoding::Utf8 => utf8(file, bytes, faults),
        Encoding::Windows1252 => windows_1252(file, &bytes, faults),
        Encoding::Latin1 => latin_1(file, &bytes, faults),
        Encoding::Utf16Le => utf16(file, &bytes, u16::from_le_bytes, faults),
        Encoding::Utf16Be => utf16(file, &bytes, u16::from_be_bytes, faults),
    })
}

/// Whether the first bytes say that a file is no UTF-8 text.
pub(super) fn says_another_encoding(bytes: &[u8]) -> bool {
    FOREIGN.iter().any(|(magic, ..)| bytes.starts_with(magic))
        || Evident::of(bytes).is_some_and(|evident| evident.encoding != Encoding::Utf8)
}

/// What the first bytes say about the encoding.
struct Evident {
    encoding: Encoding,
    /// Length of the byte order mark; 0 where the NUL bytes of UTF-16 give it away without one.
    mark: usize,
}

impl Evident {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (encoding, mark) = match bytes {
            [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
            [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
            [1..=255, 0, 1..=255, 0, ..] => (Encoding::Utf16Le, 0),
            [0, 1..=255, 0, 1..=255, ..] => (Encoding::Utf16Be, 0),
            _ => return None,
        };
        Some(Self { encoding, mark })
    }

    fn contradiction(&self, file: &str, declared: Encoding) -> Fault {
        let (found, declared) = (self.encoding.name(), declared.name());
        let says = if self.mark > 0 { "has the byte order mark of" } else { "reads like" };
        Fault::new(Place::start(file), format!("{says} {found}, expected {declared}"))
            .hint(format!("declare `encoding: {found}`, or export as {declared}"))
    }
}

fn utf8(file: &str, bytes: Vec<u8>, faults: &mut Faults) -> String {
    let (error, bytes) = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => (error.utf8_error(), error.into_bytes()),
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let source = Source { file, text: &text };
    let first = error.valid_up_to();
    if error.error_len().is_none() {
        faults.add(|| {
            source.fault_at(first, "the file ends inside a UTF-8 character").hint("the file is cut: export it again")
        });
        return text;
    }
    let mut wrong = Occurrences::default();
    bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).for_each(|_| wrong.add(first));
    let message = format!("byte 0x{:02X} is not UTF-8", bytes[first]);
    let hint = "declare `encoding: windows-1252` if a spreadsheet wrote the file, or export as UTF-8";
    faults.add_repeated(&source, &wrong, &message, hint);
    text
}

/// The five bytes that windows-1252 leaves open decode to control characters, and nothing else does.
fn windows_1252(file: &str, bytes: &[u8], faults: &mut Faults) -> String {
    let text = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned();
    let message = "a byte that is no character of windows-1252";
    refuse_high_controls(&Source { file, text: &text }, faults, message, "export the file as UTF-8");
    text
}

fn latin_1(file: &str, bytes: &[u8], faults: &mut Faults) -> String {
    let text = encoding_rs::mem::decode_latin1(bytes).into_owned();
    let message = "a byte that is no character of latin-1";
    let hint = "declare `encoding: windows-1252`, or export as UTF-8";
    refuse_high_controls(&Source { file, text: &text }, faults, message, hint);
    text
}

fn refuse_high_controls(source: &Source<'_>, faults: &mut Faults, message: &str, hint: &str) {
    let found: Occurrences =
        source.text.match_indices(|character| matches!(character, '\u{80}'..='\u{9F}')).map(|(at, _)| at).collect();
    faults.add_repeated(source, &found, message, hint);
}

fn utf16(file: &str, bytes: &[u8], unit: fn([u8; 2]) -> u16, faults: &mut Faults) -> String {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    let mut halves = Occurrences::default();
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.push(decoded.unwrap_or_else(|_| {
            halves.add(text.len());
            char::REPLACEMENT_CHARACTER
        }));
    }
    let source = Source { file, text: &text };
    let hint = "the file is damaged: export it again";
    faults.add_repeated(&source, &halves, "half of a UTF-16 surrogate pair", hint);
    if !rest.is_empty() {
        let message = "the file ends inside a UTF-16 character";
        faults.add(|| source.fault_at(text.len(), message).hint("the file is cut: export it again"));
    }
    text
}
