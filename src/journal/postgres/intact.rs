//! Whether what guards the tables is there, at work, and to the letter what this program made, and nothing of somebody else beside
//! it: a trigger, a rule or a CHECK more may turn a write into another one, or into none. Nobody begins a run before.

use std::collections::BTreeMap;

use deadpool_postgres::Client;

use super::ask::asked;
use super::look::get;
use super::schema;
use super::trouble::Undone;

/// Something that guards a table, or that somebody else has added to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Guard {
    kind: String,
    /// A function has none.
    table: String,
    name: String,
}

const TRIGGER: &str = "trigger";
const FUNCTION: &str = "function";
const INDEX: &str = "unique index";
const CHECK: &str = "CHECK";
const FOREIGN_KEY: &str = "foreign key";

/// Everything that refuses, hides or changes what is written to our tables, as the server tells it: kind, table, name, text,
/// whether it is at work, and what removes it. Of functions those that triggers may call.
const FOUND: &str = "
WITH ours AS (SELECT oid, relname::text AS name, relrowsecurity FROM pg_class WHERE relname = ANY($1) AND pg_table_is_visible(oid))
SELECT 'trigger', c.name, quote_ident(t.tgname), pg_get_triggerdef(t.oid, true),
    t.tgenabled IN ('O', 'A') AND current_setting('session_replication_role') <> 'replica',
    format('DROP TRIGGER %I ON %I', t.tgname, c.name)
FROM pg_trigger t JOIN ours c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'unique index', c.name, quote_ident(i.relname), pg_get_indexdef(x.indexrelid, 0, true), x.indisvalid AND x.indisready,
    CASE WHEN k.oid IS NULL THEN format('DROP INDEX %I', i.relname)
        ELSE format('ALTER TABLE %I DROP CONSTRAINT %I', c.name, k.conname) END
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN ours c ON c.oid = x.indrelid
    LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE x.indisunique OR x.indisexclusion
UNION ALL
SELECT CASE k.contype WHEN 'c' THEN 'CHECK' ELSE 'foreign key' END, c.name, quote_ident(k.conname),
    pg_get_constraintdef(k.oid, true), k.convalidated, format('ALTER TABLE %I DROP CONSTRAINT %I', c.name, k.conname)
FROM pg_constraint k JOIN ours c ON c.oid = k.conrelid WHERE k.contype IN ('c', 'f')
UNION ALL
SELECT 'rule', c.name, quote_ident(r.rulename), pg_get_ruledef(r.oid, true), true, format('DROP RULE %I ON %I', r.rulename, c.name)
FROM pg_rewrite r JOIN ours c ON c.oid = r.ev_class
UNION ALL
SELECT 'row security', c.name, c.name, '', true, format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', c.name)
FROM ours c WHERE c.relrowsecurity
UNION ALL
SELECT 'function', '', quote_ident(p.proname), p.prosrc, true, ''
FROM pg_proc p WHERE p.prorettype = 'trigger'::regtype AND p.pronargs = 0 AND pg_function_is_visible(p.oid)
ORDER BY 1, 2, 3";

/// What is wrong with the guards, and what to do about each; empty if nothing.
pub(super) async fn flaws(client: &Client) -> Result<Vec<String>, Undone> {
    let mut missing = made();
    let mut flaws = Vec::new();
    for row in asked(client, FOUND, &[&schema::TABLES.as_slice()]).await? {
        let guard = Guard { kind: get(&row, 0)?, table: get(&row, 1)?, name: get(&row, 2)? };
        let (text, is_at_work): (&str, bool) = (get(&row, 3)?, get(&row, 4)?);
        match missing.remove(&guard) {
            None if guard.kind == FUNCTION => {}
            None => flaws.push(guard.is_strange(get(&row, 5)?)),
            Some(_) if !is_at_work => flaws.push(guard.has("is switched off")),
            Some(Some(made)) if made != as_made(&guard.kind, text) => flaws.push(guard.has("was changed")),
            Some(_) => {}
        }
    }
    flaws.extend(missing.keys().map(|guard| guard.has("is missing")));
    Ok(flaws)
}

