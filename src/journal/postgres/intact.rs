//! Whether what guards the tables is there, at work, and to the letter what this program made: nobody begins a run without it.

use std::collections::BTreeMap;

use deadpool_postgres::Client;

use super::look::get;
use super::needs::asked;
use super::schema;
use super::trouble::Undone;

/// A guard: its kind and its name.
type Name = (&'static str, String);

const TRIGGER: &str = "trigger";
const FUNCTION: &str = "function";
const INDEX: &str = "unique index";

/// All triggers and unique indexes of our tables, and the functions of triggers, as the server tells them; whether each is at work.
const FOUND: &str = "
SELECT 'trigger', t.tgname::text, pg_get_triggerdef(t.oid, true),
    t.tgenabled IN ('O', 'A') AND current_setting('session_replication_role') <> 'replica'
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relname = ANY($1) AND pg_table_is_visible(c.oid)
UNION ALL
SELECT 'unique index', i.relname::text, pg_get_indexdef(x.indexrelid, 0, true), x.indisvalid AND x.indisready
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
WHERE x.indisunique AND c.relname = ANY($1) AND pg_table_is_visible(c.oid)
UNION ALL
SELECT 'function', p.proname::text, p.prosrc, true
FROM pg_proc p WHERE p.prorettype = 'trigger'::regtype AND p.pronargs = 0 AND pg_function_is_visible(p.oid)";

/// What is wrong with the guards; empty if nothing.
pub(super) async fn flaws(client: &Client) -> Result<Vec<String>, Undone> {
    let mut missing = made();
    for row in asked(client, FOUND, &[&schema::TABLES.as_slice()]).await? {
        let (kind, name): (String, String) = (get(&row, 0)?, get(&row, 1)?);
        let kind = [TRIGGER, INDEX, FUNCTION].into_iter().find(|known| *known == kind).unwrap_or_default();
        let is_at_work: bool = get(&row, 3)?;
        let text = as_made(kind, get(&row, 2)?);
        let is_same = |made: &Option<String>| made.as_ref().is_none_or(|made| *made == text);
        let key = (kind, name);
        if is_at_work && missing.get(&key).is_some_and(is_same) {
            missing.remove(&key);
        }
    }
    let flaw = |(kind, name): &Name| {
        format!("{name}: this {kind} guards the journal, and is missing, was switched off or was changed")
    };
    Ok(missing.keys().map(flaw).collect())
}

/// The names of the triggers.
pub(super) fn triggers() -> Vec<String> {
    made().into_keys().filter(|(kind, _)| *kind == TRIGGER).map(|(_, name)| name).collect()
}

/// The guards as they are made, each with its text; `None`: the server itself made it of what the table says.
fn made() -> BTreeMap<Name, Option<String>> {
    let text = schema::create();
    let mut made = BTreeMap::new();
    for table in schema::TABLES {
        made.insert((INDEX, format!("{table}_pkey")), None);
    }
    made.insert((INDEX, "run_name_key".to_owned()), None);
    for statement in text.split(';').map(str::trim) {
        for (kind, begins) in [(TRIGGER, "CREATE TRIGGER "), (INDEX, "CREATE UNIQUE INDEX ")] {
            let Some(rest) = statement.strip_prefix(begins) else { continue };
            let name = rest.split_whitespace().next().unwrap_or_default().to_owned();
            let text = statement.split_whitespace().collect::<Vec<_>>().join(" ");
            made.insert((kind, name), Some(text));
        }
    }
    for function in text.split("CREATE FUNCTION ").skip(1) {
        let name = function.split('(').next().unwrap_or_default().to_owned();
        let body = function.split("$$").nth(1).map(str::to_owned);
        made.insert((FUNCTION, name), body);
    }
    made
}

/// What the server says of a guard, in the words in which it was made.
fn as_made(kind: &str, told: &str) -> String {
    if kind == INDEX { told.replace(" USING btree", "").replace("::text", "") } else { told.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guard_is_known_by_its_text() {
        let made = made();
        let count = |kind: &str| made.keys().filter(|(known, _)| *known == kind).count();
        assert_eq!((count(TRIGGER), count(FUNCTION), count(INDEX)), (23, 9, schema::TABLES.len() + 3));
        let live = made[&(INDEX, "item_one_live".to_owned())].as_deref().unwrap();
        assert!(live.ends_with("WHERE state <> 'refused' AND state <> 'ruled_not_done'"), "{live}");
        assert!(made[&(FUNCTION, "head_goes_forward".to_owned())].as_deref().unwrap().contains("never goes back"));
    }
}
