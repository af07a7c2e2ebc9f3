//! Task tokens: with them, somebody outside the execution ends a waiting Task.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures::task::AtomicWaker;
use serde_json::Value;

use super::payload::PAYLOAD_LIMIT_BYTES;
use crate::TaskFailure;

/// How many closed tokens are remembered, to distinguish a late result from a wrong token.
const CLOSED: usize = 10_000;
const PREFIX: &str = "token:";

/// The tokens that Tasks wait for. Clones share them, and any number of executions may use them.
///
/// The results are those of `SendTaskSuccess` and `SendTaskFailure`: only the first one counts, and none counts once
/// the Task has ended in another way.
#[derive(Clone, Default)]
pub struct TaskTokens(Arc<Mutex<Tokens>>);

#[derive(Default)]
struct Tokens {
    open: BTreeMap<Arc<str>, Arc<Slot>>,
    closed: VecDeque<Arc<str>>,
    /// The futures that wait until a token is opened.
    listeners: Vec<Waker>,
}

#[derive(Default)]
struct Slot {
    answer: Mutex<Option<Result<Value, TaskFailure>>>,
    waker: AtomicWaker,
}

/// Why a result for a token was refused, with the API's error names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// `InvalidToken`: the text is not a task token.
    #[error("the text is not a task token")]
    InvalidToken,
    #[error("no task waits for this token")]
    TaskDoesNotExist,
    /// `TaskTimedOut`: its Task already has a result, timed out or was stopped.
    #[error("the task of this token has ended")]
    TaskTimedOut,
    /// `InvalidOutput`: the output is larger than [`PAYLOAD_LIMIT_BYTES`].
    #[error("the output is larger than the service limit")]
    InvalidOutput,
}

impl TaskTokens {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn succeed(&self, token: &str, output: Value) -> Result<(), TokenError> {
        if output.to_string().len() > PAYLOAD_LIMIT_BYTES {
            return Err(TokenError::InvalidOutput);
        }
        self.answer(token, Ok(output))
    }

    pub fn fail(&self, token: &str, failure: TaskFailure) -> Result<(), TokenError> {
        self.answer(token, Err(failure))
    }

    pub fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// Completes once any Task waits for a token.
    pub async fn any_open(&self) {
        poll_fn(|cx| {
            let mut tokens = self.lock();
            if !tokens.open.is_empty() {
                return Poll::Ready(());
            }
            if !tokens.listeners.iter().any(|it| it.will_wake(cx.waker())) {
                tokens.listeners.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn answer(&self, token: &str, answer: Result<Value, TaskFailure>) -> Result<(), TokenError> {
        let slot = {
            let mut tokens = self.lock();
            let Some((token, slot)) = tokens.open.remove_entry(token) else {
                return Err(tokens.absent(token));
            };
            tokens.close(token);
            slot
        };
        *slot.lock() = Some(answer);
        slot.waker.wake();
        Ok(())
    }

    pub(super) fn wait(&self, execution: &str, entered: u64, retries: u64) -> Wait {
        let token: Arc<str> = Arc::from(format!("{PREFIX}{execution}:{entered}:{retries}"));
        let slot = Arc::new(Slot::default());
        let listeners = {
            let mut tokens = self.lock();
            tokens.open.insert(Arc::clone(&token), Arc::clone(&slot));
            std::mem::take(&mut tokens.listeners)
        };
        listeners.into_iter().for_each(Waker::wake);
        Wait {
            tokens: self.clone(),
            token,
            slot,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tokens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tokens {
    fn close(&mut self, token: Arc<str>) {
        if self.closed.len() == CLOSED {
            self.closed.pop_front();
        }
        self.closed.push_back(token);
    }

    fn absent(&self, token: &str) -> TokenError {
        if !token.starts_with(PREFIX) {
            TokenError::InvalidToken
        } else if self.closed.iter().any(|closed| &**closed == token) {
            TokenError::TaskTimedOut
        } else {
            TokenError::TaskDoesNotExist
        }
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Result<Value, TaskFailure>>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Wait {
    tokens: TaskTokens,
    pub(super) token: Arc<str>,
    slot: Arc<Slot>,
}

impl Wait {
    pub(super) async fn answered(&self) -> Result<Value, TaskFailure> {
        poll_fn(|cx| {
            self.slot.waker.register(cx.waker());
            self.slot.lock().take().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut tokens = self.tokens.lock();
        if let Some((token, _)) = tokens.open.remove_entry(&*self.token) {
            tokens.close(token);
        }
    }
}

impl fmt::Debug for TaskTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskTokens")
            .field("open", &self.open())
            .finish_non_exhaustive()
    }
}
