//! The signals that end a wait.

use std::io;

/// What the user requests with a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C: a user is at the keyboard.
    Interrupt,
    /// The process must end: the terminal was closed, or the machine is shutting down.
    Terminate,
}

#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    /// Ctrl-Z, if a suspended process would block others.
    suspend: Option<tokio::signal::unix::Signal>,
}

/// The number of SIGTSTP, for which tokio has no constant.
#[cfg(unix)]
const SUSPEND: i32 = if cfg!(target_os = "linux") { 20 } else { 18 };

#[cfg(unix)]
impl Signals {
    /// Starts to listen. From now on these signals no longer end the process. Ctrl-Z only suspends it with `suspends`.
    pub(crate) fn listen(suspends: bool) -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let suspend = suspends.then(|| signal(SignalKind::from_raw(SUSPEND)));
        Ok(Self {
            suspend: suspend.transpose()?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hang_up.recv() => Signal::Terminate,
            () = suspended(self.suspend.as_mut()) => Signal::Terminate,
        }
    }
}

#[cfg(unix)]
async fn suspended(signal: Option<&mut tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen(_suspends: bool) -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::Interrupt
    }
}
