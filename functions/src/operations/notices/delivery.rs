//! Delivers the notices of the outbox: at least once, and for a day if they do not arrive.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use super::message::{self, one_line};
use crate::domain::notify::{DeliveryFailure, NoticeChannel, Notify};
use crate::domain::{DeploymentId, Problem, Timestamp, UserId};
use crate::operations::Service;
use crate::ports::{CourierError, Notice};
use crate::registry::{Outgoing, Stored, notice_id};

/// The pauses before the attempts after the first one, in minutes. Together, they are just below a day.
const PAUSES_MIN: [u16; 13] = [1, 2, 5, 10, 20, 40, 60, 120, 180, 240, 240, 240, 240];
/// How long a deliverer has for an attempt before another one may repeat it, in real time.
const LEASE: Duration = Duration::from_mins(2);
/// How many notices are delivered at once.
const AT_ONCE: usize = 8;
/// How many due notices are read at once.
const PAGE: usize = 64;
/// When no further notices are begun, in real time after the first one. The function has 120 seconds.
const BEGIN: Duration = Duration::from_mins(1);
/// The maximum length of what a failed attempt is remembered by, in characters.
const REASON: usize = 200;

/// What became of the notices that were due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deliveries {
    pub delivered: usize,
    /// Those that are tried again later.
    pub postponed: usize,
    pub given_up: usize,
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Delivered,
    Postponed,
    GivenUp,
    /// It is not due, somebody else delivers it, or its channel is gone.
    Nothing,
}

impl Deliveries {
    fn add(&mut self, fate: Fate) {
        match fate {
            Fate::Delivered => self.delivered += 1,
            Fate::Postponed => self.postponed += 1,
            Fate::GivenUp => self.given_up += 1,
            Fate::Nothing => {}
        }
    }
}

/// A notice of the outbox by its key.
type Address = (UserId, String, NoticeChannel);

impl Service {
    /// Handles the payload that the function is invoked with: an event with a notice, or a tick of the timer.
    pub async fn deliver_by(&self, payload: &Value) -> Result<Value, Problem> {
        let notice = payload.get("detail").map(Notice::deserialize);
        let Deliveries {
            delivered,
            postponed,
            given_up,
        } = match notice {
            Some(Ok(notice)) => self.deliver_notice(&notice).await?,
            // The timer's detail is empty.
            Some(Err(_)) | None => self.deliver_due().await?,
        };
        Ok(json!({ "delivered": delivered, "postponed": postponed, "given_up": given_up }))
    }

    /// Delivers a notice that was just sent, to all of its users.
    pub async fn deliver_notice(&self, notice: &Notice) -> Result<Deliveries, Problem> {
        let id = notice_id(notice);
        let each = |user: &UserId| {
            let channels = [NoticeChannel::Email, NoticeChannel::Webhook];
            channels.map(|channel| (user.clone(), id.clone(), channel))
        };
        let all: Vec<Address> = notice.to.iter().flat_map(each).collect();
        let mut deliveries = Deliveries::default();
        let until = self.env.clock.now() + self.env.clock.during(BEGIN);
        for some in all.chunks(AT_ONCE) {
            if self.env.clock.now() >= until {
                break;
            }
            self.deliver_all(some, &mut deliveries).await?;
        }
        Ok(deliveries)
    }

    /// Whether a notice is due, for a caller that has others deliver it.
    pub async fn has_due_notices(&self) -> Result<bool, Problem> {
        let now = self.env.clock.now();
        let due = self.env.registry.due_outgoing(now, 1).await?;
        Ok(!due.items.is_empty())
    }

    /// Delivers what is due. It is safe to run this at any time, and twice at once. If there is too much, the rest is left
    /// to the next run.
    pub async fn deliver_due(&self) -> Result<Deliveries, Problem> {
        let mut deliveries = Deliveries::default();
        let until = self.env.clock.now() + self.env.clock.during(BEGIN);
        loop {
            let now = self.env.clock.now();
            let due = self.env.registry.due_outgoing(now, PAGE).await?.items;
            let due: Vec<Address> = due
                .into_iter()
                .map(|it| (it.user, it.id, it.channel))
                .collect();
            let before = deliveries;
            for some in due.chunks(AT_ONCE) {
                self.deliver_all(some, &mut deliveries).await?;
                if self.env.clock.now() >= until {
                    return Ok(deliveries);
                }
            }
            // Nothing is left, or the index does not show yet what was done.
            if due.len() < PAGE || deliveries == before {
                return Ok(deliveries);
            }
        }
    }

