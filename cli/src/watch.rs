//! Waits for a save, with progress, and handles signals.

use std::time::Duration;

use prism_functions::domain::{Class, Code, Problem, SaveId};
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, CancelSave, ListSaves, SaveView, SavesPage, Unrecorded};
use tokio::sync::{OnceCell, mpsc};

use crate::client::{Local, Looks};
use crate::errors::Outcome;
use crate::estimate::Estimate;
use crate::explain::explain;
use crate::output::Output;
use crate::progress::Progress;
use crate::prompt::{self, Choice};
use crate::session::Session;
use crate::signals::{Signal, Signals};
use crate::text::{duration, plain};
use crate::{exit, report, story};

/// How long polls may find no record while an execution runs that has to write it.
const UNKNOWN: Duration = Duration::from_mins(1);
/// How many of the latest saves are searched for those that are like the present one.
const EARLIER: usize = 100;
/// How often to check whether a process that carried out a save has died.
const SWEEP: Duration = Duration::from_secs(5);

/// The role of this process for the save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// It carries the save out: if it has to end, another process must take over.
    Carries,
    /// It only watches.
    Watches,
}

/// The state of a save when the wait ends.
pub(crate) enum Ended {
    Final(Box<SaveView>),
    /// It continues.
    Open(Box<SaveView>),
}

/// Waits for the end of a save and reports it.
pub(crate) async fn follow(session: &Session, id: &SaveId, duty: Duty) -> Outcome {
    let ended = await_end(session, id, duty).await?;
    conclude(session, id, duty, ended).await
}

/// Why a wait ended without the save's end.
enum Broken {
    /// The save was refused, or does not exist.
    Save(Problem),
    /// The save can no longer be observed.
    Watch(Problem),
}

impl Broken {
    /// The problem to report. The save does not end with the wait, and the user must be able to find it again.
    async fn told(self, session: &Session, id: &SaveId, duty: Duty) -> Problem {
        let problem = match self {
            Broken::Save(problem) => return problem,
            Broken::Watch(problem) => explain(problem),
        };
        let left = match duty {
            Duty::Carries => session.client.hand_over(id).await,
            Duty::Watches => Ok(()),
        };
        let stands = match left {
            Ok(()) => format!("{id} continues without being watched"),
            Err(_) => {
                format!("{id} will be rolled back by the next command that reaches the backend")
            }
        };
        let message = format!("{} {stands}.", problem.message);
        let hint = format!("{} Then run: prism saves watch {id}", problem.advice());
        Problem {
            message,
            hint: Some(hint),
            ..problem
        }
    }
}

/// Waits until a save ends, or until the user ends the wait.
pub(crate) async fn await_end(
    session: &Session,
    id: &SaveId,
    duty: Duty,
) -> Result<Ended, Problem> {
    match end(session, id, duty).await {
        Ok(ended) => Ok(ended),
        Err(broken) => Err(broken.told(session, id, duty).await),
    }
}

async fn end(session: &Session, id: &SaveId, duty: Duty) -> Result<Ended, Broken> {
    let signals = Signals::listen(duty == Duty::Carries).map_err(|error| {
        let message = "The signal handlers cannot be installed.";
        Broken::Watch(Problem::new(Code::LocalIo, message).because(error))
    })?;
    let (choices, chosen) = mpsc::channel(1);
    let mut waiting = Waiting {
        session,
        id,
        duty,
        look: Look::default(),
        progress: Progress::new(&session.out),
        finished: 0,
        estimate: OnceCell::new(),
        trouble: None,
        asking: false,
        leaving: false,
        choices,
    };
    let ended = waiting.run(signals, chosen).await;
    waiting.progress.clear();
    let ended = ended?;
    if let Ended::Final(record) = &ended
        && let Some(local) = session.client.embedded()
    {
        local.let_end(record).await;
    }
    Ok(ended)
}

