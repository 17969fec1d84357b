//! `rekon completions`: the script by which a shell completes commands, flags and their words.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use super::exit::{DONE, Failure};
use super::screen::Screen;

/// `rekon completions SHELL`.
#[expect(clippy::unnecessary_wraps, reason = "commands have one shape")]
pub(super) fn completions(shell: Shell, screen: Screen) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rekon", &mut script);
    let script = String::from_utf8_lossy(&script);
    screen.verbatim(script.trim_end());
    let document = serde_json::json!({ "version": 1, "shell": shell.to_string(), "script": script });
    screen.document(document.to_string().as_bytes());
    Ok(DONE)
}
