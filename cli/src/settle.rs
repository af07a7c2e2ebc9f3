//! Waits until an instance reaches the requested state.

use std::time::Duration;

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::save::seconds_between;
use prism_functions::domain::{Class, Code, InstanceId, Problem, Region};
use prism_functions::operations::InstanceView;

use crate::progress::Progress;
use crate::session::Session;
use crate::text::{duration, plain};

/// The maximum wait in seconds, on the cloud's clock.
const LIMIT_S: f64 = 900.0;
/// How long a new instance may be unknown, in seconds on the cloud's clock.
const UNKNOWN_S: f64 = 60.0;

/// An instance that is changing to a state.
pub(crate) struct Awaited<'a> {
    pub(crate) region: &'a Region,
    pub(crate) id: &'a InstanceId,
    pub(crate) name: &'a str,
    pub(crate) state: InstanceState,
}

impl Awaited<'_> {
    /// Waits until the state is reached. Returns `None` if the instance no longer exists. Transient errors end the wait
    /// only if they go on.
    pub(crate) async fn wait(&self, session: &Session) -> Result<Option<InstanceView>, Problem> {
        let mut progress = Progress::new(&session.out);
        let outcome = self.look_until(session, &mut progress).await;
        progress.clear();
        outcome
    }

    async fn look_until(
        &self,
        session: &Session,
        progress: &mut Progress,
    ) -> Result<Option<InstanceView>, Problem> {
        let began = session.client.now();
        let pace = session.client.pace();
        let (mut looks, mut failing) = (pace.looks(), Duration::ZERO);
        loop {
            looks.next().await;
            let waited = seconds_between(began, session.client.now());
            let found = match session.instance(self.region, self.id.as_str()).await {
                Ok(instance) => Some(instance),
                Err(problem) if problem.code == Code::InstanceNotFound => None,
                Err(problem)
                    if problem.code.class() == Class::Transient && failing < pace.patience =>
                {
                    failing += looks.pause();
                    continue;
                }
                Err(problem) => return Err(problem),
            };
            failing = Duration::ZERO;
            match &found {
                Some(instance) if instance.state == self.state => return Ok(found),
                Some(instance) if self.is_missed_by(instance) => return Err(self.missed(instance)),
                None if self.state == InstanceState::Terminated => return Ok(None),
                None if waited > UNKNOWN_S => return Err(self.late(waited)),
                _ if waited > LIMIT_S => return Err(self.late(waited)),
                _ => {}
            }
            let step = format!(
                "Waiting until {} is {}",
                plain(self.name),
                self.state.as_str()
            );
            progress.show(&step, &duration(waited));
        }
    }

    /// Whether the instance will not reach the state by itself.
    fn is_missed_by(&self, instance: &InstanceView) -> bool {
        match self.state {
            InstanceState::Running => {
                instance.state == InstanceState::Stopped || instance.state.is_gone()
            }
            InstanceState::Stopped => instance.state.is_gone(),
            _ => false,
        }
    }

    fn missed(&self, instance: &InstanceView) -> Problem {
        let reason = instance.state_reason.as_ref();
        let reason = reason.map(|reason| format!(" ({reason})"));
        Problem::new(
            Code::InstanceStateWrong,
            format!(
                "{} is {} instead of {}{}.",
                self.name,
                instance.state.as_str(),
                self.state.as_str(),
                reason.unwrap_or_default()
            ),
        )
        .hint("Check its state with \"prism list\", and try again when the cause is fixed.")
    }

    fn late(&self, waited: f64) -> Problem {
        Problem::new(
            Code::NotReady,
            format!(
                "{} is not {} after {}.",
                self.name,
                self.state.as_str(),
                duration(waited)
            ),
        )
        .hint("Check its state with \"prism list\".")
    }
}
