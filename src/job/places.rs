//! Where the values of a job stand in its file: for faults that only show once the job meets the world.

use std::collections::BTreeMap;

use super::yaml::{Node, Value};
use crate::model::fault::Place;
use crate::model::table::Position;

/// The place of every value by its key, such as `orders.control.rows`. Empty: the job was made of flags, or of nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<String, Position>);

impl Places {
    pub(super) fn of(root: &Node) -> Self {
        let mut places = Self::default();
        places.add(String::new(), root);
        places
    }

    fn add(&mut self, key: String, node: &Node) {
        if let Value::Map(entries) = &node.value {
            for (name, value) in entries {
                if let Value::Scalar(name) = &name.value {
                    self.add(if key.is_empty() { name.clone() } else { format!("{key}.{name}") }, value);
                }
            }
        }
        self.0.insert(key, (node.line, node.column));
    }

    /// Where a key's value stands in the job's file; that of the nearest key above it, if it is left out.
    #[must_use]
    pub fn place(&self, file: &str, key: &str) -> Place {
        match (self.0.get(key), key.rsplit_once('.')) {
            (Some((line, column)), _) => Place::new(file, *line, *column),
            (None, Some((above, _))) => self.place(file, above),
            (None, None) if key.is_empty() => Place::file(file),
            (None, None) => self.place(file, ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::yaml;

    #[test]
    fn a_value_that_is_left_out_is_missed_where_the_nearest_key_above_it_is() {
        let root = yaml::parse("job.yaml", "# a job\njob: a\norders:\n  file: b.csv\n  control: {rows: 3}\n").unwrap();
        let places = Places::of(&root);
        for (key, place) in [
            ("orders.control.rows", "job.yaml:5:19"),
            ("orders.control.amount", "job.yaml:5:12"),
            ("orders.format.encoding", "job.yaml:4:3"),
            ("journal", "job.yaml:2:1"),
        ] {
            assert_eq!(places.place("job.yaml", key).to_string(), place, "{key}");
        }
        assert_eq!(Places::default().place("orders.csv", "orders.file").to_string(), "orders.csv");
    }
}
