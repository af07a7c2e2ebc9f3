//! Serves a simulated EC2 until it receives Ctrl-C or SIGTERM.
//!
//! ```text
//! cargo run -p prism-local --features wire --example wire -- [SPEED [FILE]]
//! ```
//!
//! The first line it prints is its URL. SPEED divides all durations. FILE stores the cloud; without it, the cloud is
//! in memory. Every access key belongs to account 111111111111, except AKIASECOND, which belongs to 222222222222 and
//! may not stop instances.

#![expect(clippy::print_stdout, reason = "it prints its URL")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use prism_functions::domain::AccountId;
use prism_local::clock::WallClock;
use prism_local::ec2::{Cloud, Durations, Settings};
use prism_local::wire::{Accounts, WireServer};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let speed = arguments.next().unwrap_or_else(|| "1".into());
    let speed: u32 = speed.to_string_lossy().parse()?;
    let settings = Settings {
        durations: Durations::faster(speed),
        ..Settings::default()
    };
    let clock = Arc::new(WallClock::real());
    let cloud = match arguments.next() {
        Some(file) => Cloud::open(&PathBuf::from(file), clock)?,
        None => Cloud::in_memory(clock, 1, settings.clone()),
    };
    cloud.set_settings(settings)?;

    let mut ended = signal(SignalKind::terminate())?;
    let second: AccountId = "222222222222".parse()?;
    cloud.admin(second.clone()).deny("StopInstances")?;
    let accounts = Accounts::all("111111111111".parse()?).with("AKIASECOND", second);
    let server = WireServer::start(cloud, accounts, 0).await?;
    println!("{}", server.url());
    tokio::select! {
        _ = ended.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    server.stop().await;
    Ok(())
}
