//! `prism`: saves a running instance as a versioned template that can be launched again.

mod app;
mod args;
mod client;
mod commands;
mod environment;
mod errors;
mod exit;
mod explain;
mod failure;
mod files;
mod opening;
mod output;
mod profile;
mod progress;
mod prompt;
mod reach;
mod report;
mod session;
mod settle;
mod signals;
mod story;
mod table;
mod text;
mod watch;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Cli::parse();
    ExitCode::from(app::run(args, environment::Environment::read()))
}