    async fn deliver_all(
        &self,
        some: &[Address],
        deliveries: &mut Deliveries,
    ) -> Result<(), Problem> {
        let each = some
            .iter()
            .map(|(user, id, channel)| self.deliver(user, id, *channel));
        let mut failed = None;
        for fate in join_all(each).await {
            match fate {
                Ok(fate) => deliveries.add(fate),
                Err(problem) => {
                    let text = problem.chain();
                    tracing::warn!(code = %problem.code, problem = text, "a notice could not be read or written");
                    failed.get_or_insert(problem);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Attempts to deliver a notice, if it is due. The attempt is written down first, so that nobody else makes it at the
    /// same time, and so that it is repeated if this process ends before its result is known.
    async fn deliver(
        &self,
        user: &UserId,
        id: &str,
        channel: NoticeChannel,
    ) -> Result<Fate, Problem> {
        let registry = &self.env.registry;
        let now = self.env.clock.now();
        let Some(stored) = registry.outgoing(user, id, channel).await? else {
            return Ok(Fate::Nothing);
        };
        if stored.value.next_at.is_none_or(|at| now < at) {
            return Ok(Fate::Nothing);
        }
        let claimed = Outgoing {
            attempts: stored.value.attempts + 1,
            next_at: Some(now + self.env.clock.during(LEASE)),
            ..stored.value.clone()
        };
        if !registry.change_outgoing(&stored, &claimed).await? {
            return Ok(Fate::Nothing);
        }
        let claimed = Stored {
            value: claimed,
            revision: stored.revision + 1,
        };
        let notify = registry.notify(user).await?;
        let deployment = self.env.deployment().await?;
        let sent = self.send(&notify, &claimed.value, deployment).await;
        self.note_attempt(&claimed, sent).await
    }

    /// Sends a notice; `None` if the user no longer has the channel. What this process cannot send is tried again: on the
    /// embedded cloud, another command may have a server for it.
    async fn send(
        &self,
        notify: &Notify,
        outgoing: &Outgoing,
        deployment: &DeploymentId,
    ) -> Option<Result<(), CourierError>> {
        match outgoing.channel {
            NoticeChannel::Email => {
                let email = notify
                    .email
                    .as_ref()
                    .filter(|it| it.confirmation.is_none())?;
                let mail = message::mail(&email.address, outgoing);
                Some(match &self.couriers.mail {
                    Some(mailer) => mailer.send(&mail).await,
                    None => Err(unserved("e-mail")),
                })
            }
            NoticeChannel::Webhook => {
                let webhook = notify.webhook.as_ref()?;
                let Some(webhooks) = &self.couriers.webhooks else {
                    return Some(Err(unserved("webhooks")));
                };
                let now = self.env.clock.now();
                match message::post(webhook, outgoing, deployment, now) {
                    Ok(post) => Some(webhooks.post(&post).await),
                    Err(error) => Some(Err(CourierError {
                        reason: error.to_string(),
                        transient: false,
                    })),
                }
            }
            NoticeChannel::Desktop => None,
        }
    }

    /// Writes down what became of an attempt.
    async fn note_attempt(
        &self,
        claimed: &Stored<Outgoing>,
        sent: Option<Result<(), CourierError>>,
    ) -> Result<Fate, Problem> {
        let registry = &self.env.registry;
        let now = self.env.clock.now();
        let (outgoing, next_at) = (&claimed.value, |next_at| Outgoing {
            next_at,
            ..claimed.value.clone()
        });
        let error = match sent {
            None => {
                registry.change_outgoing(claimed, &next_at(None)).await?;
                return Ok(Fate::Nothing);
            }
            Some(Ok(())) => {
                registry.change_outgoing(claimed, &next_at(None)).await?;
                self.note_fate(outgoing, now, None).await?;
                return Ok(Fate::Delivered);
            }
            Some(Err(error)) => error,
        };
        let reason = one_line(&error.reason, REASON);
        let pause = self.pause(outgoing.attempts).filter(|_| error.transient);
        let (id, user, channel) = (&outgoing.id, &outgoing.user, outgoing.channel.as_str());
        if let Some(pause) = pause {
            tracing::info!(notice = id, %user, channel, reason, "a notice was not delivered and is tried again");
            let again = next_at(Some(now + pause));
            registry.change_outgoing(claimed, &again).await?;
            return Ok(Fate::Postponed);
        }
        tracing::warn!(notice = id, %user, channel, reason, "a notice was given up");
        self.note_fate(outgoing, now, Some(reason)).await?;
        registry.change_outgoing(claimed, &next_at(None)).await?;
        Ok(Fate::GivenUp)
    }

    /// The pause after an attempt; `None` after the last one. Up to a tenth is taken off, so that notices that failed
    /// together do not return together.
    fn pause(&self, attempts: u32) -> Option<TimeDelta> {
        let after = usize::try_from(attempts.saturating_sub(1)).ok()?;
        let minutes = *PAUSES_MIN.get(after)?;
        let permille = 1000 - self.entropy.next() % 101;
        let seconds = u64::from(minutes) * 60 * permille / 1000;
        i64::try_from(seconds).ok().map(TimeDelta::seconds)
    }

    /// Notes in the user's settings when a notice was delivered, or why it was not, where the user looks.
    async fn note_fate(
        &self,
        outgoing: &Outgoing,
        now: Timestamp,
        reason: Option<String>,
    ) -> Result<(), Problem> {
        let note = |notify: &mut Notify| {
            if let Some(deliveries) = notify.deliveries_mut(outgoing.channel) {
                match &reason {
                    None => deliveries.delivered_at = Some(now),
                    Some(reason) => {
                        deliveries.failure = Some(DeliveryFailure {
                            at: now,
                            event: outgoing.notice.event,
                            reason: reason.clone(),
                        });
                    }
                }
            }
            Ok(())
        };
        let registry = &self.env.registry;
        let noted = registry.change_notify(&outgoing.user, |_, _| None, note);
        noted.await.map(drop)
    }
}

fn unserved(what: &str) -> CourierError {
    CourierError {
        reason: format!("nothing is configured for {what}"),
        transient: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attempts_take_a_day() {
        let minutes: u16 = PAUSES_MIN.iter().sum();
        assert!((22 * 60..24 * 60).contains(&minutes), "{minutes}");
        assert!(PAUSES_MIN.is_sorted());
    }
}
