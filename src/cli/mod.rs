//! The command line: arguments, screens, progress and exit codes. The only place that prints.

mod args;
mod at_work;
mod attend;
mod audit;
mod bind;
mod books;
mod busy;
mod by_flags;
mod chain;
mod closing;
mod completions;
mod conclude;
mod csv_draft;
mod dated;
mod divided;
mod doctor;
mod embed;
mod events;
mod exit;
mod fit;
mod heartbeat;
mod illustrate;
mod in_doubt;
mod init;
mod inputs;
mod interrupt;
mod joint;
mod journal;
mod judgement;
mod left;
mod listen;
mod load;
mod log;
mod loosen;
mod man;
mod meanwhile;
#[cfg(test)]
mod model_test;
mod open;
mod other_amounts;
mod pace;
mod picture;
mod pieces;
mod plan;
mod plan_screen;
mod planning;
mod progress;
mod read_back;
mod reconcile;
mod reporting;
mod resolve;
mod room;
mod rule;
mod run;
mod schedule;
mod schema;
mod screen;
mod session;
mod show;
mod show_plan;
mod show_runs;
mod simulate;
mod slips;
mod take_in;
mod unreadable;
mod unsent;
mod words;
mod workbook;
mod wrap;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use log::{Level, LogFormat};
use screen::Screen;

use crate::edge::{environment, runtime};

/// Runs the program and returns what it exits with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unread(&error),
    };
    let screen = Screen::new(&cli.common);
    if cli.common.log_format == LogFormat::Json {
        // Even what should never happen is a line that a machine can read.
        std::panic::set_hook(Box::new(move |panic| {
            screen.event(Level::Error, "panic", &serde_json::json!({ "message": panic.to_string() }));
        }));
    }
    let ended = match cli.command {
        Command::Simulate(_) | Command::Listen(_) => runtime::serving(command(&cli, screen)),
        _ => runtime::calling(command(&cli, screen)),
    };
    let could_not_start = |error| Err(exit::Failure::Refused(format!("the program could not start: {error}")));
    let code = ended.unwrap_or_else(could_not_start).unwrap_or_else(|failure| {
        screen.failure(&failure);
        screen.failure_document(&failure);
        failure.code()
    });
    ExitCode::from(screen.unless_unwritten(code))
}

/// A command line that cannot be read, or that only asks for help.
fn unread(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && environment::was_typed("--log-format", "json") {
        let fields = serde_json::json!({ "message": error.to_string() });
        let screen = Screen::for_machines();
        screen.event(Level::Error, "failure", &fields);
    } else {
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { exit::REFUSED } else { exit::DONE })
}

async fn command(cli: &Cli, screen: Screen) -> Result<u8, exit::Failure> {
    let common = &cli.common;
    match &cli.command {
        Command::Init(args) => init::init(args, screen),
        Command::Run(args) => run::job(args, common, screen.on(args.output.paper)?).await,
        Command::Plan { job, out, maker, overrides, paper } => {
            let out = out.as_deref().map(|file| plan::Out { file, maker: maker.as_deref() });
            plan::plan(job, out.as_ref(), overrides, common, screen.on(*paper)?).await
        }
        Command::Check { jobs } => plan::check(jobs, common, screen),
        Command::Doctor(args) => doctor::doctor(args, common, screen).await,
        Command::Reconcile(args) => reconcile::job(args, common, screen.on(args.output.paper)?).await,
        Command::Resolve(args) => resolve::job(args, common, screen).await,
        Command::Schedule(args) => schedule::schedule(args, common, screen),
        Command::Schema => schema::schema(screen),
        Command::Show { what, job, as_of, period, paper } => {
            let asked = show::Asked { what: what.as_deref(), as_of: as_of.as_deref(), period: *period };
            Box::pin(show::show(asked, job.as_deref(), common, screen.on(*paper)?)).await
        }
        Command::Rule(args) => rule::rule(args, common, screen).await,
        Command::Reopen(args) => rule::reopen(args, common, screen).await,
        Command::Journal { command } => journal::journal(command, common, screen).await,
        Command::Simulate(args) => simulate::simulate(args, screen).await,
        Command::Listen(args) => listen::listen(args, common, screen).await,
        Command::Completions { shell } => completions::completions(*shell, screen),
        Command::Man { folder } => man::man(folder.as_deref(), screen),
        other @ (Command::Refund(_) | Command::Cancel(_) | Command::Create(_)) => match other.by_flags() {
            Some((operation, args)) => run::by_flags(operation, args, common, screen.on(args.files.paper)?).await,
            None => Ok(exit::DONE),
        },
    }
}
