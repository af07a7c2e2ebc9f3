//! The one binary that every Lambda function runs: its handler names the step.

use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge at which the environment is read"
)]
fn main() -> ExitCode {
    // One invocation runs at a time: more threads would only cost start-up time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::FAILURE;
    };
    match runtime.block_on(prism_functions::aws::run(|name| std::env::var(name).ok())) {
        Ok(()) => ExitCode::SUCCESS,
        // It has been logged and reported.
        Err(_) => ExitCode::FAILURE,
    }
}
