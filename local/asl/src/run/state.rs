//! One visit to a state: entering it, retrying it, leaving it.

use std::sync::PoisonError;
use std::time::Duration;

use futures::future::FutureExt;
use serde_json::{Value, json};

use super::flow::Flow;
use super::leave::{Done, Left};
use super::payload::Payload;
use super::scope::{StateContext, View};
use crate::errors::{self, Failure};
use crate::history::{Event, StateKind};
use crate::load;
use crate::machine::{Pause, Rule, State, Work};
use crate::template::{EvaluationError, Setting};

/// The longest pause between attempts: the maximum duration of an execution.
const MAX_RETRY_DELAY_S: f64 = 31_536_000.0;

/// The longest Wait: as many days as fit into 2^31 seconds. Recordings show that AWS fails a longer one.
const LONGEST_WAIT: Duration = Duration::from_hours(24_855 * 24);

impl Flow<'_> {
    pub(super) async fn visit(&mut self, state: &State, input: Payload) -> Result<Left, Failure> {
        let kind = state.work.kind();
        let before = self.last;
        let entered_event = self.record(Event::StateEntered {
            kind,
            name: state.name.clone(),
            input: input.text.clone(),
        })?;
        self.is_in(Some(kind));
        let mut context = StateContext {
            name: &state.name,
            kind,
            entered: self.core.clock.now(),
            entered_event,
            before,
            retries: 0,
            token: None,
        };
        let mut attempts = vec![0; state.retry.len()];
        let left = loop {
            let (mut failure, in_work) = match self.work(state, &context, &input).await {
                Ok(done) => match self.finish(done, &context, &input) {
                    Ok(left) => break left,
                    Err(failure) => (failure, false),
                },
                Err(failure) => (failure, true),
            };
            self.last = failure.event;
            if let Some(pause) = self.pause_before_retry(state, &mut attempts, &failure) {
                self.core.clock.sleep(pause).await;
                context.retries += 1;
                continue;
            }
            // The event is recorded once no attempt is left, whether or not the failure is caught.
            if in_work && matches!(kind, StateKind::Parallel | StateKind::Map) {
                failure.event = self.record(Event::StateFailed { kind })?;
            }
            break self.catch(state, &context, &input, failure)?;
        };
        // A Succeed is left like any other state; a Fail never reaches this point.
        self.leave(kind, &state.name, left)
    }

    /// Does the state's work once.
    async fn work<'s>(
        &mut self,
        state: &'s State,
        context: &StateContext<'_>,
        input: &Payload,
    ) -> Result<Done<'s>, Failure> {
        let mut done = Done {
            result: None,
            exit: &state.exit,
            at: String::new(),
            next: state.next,
        };
        match &state.work {
            Work::Pass | Work::Succeed => {}
            Work::Fail { error, cause } => {
                return Err(self.fail(context, input, error.as_ref(), cause.as_ref()));
            }
            Work::Choice(rules) => self.choose(&mut done, rules, context, input)?,
            Work::Wait(pause) => self.wait(pause, context, input).await?,
            Work::Task(task) => done.result = Some(self.task(task, context, input).await?),
            Work::Parallel {
                arguments,
                branches,
            } => {
                let work = self
                    .parallel(arguments.as_ref(), branches, context, input)
                    .boxed();
                done.result = Some(work.await?);
            }
            Work::Map(map) => done.result = Some(self.map(map, context, input).boxed().await?),
        }
        Ok(done)
    }

    /// Evaluates the state's output and variables after its work.
    fn finish(
        &mut self,
        mut done: Done<'_>,
        context: &StateContext<'_>,
        input: &Payload,
    ) -> Result<Left, Failure> {
        let result = done.result.take();
        let view = View {
            result: result.as_ref(),
            ..self.view(context, input)
        };
        let left = super::leave::evaluate(&view, &done);
        match left {
            Ok((output, assigned)) => {
                let output = match (output, result) {
                    (Some(value), _) | (None, Some(value)) => self.payload(value, context)?,
                    (None, None) => input.clone(),
                };
                Left::new(self, context, output, assigned, done.next)
            }
            Err(error) => Err(self.evaluation_failed(context, error)),
        }
    }

    /// What the state's expressions can read before the state has done its work.
    pub(super) fn view<'v>(
        &'v self,
        context: &'v StateContext<'v>,
        input: &'v Payload,
    ) -> View<'v> {
        View {
            core: self.core,
            variables: &self.variables,
            item: self.item.as_ref(),
            state: context,
            input: &input.value,
            result: None,
            error_output: None,
        }
    }

    /// Evaluates a part of the state, and records an event if that fails.
    pub(super) fn evaluate<T>(
        &mut self,
        context: &StateContext<'_>,
        input: &Payload,
        evaluate: impl FnOnce(&View<'_>) -> Result<T, EvaluationError>,
    ) -> Result<T, Failure> {
        let result = evaluate(&self.view(context, input));
        result.map_err(|error| self.evaluation_failed(context, error))
    }

    pub(super) fn payload(
        &self,
        value: Value,
        context: &StateContext<'_>,
    ) -> Result<Payload, Failure> {
        Payload::new(value).map_err(|_| self.too_large(context, context.name))
    }

    fn fail(
        &mut self,
        context: &StateContext<'_>,
        input: &Payload,
        error: Option<&Setting<String>>,
        cause: Option<&Setting<String>>,
    ) -> Failure {
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let evaluated = self.evaluate(context, input, |view| {
            let one = |setting: Option<&Setting<String>>, field| {
                setting
                    .map(|setting| setting.evaluate(view, field, "string", text))
                    .transpose()
            };
            Ok((one(error, "Error")?, one(cause, "Cause")?))
        });
        match evaluated {
            Ok((error, cause)) => Failure {
                error: error.unwrap_or_default(),
                cause,
                event: self.last,
            },
            Err(failure) => failure,
        }
    }

    fn choose<'s>(
        &mut self,
        done: &mut Done<'s>,
        rules: &'s [Rule],
        context: &StateContext<'_>,
        input: &Payload,
    ) -> Result<(), Failure> {
        for (index, rule) in rules.iter().enumerate() {
            let location = format!("Choices[{index}]/Condition");
            let holds = self.evaluate(context, input, |view| {
                rule.condition
                    .evaluate(view, &location, "boolean", Value::as_bool)
            })?;
            if holds {
                done.exit = &rule.exit;
                done.at = format!("Choices[{index}]/");
                done.next = Some(rule.next);
                return Ok(());
            }
        }
        if done.next.is_none() {
            let cause =
                "Failed to transition out of the state. The state does not point to a next state.";
            return Err(self.failure(context, errors::NO_CHOICE_MATCHED, cause));
        }
        Ok(())
    }

    async fn wait(
        &mut self,
        pause: &Pause,
        context: &StateContext<'_>,
        input: &Payload,
    ) -> Result<(), Failure> {
        let duration = match pause {
            Pause::Seconds(seconds) => {
                Duration::from_secs(self.evaluate(context, input, |view| {
                    seconds.evaluate(view, "Seconds", "non-negative integer", |value| {
                        load::integer(value, 0)
                    })
                })?)
            }
            Pause::Until(instant) => {
                let instant = self.evaluate(context, input, |view| {
                    instant.evaluate(view, "Timestamp", "timestamp", |value| {
                        load::timestamp(value.as_str()?)
                    })
                })?;
                (instant - self.core.clock.now())
                    .to_std()
                    .unwrap_or_default()
            }
        };
        if duration > LONGEST_WAIT {
            let cause = "The state would wait longer than 24,855 days.";
            return Err(self.failure(context, errors::RUNTIME, cause));
        }
        self.core.clock.sleep(duration).await;
        Ok(())
    }

    /// The pause before the next attempt, if the first matching retrier allows another one.
    fn pause_before_retry(
        &self,
        state: &State,
        attempts: &mut [u64],
        failure: &Failure,
    ) -> Option<Duration> {
        let kind = state.work.kind();
        let index = state
            .retry
            .iter()
            .position(|retrier| failure.matches(&retrier.error_equals, kind))?;
        let (retrier, attempts) = (&state.retry[index], &mut attempts[index]);
        if *attempts >= retrier.max_attempts {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "both are at most 99,999,999")]
        let (interval_s, exponent) = (retrier.interval_s as f64, *attempts as f64);
        *attempts += 1;
        #[expect(clippy::cast_precision_loss, reason = "less than a year of seconds")]
        let longest = retrier
            .max_delay_s
            .map_or(MAX_RETRY_DELAY_S, |delay| delay as f64);
        let mut seconds = (interval_s * retrier.backoff_rate.powf(exponent)).min(longest);
        if retrier.full_jitter {
            seconds *= self
                .core
                .rng
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .f64();
        }
        Some(Duration::from_secs_f64(seconds))
    }

    fn catch(
        &mut self,
        state: &State,
        context: &StateContext<'_>,
        input: &Payload,
        failure: Failure,
    ) -> Result<Left, Failure> {
        let matching = |(_, catcher): &(usize, &crate::machine::Catcher)| {
            failure.matches(&catcher.error_equals, context.kind)
        };
        let Some((index, catcher)) = state.catch.iter().enumerate().find(matching) else {
            return Err(failure);
        };
        let error_output =
            json!({"Error": failure.error, "Cause": failure.cause.unwrap_or_default()});
        let done = Done {
            result: None,
            exit: &catcher.exit,
            at: format!("Catch[{index}]/"),
            next: Some(catcher.next),
        };
        let view = View {
            error_output: Some(&error_output),
            ..self.view(context, input)
        };
        match super::leave::evaluate(&view, &done) {
            Ok((output, assigned)) => {
                let output = self.payload(output.unwrap_or(error_output), context)?;
                Left::new(self, context, output, assigned, done.next)
            }
            Err(error) => Err(self.evaluation_failed(context, error)),
        }
    }
}
