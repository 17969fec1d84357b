//! The house holds its own rules: dependencies point down, the world is met in its rooms only, and money has no floats.
//!
//! Plain text scanning, of what is compiled into the program: comments, texts in quotes and items under `#[cfg(test)]` are
//! taken out first. A path is read where it says `crate::` or `super::`; other paths cannot leave a room.

use std::path::Path;

use crate::support::{files, repository};

/// The rooms, lowest first. A room uses what is below it; rooms on one line do not use each other.
const LAYERS: [&[&str]; 13] = [
    &["model"],
    &["doku", "job"],
    &["journal"],
    &["plan"],
    &["reconcile"],
    &["report", "runner"],
    &["journal::sqlite", "journal::postgres"],
    &["journal::store"],
    &["journal::moving"],
    &["edge::connection"],
    &["edge"],
    &["simulator", "listener"],
    &["cli"],
];

/// The simulator is an independent provider: it shares the provider's language and the plumbing of HTTP with the program, and
/// nothing else.
const SIMULATOR_USES: [&str; 3] = ["doku", "model", "edge::connection"];

/// Names of the world, and the files or folders that may say them.
const WORLD: [(&str, &[&str]); 25] = [
    ("std::fs", &["edge/", "journal/sqlite/", "journal/postgres/", "simulator/lines.rs"]),
    ("tokio::fs", &[]),
    // Those of job, journal and cli only name an address; the others bind to it.
    (
        "std::net",
        &[
            "edge/reach.rs",
            "job/hosts.rs",
            "journal/postgres/address.rs",
            "cli/args.rs",
            "cli/simulate.rs",
            "simulator/running.rs",
            "simulator/server.rs",
            "simulator/door.rs",
            "listener/running.rs",
        ],
    ),
    (
        "tokio::net",
        &[
            "edge/reach.rs",
            "simulator/running.rs",
            "simulator/server.rs",
            "simulator/door.rs",
            "simulator/socket.rs",
            "listener/running.rs",
            "listener/server.rs",
        ],
    ),
    ("reqwest", &["edge/http.rs", "edge/ping.rs", "edge/reach.rs", "simulator/running.rs", "simulator/courier.rs"]),
    ("hyper", &["edge/connection.rs", "simulator/server.rs", "simulator/wire.rs", "listener/server.rs"]),
    ("axum", &["edge/connection.rs", "simulator/", "listener/server.rs"]),
    ("rusqlite", &["journal/sqlite/"]),
    ("tokio_postgres", &["journal/postgres/"]),
    ("deadpool_postgres", &["journal/postgres/"]),
    ("rustls", &["journal/postgres/connect.rs"]),
    ("rustix", &["edge/machine.rs"]),
    ("std::env", &["edge/credentials.rs", "edge/environment.rs", "edge/person.rs"]),
    ("Utc::now", &["edge/clock.rs"]),
    ("Local::now", &[]),
    ("SystemTime::now", &["journal/postgres/"]),
    ("Instant::now", &["edge/clock.rs", "journal/postgres/"]),
    ("time::sleep", &["edge/clock.rs", "journal/postgres/"]),
    ("thread::sleep", &["journal/sqlite/open.rs"]),
    // The last two only ask for the number of their own process.
    ("std::process", &["cli/", "main.rs", "edge/files.rs", "journal/postgres/writer.rs"]),
    ("tokio::process", &[]),
    ("stdout", &["cli/screen.rs"]),
    ("stderr", &["cli/screen.rs", "cli/picture.rs"]),
    ("stdin", &["edge/piped.rs"]),
    ("console", &["cli/screen.rs", "cli/picture.rs"]),
];

/// Nobody says these: the screen writes, and it can fail to.
const NOWHERE: [&str; 5] = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];

/// Imports from several modules at once would hide from this test.
const GROUPS: [&str; 3] = ["std::{", "tokio::{", "use {"];

const WITHOUT_FLOATS: [&str; 6] = ["model", "plan", "reconcile", "journal", "doku", "report"];

/// A source file: its path below `src`, and its text.
struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