/// Reports how a save ended, or how to continue watching it.
pub(crate) async fn conclude(session: &Session, id: &SaveId, duty: Duty, ended: Ended) -> Outcome {
    match ended {
        Ended::Final(record) => {
            crate::desktop::notify(session, &record).await;
            report::end(session, &record).await
        }
        Ended::Open(_) => {
            let how = match duty {
                Duty::Carries => "continues in the background",
                Duty::Watches => "continues",
            };
            let watch = format!("prism saves watch {id}");
            if session.out.form.has_json_errors() {
                let message = format!("{id} {how}.");
                let problem = Problem::new(Code::Interrupted, message);
                return Err(problem.hint(format!("Watch it: {watch}")).into());
            }
            Output::complain(&format!("{id} {how}. Watch it: {watch}"));
            Ok(exit::INTERRUPTED)
        }
    }
}

/// Waits until a save has a record, which means that it has started or was refused.
pub(crate) async fn until_begun(session: &Session, id: &SaveId) -> Result<Ended, Problem> {
    let mut look = Look::default();
    let mut looks = session.client.pace().looks();
    loop {
        looks.next().await;
        let seen = match look.once(session, id, &looks).await {
            Ok(seen) => seen,
            Err(broken) => return Err(broken.told(session, id, Duty::Watches).await),
        };
        if let Some(record) = seen {
            return Ok(if record.state.is_final() {
                Ended::Final(Box::new(record))
            } else {
                Ended::Open(Box::new(record))
            });
        }
    }
}

struct Waiting<'a> {
    session: &'a Session,
    id: &'a SaveId,
    duty: Duty,
    look: Look,
    progress: Progress,
    /// How many steps are shown as finished.
    finished: usize,
    /// How long earlier saves took, once it has been looked up.
    estimate: OnceCell<Option<Estimate>>,
    /// The last reported problem that a step is waiting out.
    trouble: Option<String>,
    /// Whether a question is on the screen.
    asking: bool,
    /// Whether to hand the save to another process as soon as it has a record.
    leaving: bool,
    choices: mpsc::Sender<Choice>,
}

impl Waiting<'_> {
    async fn run(
        &mut self,
        mut signals: Signals,
        mut chosen: mpsc::Receiver<Choice>,
    ) -> Result<Ended, Broken> {
        let mut looks = self.session.client.pace().looks();
        loop {
            tokio::select! {
                () = looks.next() => {}
                signal = signals.next() => self.on_signal(signal),
                Some(choice) = chosen.recv() => self.on_choice(choice).await,
            }
            let Some(record) = self.look.once(self.session, self.id, &looks).await? else {
                continue;
            };
            self.tell_finished(&record);
            if record.state.is_final() {
                return Ok(Ended::Final(Box::new(record)));
            }
            if self.leaving {
                if self.duty == Duty::Carries {
                    let left = self.session.client.hand_over(self.id).await;
                    left.map_err(Broken::Watch)?;
                }
                return Ok(Ended::Open(Box::new(record)));
            }
            if !self.asking {
                self.tell_trouble();
                let now = self.session.client.now();
                let mut shown = story::progress(&record, now);
                let left = self.estimate(&record).await;
                if let Some(left) = left.and_then(|it| it.left(&record, now)) {
                    shown.details = format!("{} · {left}", shown.details);
                }
                self.progress.show(&shown.step, &shown.details);
            }
        }
    }

    /// Leaves the steps on the screen that have finished since the last poll.
    fn tell_finished(&mut self, record: &SaveView) {
        if self.asking {
            return;
        }
        let steps = story::steps(record, self.session.client.now());
        let open = usize::from(!record.state.is_final());
        let count = steps.len().saturating_sub(open);
        for (_, what, took) in steps.iter().take(count).skip(self.finished) {
            self.progress.finish(what, &duration(*took));
        }
        self.finished = self.finished.max(count);
    }

    /// How long earlier saves took, if that is shown. It is looked up once, and its absence hinders nothing.
    async fn estimate(&self, record: &SaveView) -> Option<Estimate> {
        if !self.progress.is_live() {
            return None;
        }
        let look_up = || async {
            let page = |page| Asked::<ListSaves>::by(Nothing {}, SavesPage::of(page));
            let earlier = self.session.client.list(EARLIER, page).await;
            let earlier = earlier.map(|(saves, _)| saves).unwrap_or_default();
            Estimate::of(record, &earlier)
        };
        *self.estimate.get_or_init(look_up).await
    }

    /// Reports once what a step is waiting out, such as a full disk, because it may need the user's action.
    fn tell_trouble(&mut self) {
        let local = self.session.client.embedded();
        let trouble = local.and_then(Local::trouble);
        if trouble != self.trouble {
            if let Some(trouble) = &trouble {
                self.progress.say(&format!("Retrying: {}", plain(trouble)));
            }
            self.trouble = trouble;
        }
    }

    /// Handles a signal. Ctrl-C asks what to do if the user can answer. A second Ctrl-C, and every other signal, ends
    /// the wait.
    fn on_signal(&mut self, signal: Signal) {
        let asks = self.duty == Duty::Carries && self.session.out.answers && !self.asking;
        if signal == Signal::Interrupt && asks {
            self.progress.clear();
            self.asking = true;
            Output::complain("");
            prompt::choose(self.choices.clone());
        } else {
            if self.asking {
                Output::complain("");
            }
            self.leaving = true;
        }
    }

    async fn on_choice(&mut self, choice: Choice) {
        self.asking = false;
        self.progress = Progress::new(&self.session.out);
        match choice {
            Choice::Wait => {}
            Choice::Background => self.leaving = true,
            Choice::Cancel => match self
                .session
                .client
                .call(Asked::<CancelSave>::of(self.id.clone()))
                .await
            {
                Ok(_) => self
                    .progress
                    .say("Cancelling: the save is being rolled back."),
                Err(problem) => {
                    let text = format!("Not cancelled: {}", plain(&problem.chain()));
                    self.progress.say(&text);
                }
            },
        }
    }
}

