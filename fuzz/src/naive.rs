//! A second reading of CSV, one character after the other, that refuses whatever is not plainly right.
//!
//! It shares no code and no approach with the program's: no offsets, no crate, no list of faults; a file is good or it is not.

/// A row: its line, and its fields without their quotes.
pub(super) type Row = (u64, Vec<String>);

/// Header and rows of UTF-8 bytes with this delimiter; `None` if anything at all is wrong with them.
pub(super) fn table(bytes: &[u8], delimiter: char) -> Option<(Vec<String>, Vec<Row>)> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"%PDF-") {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\0') {
        return None;
    }
    let mut rows = rows(text, delimiter)?;
    if let Some(named) = separator(text) {
        // Excel's line is taken off as a line, for to other delimiters than the one that it names it is a row.
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        if named != delimiter.to_string() || separator(rest).is_some() {
            return None;
        }
        rows = self::rows(rest, delimiter)?;
        rows.iter_mut().for_each(|(line, _)| *line += 1);
    }
    if rows.is_empty() {
        return None;
    }
    let (_, header) = rows.remove(0);
    let named = header.iter().all(|name| !name.trim().is_empty());
    let distinct = header.iter().enumerate().all(|(index, name)| !header[..index].contains(name));
    let marked = header[0].starts_with('\u{feff}');
    let even = rows.iter().all(|(_, fields)| fields.len() == header.len());
    (named && distinct && !marked && even).then_some((header, rows))
}

/// What the first line names after `sep=`.
fn separator(text: &str) -> Option<&str> {
    let line = text.split('\n').next()?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    let word = line.get(..4)?;
    word.eq_ignore_ascii_case("sep=").then(|| &line[4..])
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    /// Before the first character of a field.
    Start,
    /// In a field without quotes.
    Plain,
    /// In a field with quotes.
    Quoted,
    /// After a quote in a field with quotes: its end, or the first of two.
    Quote,
    /// After a carriage return.
    Return,
}

fn rows(text: &str, delimiter: char) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    let (mut fields, mut field) = (Vec::new(), String::new());
    let (mut at, mut line, mut begun, mut something) = (At::Start, 1, 1, false);
    for character in text.chars() {
        if at == At::Return && character != '\n' {
            return None;
        }
        match (at, character) {
            (At::Start | At::Plain | At::Quote | At::Return, '\n') => {
                if something {
                    fields.push(std::mem::take(&mut field));
                    rows.push((begun, std::mem::take(&mut fields)));
                }
                (at, begun, something) = (At::Start, line + 1, false);
            }
            (At::Start | At::Plain | At::Quote, '\r') => at = At::Return,
            (At::Start | At::Plain | At::Quote, other) if other == delimiter => {
                fields.push(std::mem::take(&mut field));
                (at, something) = (At::Start, true);
            }
            (At::Start, '"') => (at, something) = (At::Quoted, true),
            (At::Plain, '"') => return None,
            (At::Start | At::Plain, other) => {
                field.push(other);
                (at, something) = (At::Plain, true);
            }
            (At::Quoted, '"') => at = At::Quote,
            (At::Quoted, other) => field.push(other),
            (At::Quote, '"') => {
                field.push('"');
                at = At::Quoted;
            }
            (At::Quote | At::Return, _) => return None,
        }
        line += u64::from(character == '\n');
    }
    if matches!(at, At::Quoted | At::Return) {
        return None;
    }
    if something {
        fields.push(field);
        rows.push((begun, fields));
    }
    Some(rows)
}
