//! `rekon man`: a page of the manual for the program and for each of its commands, made of what `--help` says.

use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::args::Cli;
use super::exit::{DONE, Failure};
use super::load::shown;
use super::screen::Screen;
use crate::edge::files;
use crate::model::fault::printable;

/// A page: the name of its file, and its text for `man`.
struct Page {
    name: String,
    text: Vec<u8>,
}

/// `rekon man [DIR]`: into a folder, where pages of an older version are replaced, or all of them to stdout.
pub(super) fn man(folder: Option<&Path>, screen: Screen) -> Result<u8, Failure> {
    let pages = pages();
    let Some(folder) = folder else {
        let texts: serde_json::Map<String, serde_json::Value> =
            pages.iter().map(|page| (page.name.clone(), String::from_utf8_lossy(&page.text).into())).collect();
        for page in &pages {
            screen.verbatim(String::from_utf8_lossy(&page.text).trim_end());
        }
        screen.document(serde_json::json!({ "version": 1, "pages": texts }).to_string().as_bytes());
        return Ok(DONE);
    };
    let mut written = Vec::new();
    for page in &pages {
        let path = folder.join(&page.name);
        files::write(&path, &page.text).map_err(|error| Failure::Refused(error.to_string()))?;
        written.push(shown(&path));
    }
    written.iter().for_each(|path| screen.say(&format!("wrote {}", printable(path))));
    screen.document(serde_json::json!({ "version": 1, "written": written }).to_string().as_bytes());
    Ok(DONE)
}

/// The program's own page first, then those of its commands in the order of the help.
fn pages() -> Vec<Page> {
    // `rekon help run` says what the page of `rekon run` says.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add_pages(&program, &mut pages);
    pages
}

fn add_pages(command: &Command, pages: &mut Vec<Page>) {
    // No date, so that the same program makes the same pages; an empty word has to be quoted to be one.
    let source = concat!("rekon ", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).date(r#""""#).source(source).manual("rekon manual");
    let mut text = Vec::new();
    page.render(&mut text).expect("memory takes whatever is written to it");
    pages.push(Page { name: page.get_filename(), text });
    command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(|command| add_pages(command, pages));
}