/// The state of polling a save.
#[derive(Default)]
struct Look {
    since_sweep: Duration,
    unknown: Duration,
    failing: Duration,
}

impl Look {
    /// Polls once. Returns `None` if there is nothing to see yet, or this poll failed.
    async fn once(
        &mut self,
        session: &Session,
        id: &SaveId,
        looks: &Looks,
    ) -> Result<Option<SaveView>, Broken> {
        self.since_sweep += looks.pause();
        if self.since_sweep >= SWEEP {
            self.since_sweep = Duration::ZERO;
            // The process that carries the save out may be another one, and may have died.
            let _ = session.client.sweep().await;
        }
        match session.save(id).await {
            Ok(record) => {
                self.failing = Duration::ZERO;
                Ok(Some(record))
            }
            Err(problem) if problem.code == Code::SaveNotFound => {
                self.unknown += looks.pause();
                self.check_begun(session, id, problem).await?;
                Ok(None)
            }
            Err(problem)
                if problem.code.class() == Class::Transient
                    && self.failing < session.client.pace().patience =>
            {
                self.failing += looks.pause();
                Ok(None)
            }
            Err(problem) => Err(Broken::Watch(problem)),
        }
    }

    /// Checks a save without a record: it is still starting, or its execution ended without a record.
    async fn check_begun(
        &self,
        session: &Session,
        id: &SaveId,
        unknown: Problem,
    ) -> Result<(), Broken> {
        let unrecorded = session.client.unrecorded(id).await;
        match unrecorded.map_err(Broken::Watch)? {
            Unrecorded::Unknown => return Err(Broken::Save(unknown)),
            // The record may have been written between the two reads.
            Unrecorded::Failed(problem) if session.save(id).await.is_err() => {
                return Err(Broken::Save(problem));
            }
            Unrecorded::Failed(_) | Unrecorded::Begins => {}
        }
        if self.unknown > UNKNOWN {
            let message = format!("The save {id} was requested but has not started.");
            let problem = Problem::new(Code::NotReady, message)
                .hint(format!("Check again: prism saves watch {id}"));
            return Err(Broken::Save(problem));
        }
        Ok(())
    }
}
