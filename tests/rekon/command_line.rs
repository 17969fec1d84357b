//! `rekon completions` and `rekon man`: both know every command, for they are made of the same command line.

use std::process::Command;

use crate::process::{Ended, Folder, bare, ended};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

/// Runs the program, which must end well and say nothing on stderr.
fn told(folder: &Folder, arguments: &[&str]) -> String {
    let Ended { code, stdout, stderr } = folder.rekon(arguments);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
    assert!(!stdout.trim().is_empty(), "{arguments:?}");
    stdout
}

fn document(folder: &Folder, arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&told(folder, arguments)).expect("one document")
}

/// The commands that the help of one lists, `help` apart.
fn commands(folder: &Folder, of: &[&str]) -> Vec<String> {
    let help = told(folder, &[of, &["-h"]].concat());
    let list = help.split("Commands:\n").nth(1).expect("a list of commands");
    let names = list.lines().take_while(|line| !line.is_empty()).filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty() && name != "help").then(|| name.to_owned())
    });
    names.collect()
}

/// The names of the files of all pages.
fn expected_pages(folder: &Folder) -> Vec<String> {
    let of_program = commands(folder, &[]);
    assert!(of_program.len() >= 17 && of_program.iter().any(|name| name == "man"), "{of_program:?}");
    let of_journal = commands(folder, &["journal"]);
    assert_eq!(of_journal, ["check", "backup", "copy", "migrate", "accept"]);
    let mut pages = vec!["rekon.1".to_owned()];
    pages.extend(of_program.iter().map(|name| format!("rekon-{name}.1")));
    pages.extend(of_journal.iter().map(|name| format!("rekon-journal-{name}.1")));
    pages.sort();
    pages
}

#[test]
fn the_script_of_every_shell_names_every_command() {
    let folder = Folder::new();
    for shell in SHELLS {
        let script = told(&folder, &["completions", shell]);
        let words: Vec<&str> = script.split(|letter: char| !letter.is_alphanumeric() && letter != '-').collect();
        for name in commands(&folder, &[]).iter().chain(&commands(&folder, &["journal"])) {
            assert!(words.contains(&name.as_str()), "{shell} does not know {name}");
        }
        for flag in ["json", "as-of", "machine-zone"] {
            assert!(script.contains(flag), "{shell} does not know --{flag}");
        }
        let document = document(&folder, &["completions", shell, "--json"]);
        assert_eq!((&document["version"], &document["shell"]), (&1.into(), &shell.into()));
        assert_eq!(document["script"].as_str().map(str::trim_end), Some(script.trim_end()));
    }
    assert_eq!(folder.rekon(&["completions", "cmd"]).code, Some(2));
}

#[test]
fn bash_completes_what_is_begun() {
    if Command::new("bash").arg("--version").output().is_err() {
        return;
    }
    let folder = Folder::new();
    folder.write("rekon.bash", &told(&folder, &["completions", "bash"]));
    let mut read = bare("bash");
    read.args(["--norc", "-n", "rekon.bash"]).current_dir(folder.path(""));
    let read = ended(read);
    assert_eq!((read.code, read.stderr.as_str()), (Some(0), ""));
    for (typed, expected) in [
        ("rekon re", "run reconcile resolve rule reopen refund"),
        ("rekon init a", "audit"),
        ("rekon schedule --format s", "systemd"),
        ("rekon journal b", "backup"),
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let script = format!(
            "source ./rekon.bash; COMP_WORDS=({typed}); COMP_CWORD={}; COMP_LINE='{typed}'; COMP_POINT={}; \
             _rekon rekon {} {}; echo \"${{COMPREPLY[*]}}\"",
            words.len() - 1,
            typed.len(),
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let mut bash = bare("bash");
        bash.args(["--norc", "-c", &script]).current_dir(folder.path(""));
        let said = ended(bash);
        let begun = words[words.len() - 1];
        let expected: Vec<&str> = expected.split(' ').filter(|word| word.starts_with(begun)).collect();
        assert_eq!(said.stdout.split_whitespace().collect::<Vec<_>>(), expected, "{typed}: {}", said.stderr);
    }
}

#[test]
fn every_command_has_its_page_and_the_pages_of_an_older_version_are_replaced() {
    let folder = Folder::new();
    folder.write("man1/rekon-run.1", "an older page");
    folder.write("man1/other.1", "of another program");
    let expected = expected_pages(&folder);
    let mut written: Vec<String> = told(&folder, &["man", "man1"])
        .lines()
        .map(|line| line.strip_prefix("wrote man1/").expect("a page").to_owned())
        .collect();
    written.sort();
    assert_eq!(written, expected);
    for page in &expected {
        let text = folder.read(&format!("man1/{page}"));
        let title = page.strip_suffix(".1").expect("section 1");
        let version = env!("CARGO_PKG_VERSION");
        assert!(text.contains(&format!(".TH {title} 1 \"\" \"rekon {version}\" \"rekon manual\"\n")), "{text}");
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    assert_eq!(folder.read("man1/other.1"), "of another program");
    assert!(!folder.read("man1/rekon-reconcile.1").contains("parts"), "a flag for tests is nobody's business");
}

#[test]
fn without_a_folder_all_pages_go_to_stdout_and_nothing_is_written() {
    let folder = Folder::new();
    let pages = told(&folder, &["man"]);
    let titles: Vec<&str> = pages.lines().filter_map(|line| line.strip_prefix(".TH ")?.split(' ').next()).collect();
    let mut names: Vec<String> = titles.iter().map(|title| format!("{title}.1")).collect();
    assert_eq!(names[0], "rekon.1");
    names.sort();
    assert_eq!(names, expected_pages(&folder));
    let document = document(&folder, &["man", "--json"]);
    let mut named: Vec<String> = document["pages"].as_object().expect("a map").keys().cloned().collect();
    named.sort();
    assert_eq!(named, expected_pages(&folder));
    assert!(folder.snapshot().is_empty(), "nothing is written");
}

#[test]
fn groff_has_nothing_to_complain_about() {
    if Command::new("groff").arg("--version").output().is_err() {
        return;
    }
    let folder = Folder::new();
    folder.write("pages", &told(&folder, &["man"]));
    let mut groff = bare("groff");
    groff.args(["-man", "-Tutf8", "-ww", "pages"]).current_dir(folder.path(""));
    let shown = ended(groff);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_folder_that_is_none_is_told() {
    let folder = Folder::new();
    folder.write("man1", "a file");
    let refused = folder.rekon(&["man", "man1"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("cannot be written"), "{}", refused.stderr);
}
