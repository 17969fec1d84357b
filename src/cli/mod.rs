//! The command line: arguments, screens, progress and exit codes. The only place that prints.

mod args;
mod audit;
mod books;
mod by_flags;
mod chain;
mod conclude;
mod embed;
mod exit;
mod interrupt;
mod journal;
mod load;
#[cfg(test)]
mod model_test;
mod open;
mod plan;
mod progress;
mod read_back;
mod reconcile;
mod resolve;
mod rule;
mod run;
mod screen;
mod session;
mod show;
mod simulate;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use screen::Screen;

/// Runs the program and returns what it exits with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let screen = Screen::new(&cli.common);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.failure(&exit::Failure::Refused(format!("the program could not start: {error}")));
            return ExitCode::from(exit::REFUSED);
        }
    };
    match runtime.block_on(command(&cli, screen)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            screen.failure(&failure);
            screen.failure_document(&failure);
            ExitCode::from(failure.code())
        }
    }
}

async fn command(cli: &Cli, screen: Screen) -> Result<u8, exit::Failure> {
    let common = &cli.common;
    match &cli.command {
        Command::Run(args) => run::job(args, common, screen).await,
        Command::Plan { job, out } => plan::plan(job, out.as_deref(), common, screen).await,
        Command::Check { jobs } => plan::check(jobs, common, screen),
        Command::Reconcile(args) => reconcile::job(args, common, screen).await,
        Command::Resolve(args) => resolve::job(args, common, screen).await,
        Command::Show { what, job, as_of } => {
            show::show(what.as_deref(), job.as_deref(), as_of.as_deref(), common, screen).await
        }
        Command::Rule(args) => rule::rule(args, common, screen).await,
        Command::Reopen(args) => rule::reopen(args, common, screen).await,
        Command::Journal { command } => journal::journal(command, common, screen).await,
        Command::Simulate(args) => simulate::simulate(args, screen).await,
        other @ (Command::Refund(_) | Command::Cancel(_) | Command::Create(_)) => match other.by_flags() {
            Some((operation, args)) => run::by_flags(operation, args, common, screen).await,
            None => Ok(exit::DONE),
        },
    }
}