#[test]
fn the_house_holds_its_rules() {
    let sources: Vec<(String, String)> = files(&repository("src"))
        .into_iter()
        .filter(|(path, _)| Path::new(path).extension().is_some_and(|extension| extension == "rs"))
        .map(|(path, bytes)| (path, String::from_utf8(bytes).expect("a source is text")))
        .collect();
    assert!(sources.len() > 80, "the sources were not found");
    let for_tests: Vec<String> = sources.iter().flat_map(|(path, text)| test_files(path, text)).collect();
    let complaints: Vec<String> = sources
        .iter()
        .flat_map(|(path, text)| {
            let source = Source { path, text };
            if is_for_tests(path, &for_tests) { headless(&source) } else { complaints(&source) }
        })
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn what_is_against_the_rules_is_found() {
    let cases = [
        ("model/a.rs", "use crate::doku::sign;", "model/a.rs:2: model uses doku, which is not below it"),
        ("job/a.rs", "fn a() { crate::doku::sign() }", "job/a.rs:2: job uses doku, which is not below it"),
        ("doku/a.rs", "use crate::job::Job;", "doku/a.rs:2: doku uses job, which is not below it"),
        ("report/a.rs", "use crate::runner::pace;", "report/a.rs:2: report uses runner, which is not below it"),
        ("runner/a.rs", "use crate::report::html;", "runner/a.rs:2: runner uses report, which is not below it"),
        ("runner/a.rs", "use crate::edge;", "runner/a.rs:2: runner uses edge, which is not below it"),
        (
            "journal/a.rs",
            "use super::sqlite::open;",
            "journal/a.rs:2: journal uses journal::sqlite, which is not below it",
        ),
        ("plan/a.rs", "use crate::{model::ids, cli};", "plan/a.rs:2: plan uses cli, which is not below it"),
        ("edge/csv/a.rs", "use super::super::super::cli;", "edge/csv/a.rs:2: edge uses cli, which is not below it"),
        ("simulator/a.rs", "use crate::job::Job;", "simulator/a.rs:2: simulator uses job, which is not below it"),
        ("attic/a.rs", "", "attic/a.rs:1: the room attic is not in the table"),
        ("plan/a.rs", "use crate::attic::Box;", "plan/a.rs:2: the room attic is not in the table"),
        ("plan/a.rs", "use std::fs::File;", "plan/a.rs:2: std::fs has no place in this room"),
        ("edge/a.rs", "let now = chrono::Utc::now();", "edge/a.rs:2: Utc::now has no place in this room"),
        ("cli/a.rs", "println!(\"x\");", "cli/a.rs:2: println! has no place in this house"),
        ("cli/a.rs", "use std::{fs, io};", "cli/a.rs:2: std::{ hides what is used: write one path per line"),
        ("plan/a.rs", "fn share() -> f64 { 0.1 }", "plan/a.rs:2: f64 is a float, and this room counts money"),
        ("journal/sqlite/a.rs", "x as f32", "journal/sqlite/a.rs:2: f32 is a float, and this room counts money"),
    ];
    for (path, line, expected) in cases {
        let text = format!("//! A room.\n{line}\n");
        assert_eq!(complaints(&Source { path, text: &text }), [expected], "{line}");
    }
    let text = "use crate::model::ids;\n//! Too late.\n";
    assert_eq!(
        complaints(&Source { path: "plan/a.rs", text }),
        ["plan/a.rs:1: does not begin with what it is for (//!)"]
    );
}

#[test]
fn what_keeps_to_the_rules_is_not_complained_about() {
    let text = r##"//! Uses nothing of crate::cli, nor std::fs.
use super::columns::Columns;
use crate::model::{ids::InvoiceNumber, money};
/* crate::cli /* std::fs */ println! */
const TEXT: &str = "crate::cli \" std::fs"; // f64
const RAW: &str = r#"println!("crate::edge")"#;
const QUOTE: (char, char) = ('"', '\'');
fn visit_f64<'a>(text: &'a str) { serde::de::visit_f64(text); my_crate::cli::x(); }
#[cfg(test)]
use crate::cli::tests;
#[cfg(test)]
mod tests {
    use crate::cli; // a brace in a text: "}"
    fn a() { println!("{}", std::fs::read("}").unwrap()); }
}
fn b() {}
"##;
    assert_eq!(complaints(&Source { path: "plan/a.rs", text }), Vec::<String>::new());
}

