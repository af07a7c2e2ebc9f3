//! The one binary that every Lambda function runs: the name of its handler selects the step.

use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is read here only"
)]
fn main() -> ExitCode {
    // Lambda runs one invocation at a time: more threads would only lengthen the start.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::FAILURE;
    };
    match runtime.block_on(prism_functions::aws::run(|name| std::env::var(name).ok())) {
        Ok(()) => ExitCode::SUCCESS,
        // The error has already been logged and reported.
        Err(_) => ExitCode::FAILURE,
    }
}
