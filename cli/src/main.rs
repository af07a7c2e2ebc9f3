//! `prism`: saves a running instance as a versioned template that can be launched again.

mod app;
mod args;
mod candidates;
mod client;
mod commands;
mod complete;
mod couriers;
mod desktop;
mod ends;
mod environment;
mod errors;
mod estimate;
mod exit;
mod explain;
mod failure;
mod files;
mod form;
mod global;
mod grammar;
#[cfg(not(feature = "aws"))]
mod lacking;
mod names;
mod opening;
mod options;
mod output;
mod profile;
mod progress;
mod prompt;
mod reach;
mod report;
mod session;
mod settle;
mod several;
mod signals;
mod spending;
mod story;
mod suggest;
mod table;
mod text;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = complete::run() {
        return ExitCode::from(code);
    }
    let args: Vec<_> = std::env::args_os().collect();
    ExitCode::from(app::run(&args, environment::Environment::read()))
}