#[test]
fn what_follows_a_test_is_read_again() {
    let text = "//! A room.\n#[cfg(test)]\nmod tests { fn a() { let b = '{'; } }\nuse crate::cli;\n";
    let expected = ["plan/a.rs:4: plan uses cli, which is not below it"];
    assert_eq!(complaints(&Source { path: "plan/a.rs", text }), expected);
    let declaring =
        "//! A room.\n#[cfg(test)]\nmod samples;\nmod real;\n#[cfg(test)]\n#[expect(a, reason = \"[]\")]\nmod tests;\n";
    let declared = test_files("plan/mod.rs", declaring);
    assert_eq!(declared, ["plan/samples.rs", "plan/tests.rs"]);
    for (path, expected) in [("plan/tests.rs", true), ("plan/tests/a.rs", true), ("plan/tests2.rs", false)] {
        assert_eq!(is_for_tests(path, &declared), expected, "{path}");
    }
}

/// Everything that is wrong with a file of the program.
fn complaints(source: &Source<'_>) -> Vec<String> {
    let code = without_tests(&code_of(source.text));
    let mut found = headless(source);
    let mut complain = |at: usize, what: String| {
        found.push(format!("{}:{}: {what}", source.path, code[..at].matches('\n').count() + 1));
    };
    if let Some(room) = room_of_file(source.path) {
        let unknown = |room: &str| format!("the room {} is not in the table", room.split("::").next().unwrap_or(room));
        if layer(&room).is_none() {
            complain(0, unknown(&room));
        }
        for (at, used) in paths(&code, source.path) {
            let used = room_of_path(&used);
            if used == room || used.is_empty() || layer(&room).is_none() {
                continue;
            }
            let below = layer(&used).zip(layer(&room)).map(|(used, own)| used < own);
            let stranger = room == "simulator" && !SIMULATOR_USES.contains(&used.as_str());
            match below {
                None => complain(at, unknown(&used)),
                Some(true) if !stranger => {}
                Some(_) => complain(at, format!("{room} uses {used}, which is not below it")),
            }
        }
        if WITHOUT_FLOATS.iter().any(|name| room.split("::").next() == Some(name)) {
            for float in ["f32", "f64"] {
                words(&code, float)
                    .for_each(|at| complain(at, format!("{float} is a float, and this room counts money")));
            }
        }
    }
    for (name, rooms) in WORLD {
        if !rooms.iter().any(|room| source.path == *room || (room.ends_with('/') && source.path.starts_with(room))) {
            words(&code, name).for_each(|at| complain(at, format!("{name} has no place in this room")));
        }
    }
    for name in NOWHERE {
        words(&code, name).for_each(|at| complain(at, format!("{name} has no place in this house")));
    }
    for group in GROUPS {
        words(&code, group).for_each(|at| complain(at, format!("{group} hides what is used: write one path per line")));
    }
    found
}

fn headless(source: &Source<'_>) -> Vec<String> {
    let begins = source.text.starts_with("//! ");
    if begins { Vec::new() } else { vec![format!("{}:1: does not begin with what it is for (//!)", source.path)] }
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

/// The module that a file is, from the crate's root: `["edge", "csv", "scan"]`.
fn module_of(path: &str) -> Vec<String> {
    let parts = path.trim_end_matches(".rs").split('/');
    parts.filter(|part| !matches!(*part, "mod" | "lib" | "main")).map(str::to_owned).collect()
}

/// The room of a file; `None` for the crate's root.
fn room_of_file(path: &str) -> Option<String> {
    let module = module_of(path);
    (!module.is_empty()).then(|| room_of_path(&module))
}

/// The room that a path from the crate's root leads into; empty for the root itself.
fn room_of_path(path: &[String]) -> String {
    match path {
        [first, second, ..]
            if first == "journal" && matches!(second.as_str(), "sqlite" | "postgres" | "store" | "moving") =>
        {
            format!("journal::{second}")
        }
        [first, second, ..] if first == "edge" && second == "connection" => "edge::connection".to_owned(),
        [first, ..] => first.clone(),
        [] => String::new(),
    }
}

/// Every path that begins with `crate::` or `super::`, from the crate's root, with its offset.
fn paths(code: &str, file: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for at in words(code, "crate::") {
        found.extend(leaves(&code[at + "crate::".len()..]).into_iter().map(|leaf| (at, leaf)));
    }
    let supers = words(code, "super::").filter(|at| !code[..*at].ends_with("super::"));
    for at in supers {
        let mut module = module_of(file);
        let mut rest = &code[at..];
        while let Some(after) = rest.strip_prefix("super::") {
            module.pop();
            rest = after;
        }
        found.extend(leaves(rest).into_iter().map(|leaf| (at, module.iter().cloned().chain(leaf).collect())));
    }
    found
}

/// The first two names of a path, and of every branch where it has braces.
fn leaves(path: &str) -> Vec<Vec<String>> {
    let path = path.trim_start();
    if let Some(group) = path.strip_prefix('{') {
        return branches(group).into_iter().flat_map(leaves).collect();
    }
    let end = path.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    let Some(rest) = rest.strip_prefix("::").filter(|_| !name.is_empty()) else { return vec![vec![name.to_owned()]] };
    leaves(rest)
        .into_iter()
        .map(|inner| [name.to_owned()].into_iter().chain(inner.into_iter().take(1)).collect())
        .collect()
}

/// The parts between the commas of a brace group, up to its closing brace.
fn branches(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, byte) in group.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => {
                parts.push(&group[start..at]);
                break;
            }
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Where a name occurs and is not a part of a longer one.
fn words<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let joins = |character: Option<char>| character.is_some_and(|next| next.is_alphanumeric() || next == '_');
    code.match_indices(name).map(|(at, _)| at).filter(move |at| {
        let open_end = name.ends_with([':', '{', '!']);
        !joins(code[..*at].chars().next_back()) && (open_end || !joins(code[at + name.len()..].chars().next()))
    })
}

