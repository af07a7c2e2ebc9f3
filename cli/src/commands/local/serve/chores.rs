//! The recurring chores, which a deployment runs on AWS and this server runs itself.

use std::time::Duration;

use chrono::TimeDelta;
use prism_functions::domain::{Problem, Timestamp};
use prism_functions::operations::Service;
use prism_local::explain;

use crate::output::Output;
use crate::text::plain;

/// The interval between sweeps for lost saves, in minutes on the cloud's clock.
const SWEEP_MINUTES: i64 = 5;
/// The interval between checks of schedules, in minutes on the cloud's clock.
const FIRE_MINUTES: i64 = 1;
/// How often notices that are due are delivered, in real time: their receivers live in it.
const DELIVER: Duration = Duration::from_secs(2);

/// The interval between sweeps of ends, in minutes on the cloud's clock.
const END_MINUTES: i64 = 1;
/// How long such a sweep waits for turns. The next one continues.
const END_WAIT: TimeDelta = TimeDelta::seconds(5);

/// The chores and their state.
pub(super) struct Chores<'a> {
    service: Service,
    out: &'a Output,
    swept_at: Option<Timestamp>,
    fired_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// The last reported error, so that it is reported only once.
    trouble: Option<String>,
}

impl<'a> Chores<'a> {
    pub(super) fn new(service: Service, out: &'a Output) -> Self {
        Self {
            service,
            out,
            swept_at: None,
            fired_at: None,
            ended_at: None,
            trouble: None,
        }
    }

    /// Runs the chores that are due. Called every second; a failure does not end the server.
    pub(super) async fn tick(&mut self) {
        let (swept, fired) = (self.sweep_if_due().await, self.fire_if_due().await);
        let ended = self.end_if_due().await;
        self.tell(swept.and(fired).and(ended).err());
    }

    async fn sweep_if_due(&mut self) -> Result<(), Problem> {
        let now = self.service.env.clock.now();
        if !is_due(self.swept_at, SWEEP_MINUTES, now) {
            return Ok(());
        }
        for recovery in self.service.sweep().await? {
            let id = &recovery.save_id;
            self.out
                .note(&format!("{id} was interrupted and is being rolled back."));
        }
        self.swept_at = Some(now);
        Ok(())
    }

    async fn fire_if_due(&mut self) -> Result<(), Problem> {
        let now = self.service.env.clock.now();
        if !is_due(self.fired_at, FIRE_MINUTES, now) {
            return Ok(());
        }
        for fired in self.service.fire_due_schedules().await? {
            let (name, owner) = (&fired.schedule, &fired.owner);
            self.out
                .note(&format!("The schedule {name} of {owner} starts a save."));
        }
        self.fired_at = Some(now);
        Ok(())
    }

    async fn end_if_due(&mut self) -> Result<(), Problem> {
        let now = self.service.env.clock.now();
        if !is_due(self.ended_at, END_MINUTES, now) {
            return Ok(());
        }
        for ended in self.service.sweep_ends(END_WAIT).await? {
            let (name, then) = (plain(&ended.name), ended.then.done());
            self.out
                .note(&format!("{name} has reached its end and was {then}."));
        }
        self.ended_at = Some(now);
        Ok(())
    }

    fn tell(&mut self, problem: Option<Problem>) {
        let trouble = problem.map(|problem| explain(problem).chain());
        if trouble != self.trouble {
            if let Some(trouble) = &trouble {
                self.out.warn(&plain(trouble));
            }
            self.trouble = trouble;
        }
    }
}

/// Delivers notices for as long as the server runs. It is no chore of the ticks: a slow receiver must not delay sweeps.
pub(super) async fn deliver(service: Service) {
    let mut ticks = tokio::time::interval(DELIVER);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(problem) = service.deliver_due().await {
            let problem = explain(problem).chain();
            tracing::warn!(problem, "notices could not be delivered");
        }
    }
}

/// Whether a chore is due again. A last run in the future is due too: the clock was set back after it.
fn is_due(last: Option<Timestamp>, minutes: i64, now: Timestamp) -> bool {
    last.is_none_or(|at| now < at || at + TimeDelta::minutes(minutes) <= now)
}
