//! What the documents show is what happens: every command in a `console` block is typed, in a folder that has what a fresh
//! clone has, and what it prints is compared with what stands below it.
//!
//! A block ```` ```yaml file=NAME ```` (or any other language) writes that file first. A line of dots in the expected
//! text stands for any lines. Times, names of runs and hashes may differ; nothing else may. `REKON_BLESS=1` writes what
//! was printed into the documents; a block with a line of dots is left alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::within_one_day;
use crate::readme::fresh_clone;
use crate::support::{entries, repository};

const FENCE: &str = "```";
const ELSEWHERE: &str = "...\n";

/// A command with what is printed below it.
#[derive(Debug, PartialEq)]
struct Step {
    typed: String,
    printed: String,
}

/// A block of a document, by the lines that it spans without its fences.
#[derive(Debug, PartialEq)]
enum Block {
    File { name: String, content: String },
    Console { first: usize, steps: Vec<Step>, lines: usize },
}

/// The blocks that do something.
fn blocks(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let Some(info) = lines[at].trim_start().strip_prefix(FENCE) else {
            at += 1;
            continue;
        };
        let first = at + 1;
        let inside = lines[first..].iter().take_while(|line| line.trim_start() != FENCE).count();
        let body = &lines[first..first + inside];
        if let Some((_, name)) = info.split_once(" file=") {
            found.push(Block::File { name: name.to_owned(), content: body.join("\n") + "\n" });
        } else if info == "console" {
            found.push(Block::Console { first, steps: steps(body), lines: inside });
        }
        at = first + inside + 1;
    }
    found
}

fn steps(body: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in body {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(typed), _) => steps.push(Step { typed: typed.to_owned(), printed: String::new() }),
            (None, Some(step)) => step.printed.extend([line, "\n"]),
            (None, None) => panic!("a console block begins with a command, not with {line:?}"),
        }
    }
    steps
}

/// Types a command. What goes to stderr stands below what goes to stdout; the heartbeat of a run without a terminal is left out.
fn typed(folder: &Path, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_rekon")).parent().expect("it lies in a folder").to_owned();
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", program.display()))
        .env("HOME", folder)
        .env("USER", "siti")
        .output()
        .expect("a shell");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let errors = text(output.stderr);
    let is_heartbeat = |line: &&str| line.starts_with("progress ") || line.starts_with("kemajuan");
    let errors = errors.lines().filter(|line| !is_heartbeat(line)).map(|line| format!("{line}\n"));
    let mut printed = text(output.stdout) + &errors.collect::<String>();
    if !output.status.success() {
        printed.extend(["[exit code ", &output.status.code().expect("it ends by itself").to_string(), "]\n"]);
    }
    printed.replace(&*folder.to_string_lossy(), "/srv/rekon").trim_end().to_owned() + "\n"
}

/// What may differ from one time to the next, in digits for the digits of a date, with what stands for it.
const VARYING: [(&str, &str); 7] = [
    ("99999999-999999-9999", "RUN"),
    ("9999-99-99T99:99:99.999Z", "TIME"),
    ("9999-99-99T99:99:99Z", "TIME"),
    ("9999-99-99 99:99:99", "TIME"),
    ("9999-99-99 99:99", "TIME"),
    ("9999-99-99", "DATE"),
    ("99:99 WIB", "TIME WIB"),
];

/// The text with all that varies replaced, without spaces at the ends of lines.
fn constant(text: &str) -> String {
    text.lines().map(|line| hashes(&times(line)).trim_end().to_owned() + "\n").collect()
}

fn times(line: &str) -> String {
    let (mut done, mut rest) = (String::new(), line);
    'next: while let Some(character) = rest.chars().next() {
        for (form, word) in VARYING {
            let fits = rest.len() >= form.len()
                && rest
                    .bytes()
                    .zip(form.bytes())
                    .all(|(byte, form)| if form == b'9' { byte.is_ascii_digit() } else { byte == form });
            if fits {
                done += word;
                rest = &rest[form.len()..];
                continue 'next;
            }
        }
        done.push(character);
        rest = &rest[character.len_utf8()..];
    }
    done
}

/// A dozen hexadecimal digits or more, some of them letters, are a hash.
fn hashes(line: &str) -> String {
    let is_hex = |character: char| matches!(character, '0'..='9' | 'a'..='f');
    let mut done = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let word = rest.find(|character: char| !is_hex(character)).unwrap_or(rest.len());
        let (hex, after) = rest.split_at(word);
        done += if hex.len() >= 12 { "HASH" } else { hex };
        let other = after.find(is_hex).unwrap_or(after.len());
        done += &after[..other];
        rest = &after[other..];
    }
    done
}