/// Whether a file is one of those, or in a folder that is declared so.
fn is_for_tests(path: &str, declared: &[String]) -> bool {
    declared.iter().any(|file| {
        path == file || path.strip_prefix(file.trim_end_matches(".rs")).is_some_and(|rest| rest.starts_with('/'))
    })
}

/// The files that a module declares for tests only.
fn test_files(path: &str, text: &str) -> Vec<String> {
    let folder: Vec<String> = module_of(path);
    let code = code_of(text);
    let declared = code.match_indices("#[cfg(test)]").filter_map(|(at, attribute)| {
        let mut item = code[at + attribute.len()..].trim_start();
        while item.starts_with("#[") {
            item = item[item.find(']')? + 1..].trim_start();
        }
        let visible = if item.starts_with("pub") { item.find("mod ")? } else { 0 };
        let item = item[visible..].strip_prefix("mod ")?;
        let name = &item[..item.find([';', '{', ' '])?];
        item[name.len()..].starts_with(';').then(|| name.to_owned())
    });
    declared.map(|name| format!("{}.rs", folder.iter().cloned().chain([name]).collect::<Vec<_>>().join("/"))).collect()
}

/// The code with the items under `#[cfg(test)]` made blank.
fn without_tests(code: &str) -> String {
    let attribute = "#[cfg(test)]";
    let Some(start) = code.find(attribute) else { return code.to_owned() };
    let item = &code[start + attribute.len()..];
    let end = start + attribute.len() + item_length(item);
    let blank: String = code[start..end].chars().filter(|character| *character == '\n').collect();
    format!("{}{blank}{}", &code[..start], without_tests(&code[end..]))
}

/// Up to the semicolon or the closing brace that ends an item.
fn item_length(item: &str) -> usize {
    let mut depth = 0;
    for (at, byte) in item.bytes().enumerate() {
        match byte {
            b';' if depth == 0 => return at + 1,
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    item.len()
}

/// The text without comments and without what stands in quotes; line ends stay.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest, '"'),
            'r' | 'b' if !code.ends_with(|before: char| before.is_alphanumeric() || before == '_') => raw_string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        let (taken, after) = rest.split_at(length.max(first.len_utf8()));
        if length == 0 {
            code.push_str(taken);
        } else {
            code.extend(taken.chars().filter(|character| *character == '\n'));
        }
        rest = after;
    }
    code
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
        if depth == 0 || at == text.len() {
            return at;
        }
    }
}

/// The length of a quoted text, its backslashes heeded.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = true;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of `r"…"`, `r#"…"#` or `br"…"`; 0 if it is none.
fn raw_string(text: &str) -> usize {
    let start = text.trim_start_matches('b');
    let Some(marks) = start.strip_prefix('r') else { return 0 };
    let hashes = marks.len() - marks.trim_start_matches('#').len();
    if !marks[hashes..].starts_with('"') {
        return 0;
    }
    let opened = text.len() - marks.len() + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    text[opened..].find(&close).map_or(text.len(), |at| opened + at + close.len())
}

/// The length of a character in quotes; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut inside = text.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) => quoted(text, '\''),
        (Some(one), Some('\'')) => one.len_utf8() + 2,
        _ => 0,
    }
}
