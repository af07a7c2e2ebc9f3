//! Runs one execution from its record to its end.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Either, select};
use prism_asl::{
    Event, History, HistoryEvent, Identity, Outcome, Status, StopHandle, TaskTokens, TokenError,
};
use prism_functions::domain::Timestamp;
use prism_functions::ports::{Clock, Execution, ExecutionStatus, ExecutionsError};

use super::definition::{StepFunctions, machine};
use super::{Records, STOP_POLL_MS, broken};
use crate::clock::WallClock;

/// Writes each event to the records when it happens.
struct Sink {
    records: Records,
    execution: String,
}

impl History for Sink {
    fn record(&self, event: HistoryEvent) {
        if let Err(error) = self
            .records
            .add_event(&self.execution, event.id, &event.to_json())
        {
            // The history is for people; the execution does not depend on it.
            tracing::warn!(execution = self.execution, %error, "an event was not written");
        }
        if let Event::StateEntered { name, .. } = &event.event {
            tracing::debug!(execution = self.execution, state = %name, "entered");
        }
    }
}

/// Runs an execution whose record says that it is running, until it ends or is stopped.
pub(super) async fn carry(
    records: &Records,
    functions: StepFunctions,
    clock: &Arc<dyn Clock>,
    name: &str,
    stop: StopHandle,
    tokens: TaskTokens,
) -> Result<(), ExecutionsError> {
    let Some(record) = records.read(name).map_err(broken)? else {
        return Err(ExecutionsError::NotFound {
            name: name.to_owned(),
        });
    };
    if record.status != ExecutionStatus::Running {
        return Ok(());
    }
    let interpreter_clock = InterpreterClock(Arc::clone(clock));
    let execution = prism_asl::Execution {
        machine: machine(),
        identity: Identity::of(
            "local",
            "000000000000",
            "prism-save",
            name,
            &interpreter_clock,
        ),
        input: record.input.clone(),
        clock: Arc::new(interpreter_clock),
        functions: Arc::new(functions),
        history: Arc::new(Sink {
            records: records.clone(),
            execution: name.to_owned(),
        }),
        seed: seed(name),
        stop: stop.clone(),
        tokens,
    };
    let run = std::pin::pin!(execution.run());
    let watch = std::pin::pin!(stopped_by_another(records, name, &stop));
    let outcome = match select(run, watch).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), run)) => run.await,
    };
    records.end(&ended(record, outcome, clock)).map_err(broken)
}

/// Waits until the record says that the execution is no longer running, and stops it.
async fn stopped_by_another(records: &Records, name: &str, stop: &StopHandle) {
    let real = WallClock::real();
    loop {
        real.sleep(Duration::from_millis(STOP_POLL_MS)).await;
        match records.read(name) {
            Ok(Some(record)) if record.status == ExecutionStatus::Running => {}
            Ok(_) => return stop.stop(None, None),
            Err(error) => tracing::warn!(execution = name, %error, "the record could not be read"),
        }
    }
}

fn ended(mut record: Execution, outcome: Outcome, clock: &Arc<dyn Clock>) -> Execution {
    record.status = status(outcome.status);
    record.output = outcome.output.map(|output| (*output).clone());
    record.error = outcome.error;
    record.cause = outcome.cause;
    record.stopped_at = Some(clock.now());
    record
}

pub(super) fn status(status: Status) -> ExecutionStatus {
    match status {
        Status::Succeeded => ExecutionStatus::Succeeded,
        Status::Failed => ExecutionStatus::Failed,
        Status::TimedOut => ExecutionStatus::TimedOut,
        Status::Aborted => ExecutionStatus::Aborted,
    }
}

/// Completes a token, with the return value that the port requires.
pub(super) fn wake(tokens: &TaskTokens, token: &str) -> Result<bool, ExecutionsError> {
    match tokens.succeed(token, serde_json::json!({})) {
        Ok(()) => Ok(true),
        // Its wait is over, or it belongs to another process, which polls on its own.
        Err(TokenError::InvalidToken | TokenError::TaskDoesNotExist | TokenError::TaskTimedOut) => {
            Ok(false)
        }
        Err(error @ TokenError::InvalidOutput) => Err(ExecutionsError::Unavailable {
            reason: error.to_string(),
            source: Some(Box::new(error)),
        }),
    }
}

/// A seed for each execution, so that two executions do not wait in step.
pub(super) fn seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Adapts the core's clock to the interpreter's port.
struct InterpreterClock(Arc<dyn Clock>);

impl prism_asl::Clock for InterpreterClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }

    // At 1,000 times the normal speed, a step's 60 seconds would be 60 milliseconds for a step that waits for a disk.
    fn limit(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(self.0.during(duration))
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::Anchor;

    #[tokio::test(start_paused = true)]
    async fn a_step_has_its_time_at_every_speed() {
        let begin = DateTime::UNIX_EPOCH;
        let anchor = Anchor {
            real: begin,
            simulated: begin,
        };
        for (speed, expected_s) in [(0.5, 120), (1.0, 60), (1000.0, 60)] {
            let clock = InterpreterClock(Arc::new(WallClock::at_speed(anchor, speed)));
            let called = tokio::time::Instant::now();
            prism_asl::Clock::limit(&clock, Duration::from_mins(1)).await;
            assert_eq!(called.elapsed().as_secs(), expected_s, "at {speed}");
        }
    }
}