/// Whether a text is the expected one, in which a line of dots stands for any lines.
fn is_shown(expected: &str, observed: &str) -> bool {
    let (expected, observed) = (constant(expected), constant(observed));
    let mut parts = expected.split(ELSEWHERE).peekable();
    let Some(mut rest) = parts.next().and_then(|first| observed.strip_prefix(first)) else { return false };
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.is_empty()
}

fn documents() -> Vec<PathBuf> {
    let mut found = vec![repository("README.md")];
    found.extend(
        entries(&repository("docs")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "md")),
    );
    found
}

/// Plays a document; the differences, and the document as it would be right.
fn play(text: &str) -> (Vec<String>, String) {
    let folder = fresh_clone();
    // What a day has made is shown by the next command as that day's.
    within_one_day();
    let (mut wrong, mut lines) = (Vec::new(), text.lines().map(str::to_owned).collect::<Vec<_>>());
    let mut moved = 0_isize;
    for block in blocks(text) {
        let (first, steps, count) = match block {
            Block::File { name, content } => {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                std::fs::write(path, content).expect("a file");
                continue;
            }
            Block::Console { first, steps, lines } => (first, steps, lines),
        };
        let mut right: Vec<String> = Vec::new();
        for step in steps {
            let observed = typed(folder.path(), &step.typed);
            let observed = if observed == "\n" { String::new() } else { observed };
            let holds = is_shown(&step.printed, &observed);
            if !holds {
                wrong.push(format!("$ {}\n--- it says\n{}--- it is\n{observed}", step.typed, step.printed));
            }
            right.push(format!("$ {}", step.typed));
            let keep = holds || step.printed.contains(ELSEWHERE);
            right.extend(if keep { &step.printed } else { &observed }.lines().map(|line| line.trim_end().to_owned()));
        }
        let start = first.checked_add_signed(moved).expect("inside the document");
        moved += right.len().cast_signed() - count.cast_signed();
        lines.splice(start..start + count, right);
    }
    (wrong, lines.join("\n") + "\n")
}

#[test]
fn every_command_in_the_documents_prints_what_they_show() {
    let mut wrong = Vec::new();
    for path in documents() {
        let text = std::fs::read_to_string(&path).expect("a document");
        let (differences, right) = play(&text);
        if std::env::var_os("REKON_BLESS").is_some() && !differences.is_empty() {
            std::fs::write(&path, right).expect("it is written");
        }
        wrong.extend(differences.into_iter().map(|difference| format!("{}: {difference}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_prints_something_else_is_complained_about_and_put_right() {
    let text = "# A\n```sh file=in/a.txt\none\n```\n```console\n$ cat in/a.txt\ntwo\nthree\n$ echo 20261122-010203-0004\n20251122-010203-0001\n```\nend\n";
    let (wrong, right) = play(text);
    assert_eq!(wrong, ["$ cat in/a.txt\n--- it says\ntwo\nthree\n--- it is\none\n"]);
    assert_eq!(right, text.replace("two\nthree", "one"));
    let (wrong, right) = play("```console\n$ exit 3\n$ printf 'a\\nb\\nc\\n'\na\n...\nd\n```\n");
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(right.contains("[exit code 3]\n$ printf") && right.contains("a\n...\nd\n"), "{right}");
}

#[test]
fn what_varies_is_no_difference_and_what_does_not_is_one() {
    for (expected, observed, same) in [
        ("run 20261123-041655-0001\n", "run 20270101-000000-0042\n", true),
        ("at 2026-11-23 04:16:55 WIB\n", "at 2026-11-24 05:00:01 WIB\n", true),
        ("closes 04:30 WIB\n", "closes 05:30 WIB\n", true),
        ("body 487e5c385882\n", "body 000000000000\n", true),
        ("Rp 255.000\n", "Rp 255.001\n", false),
        ("3 rows\n", "4 rows\n", false),
        ("a\n...\nd\n", "a\nb\nc\nd\n", true),
        ("a\n...\nd\n", "a\nb\nc\n", false),
        ("...\nc\n...\n", "a\nc\nd\n", true),
        ("a\n", "a\nb\n", false),
    ] {
        assert_eq!(is_shown(expected, observed), same, "{expected} {observed}");
    }
}
