//! Values that several sections of a job have: whole numbers, paths with a date, and columns or constants.

use std::str::FromStr;

use super::reader::{Reader, Section};
use super::settings::Column;
use super::yaml::{Node, Value};
use crate::model::time::{BusinessDate, Timestamp};

/// `{date}` must be fillable; any date will do to find out.
pub(super) fn check_template(reader: &mut Reader<'_>, node: &Node, template: &str) {
    let date = BusinessDate::of(Timestamp::UNIX_EPOCH);
    if let Err(pattern) = date.fill(template) {
        let hint = "write {date} or e.g. {date:%Y%m%d} with %Y %y %m %d %j";
        reader.fault(node, format!("{pattern:?} is not a date in a path"), hint);
    }
}

/// The same for each of a list.
pub(super) fn check_templates(reader: &mut Reader<'_>, section: &Section<'_>, key: &str, templates: &[String]) {
    let Some(Value::List(items)) = section.get(key).map(|node| &node.value) else { return };
    for (item, template) in items.iter().zip(templates) {
        check_template(reader, item, template);
    }
}

/// A column of that header, or a constant.
pub(super) fn read_column(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Column> {
    if let Value::Map(_) = node.value {
        let section = reader.section(node, what, &["value"])?;
        let value = reader.required(&section, what, "value", "write {value: \"...\"} for a constant")?;
        return reader.text(value, what).map(|text| Column::Value(text.to_owned()));
    }
    reader.text(node, what).map(|text| Column::Header(text.to_owned()))
}

/// A whole number in digits. Rust would also take a plus, and a zero before them, with which other readers of YAML mean a number
/// of eights.
pub(super) fn whole<T: FromStr>(text: &str) -> Option<T> {
    let is_padded = text.len() > 1 && text.starts_with('0');
    (!is_padded && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_whole_number_is_digits_and_nothing_else() {
        assert_eq!([whole::<u32>("12"), whole("0")], [Some(12), Some(0)]);
        for other in ["012", "00", "+12", "-12", "1.0", "1_000", " 12", ""] {
            assert_eq!(whole::<u32>(other), None, "{other:?}");
        }
    }
}