impl Guard {
    fn of(kind: &str, table: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), table: table.to_owned(), name: name.to_owned() }
    }

    /// Its place, as SQL writes it.
    fn place(&self) -> String {
        let Self { table, name, .. } = self;
        if table.is_empty() { name.clone() } else { format!("{table}.{name}") }
    }

    fn has(&self, flaw: &str) -> String {
        let hint = "if rekon journal check finds nothing else, make it again as it was, with the role that owns the tables; else put a \
                    backup of the database back";
        format!("{}: this {} guards the journal, and {flaw}\n  hint: {hint}", self.place(), self.kind)
    }

    fn is_strange(&self, removes: &str) -> String {
        let hint = "it may change or hide what is written; remove it with the role that owns the tables";
        format!("{}: this {} is none of the journal's\n  hint: {hint}: {removes}", self.place(), self.kind)
    }
}

/// The names of the triggers.
pub(super) fn triggers() -> Vec<String> {
    made().into_keys().filter(|guard| guard.kind == TRIGGER).map(|guard| guard.name).collect()
}

/// The guards as they are made, each with its text; `None`: the server itself made it of what the table says.
fn made() -> BTreeMap<Guard, Option<String>> {
    let text = schema::create();
    let mut made = BTreeMap::new();
    for statement in text.split(';').map(str::trim) {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["CREATE", "TABLE", table, ..] => made.extend(of_table(table, statement)),
            ["CREATE", "TRIGGER", name, .., "ON", table, "FOR", "EACH", _, "EXECUTE", "FUNCTION", _] => {
                made.insert(Guard::of(TRIGGER, table, name), Some(words.join(" ")));
            }
            ["CREATE", "UNIQUE", "INDEX", name, "ON", table, ..] => {
                made.insert(Guard::of(INDEX, table, name), Some(words.join(" ")));
            }
            _ => {}
        }
    }
    for function in text.split("CREATE FUNCTION ").skip(1) {
        let name = function.split('(').next().unwrap_or_default();
        made.insert(Guard::of(FUNCTION, "", name), function.split("$$").nth(1).map(str::to_owned));
    }
    made
}

/// What the columns of a table say, a line each; the server gives the names.
fn of_table(table: &str, statement: &str) -> Vec<(Guard, Option<String>)> {
    let mut made = vec![(Guard::of(INDEX, table, &format!("{table}_pkey")), None)];
    for line in statement.lines().skip(1).map(|line| line.trim().trim_end_matches(',')) {
        let column = line.split(' ').next().unwrap_or_default();
        let named = |kind, ending| Guard::of(kind, table, &format!("{table}_{column}_{ending}"));
        if line.contains(" UNIQUE") {
            made.push((named(INDEX, "key"), None));
        }
        if line.contains(" REFERENCES ") {
            made.push((named(FOREIGN_KEY, "fkey"), None));
        }
        if let Some(begins) = line.find("CHECK (") {
            made.push((named(CHECK, "check"), line.get(begins..).map(str::to_owned)));
        }
    }
    made
}

/// What the server says of a guard, in the words in which it was made.
fn as_made(kind: &str, told: &str) -> String {
    match kind {
        INDEX => told.replace(" USING btree", "").replace("::text", ""),
        CHECK => told.replace("::text", ""),
        _ => told.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guard_is_known_by_its_text() {
        let made = made();
        let count = |kind: &str| made.keys().filter(|guard| guard.kind == kind).count();
        assert_eq!((count(TRIGGER), count(FUNCTION), count(INDEX)), (24, 10, schema::TABLES.len() + 3));
        assert_eq!((count(CHECK), count(FOREIGN_KEY)), (11, 14));
        let text =
            |kind: &str, table: &str, name: &str| made[&Guard::of(kind, table, name)].as_deref().unwrap_or_default();
        let live = text(INDEX, "item", "item_one_live");
        assert!(live.ends_with("WHERE state <> 'refused' AND state <> 'ruled_not_done'"), "{live}");
        assert_eq!(text(CHECK, "attempt", "attempt_kind_check"), "CHECK (kind = ANY (ARRAY['send', 'inquiry']))");
        assert!(text(FUNCTION, "", "head_goes_forward").contains("never goes back"));
    }
}
