//! The collector's command line.

mod arguments;
mod build;
mod capture;
mod codes;
mod config;
mod control;
mod lines;
mod places;
mod report;
mod unbuilt;

use arguments::{Arguments, Command};
use clap::{CommandFactory, FromArgMatches};
use codes::Failure;
use std::process::ExitCode;

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;
const CANCELLED: u8 = 3;

fn main() -> ExitCode {
    let definition = Arguments::command().after_long_help(codes::help());
    let line = match config::expand(std::env::args_os().collect()) {
        Ok(line) => line,
        Err(sentence) => {
            lines::tell(&format!("wakechain-collector: {sentence}"));
            return ExitCode::from(WRONG_USAGE);
        }
    };
    let parsed = definition.try_get_matches_from(line).and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let result = match arguments.command {
        Command::Check { json } => return ExitCode::from(if report::check(json) { 0 } else { FAILED }),
        Command::Processes { json } => {
            report::processes(json);
            Ok(())
        }
        Command::Capture(options) => capture::command(*options),
        Command::Finalize(options) => build::command(&options),
        Command::Version { json } => {
            report::version(json);
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => end(&failure),
    }
}

fn end(failure: &Failure) -> ExitCode {
    lines::fail(failure);
    ExitCode::from(if failure.is_cancelled() { CANCELLED } else { FAILED })
}

/// Also how --help and --version end: clap calls them errors, and knows which stream they belong to.
fn refuse(error: &clap::Error) -> ExitCode {
    if let Some(sentence) = unbuilt::sentence(error) {
        lines::tell(&format!("wakechain-collector: {sentence}"));
        return ExitCode::from(WRONG_USAGE);
    }
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(WRONG_USAGE) } else { ExitCode::SUCCESS }
}
