//! Waiting for a save: with progress, and with an answer to every signal.

use std::time::Duration;

use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::{Class, Code, Problem, SaveId};
use prism_functions::operations::{Asked, CancelSave, Unrecorded};
use tokio::sync::mpsc;

use crate::app::Session;
use crate::client::{Local, Looks};
use crate::errors::Outcome;
use crate::explain::explain;
use crate::output::Output;
use crate::progress::Progress;
use crate::prompt::{self, Choice};
use crate::signals::{Signal, Signals};
use crate::text::plain;
use crate::{exit, report, story};

/// For how long looks may find no record while an execution runs that has to write it.
const UNKNOWN: Duration = Duration::from_mins(1);
/// How often to see whether a process that carried a save has died.
const SWEEP: Duration = Duration::from_secs(5);

/// What this process is to the save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// It carries the save out: if it has to go, another process must take over.
    Carries,
    /// It only looks on.
    Watches,
}

/// How a save stands when the looking ends.
pub(crate) enum Ended {
    /// It has ended.
    Final(Box<SaveRecord>),
    /// It goes on.
    Open(Box<SaveRecord>),
}

/// Waits for the end of a save and reports it.
pub(crate) async fn follow(session: &Session, id: &SaveId, duty: Duty) -> Outcome {
    let ended = await_end(session, id, duty).await?;
    conclude(session, id, duty, ended)
}

/// Why a watch tells no end.
enum Broken {
    /// The save was refused, or there is none.
    Save(Problem),
    /// Nothing more is seen of it.
    Watch(Problem),
}

impl Broken {
    /// What is told of it: the save does not end with the watching, and whoever asked for it must be
    /// able to find it again.
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
            Ok(()) => format!("{id} goes on without being watched"),
            Err(_) => format!("{id} is put back by the next command that gets through"),
        };
        let message = format!("{} {stands}.", problem.message);
        let hint = format!("{} Then see: prism saves watch {id}", problem.advice());
        Problem {
            message,
            hint: Some(hint),
            ..problem
        }
    }
}

/// Waits for the end of a save, or until somebody ends the waiting.
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
        let message = "Signals cannot be listened to.";
        Broken::Watch(Problem::new(Code::LocalIo, message).because(error))
    })?;
    let (choices, chosen) = mpsc::channel(1);
    let mut waiting = Waiting {
        session,
        id,
        duty,
        look: Look::default(),
        progress: Progress::new(&session.out),
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

/// Reports how a save ended, or how to watch it further.
pub(crate) fn conclude(session: &Session, id: &SaveId, duty: Duty, ended: Ended) -> Outcome {
    match ended {
        Ended::Final(record) => report::end(session, &record),
        Ended::Open(_) => {
            let how = match duty {
                Duty::Carries => "goes on in the background",
                Duty::Watches => "goes on",
            };
            Output::complain(&format!("{id} {how}. Watch it: prism saves watch {id}"));
            Ok(exit::INTERRUPTED)
        }
    }
}

/// Waits until a save has a record: it has begun, or it was refused.
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
    /// What a step was last said to be waiting out.
    trouble: Option<String>,
    /// Whether a question is on the screen.
    asking: bool,
    /// Whether to leave the save to another process as soon as it has a record.
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
                let shown = story::progress(&record, self.session.client.now());
                self.progress.show(&shown.step, &shown.details);
            }
        }
    }

    /// Says once what a step is waiting out, such as a full disk: it may need somebody's hand.
    fn tell_trouble(&mut self) {
        let local = self.session.client.embedded();
        let trouble = local.and_then(Local::trouble);
        if trouble != self.trouble {
            if let Some(trouble) = &trouble {
                self.progress
                    .say(&format!("Trying again: {}", plain(trouble)));
            }
            self.trouble = trouble;
        }
    }

    /// Ctrl-C asks what to do where somebody can answer; pressed again, and every other signal,
    /// means to leave.
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
                    .say("Cancelling: everything is being put back."),
                Err(problem) => {
                    let text = format!("Not cancelled: {}", plain(&problem.chain()));
                    self.progress.say(&text);
                }
            },
        }
    }
}

/// The looks at a save so far.
#[derive(Default)]
struct Look {
    since_sweep: Duration,
    unknown: Duration,
    failing: Duration,
}

impl Look {
    /// Looks once. `None` when there is nothing to see yet, or not this time.
    async fn once(
        &mut self,
        session: &Session,
        id: &SaveId,
        looks: &Looks,
    ) -> Result<Option<SaveRecord>, Broken> {
        self.since_sweep += looks.pause();
        if self.since_sweep >= SWEEP {
            self.since_sweep = Duration::ZERO;
            // The process that carries the save may be another one, and may be dead by now.
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

    /// A save without a record has only begun to begin, or its execution ended without one.
    async fn check_begun(
        &self,
        session: &Session,
        id: &SaveId,
        unknown: Problem,
    ) -> Result<(), Broken> {
        let unrecorded = session.client.unrecorded(id).await;
        match unrecorded.map_err(Broken::Watch)? {
            Unrecorded::Unknown => return Err(Broken::Save(unknown)),
            // It may have written its record between the two looks.
            Unrecorded::Failed(problem) if session.save(id).await.is_err() => {
                return Err(Broken::Save(problem));
            }
            Unrecorded::Failed(_) | Unrecorded::Begins => {}
        }
        if self.unknown > UNKNOWN {
            let message = format!("The save {id} was asked for and has not begun.");
            let problem = Problem::new(Code::NotReady, message)
                .hint(format!("Look again: prism saves watch {id}"));
            return Err(Broken::Save(problem));
        }
        Ok(())
    }
}
