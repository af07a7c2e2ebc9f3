//! Progress on stderr: animated on a terminal, and an occasional line elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// How progress is shown.
pub(crate) enum Progress {
    /// One line that changes.
    Live(ProgressBar),
    /// A line for each new step; contains the last step printed.
    Lines(String),
    /// Not at all.
    Silent,
}

impl Progress {
    /// The kind of progress for this output.
    pub(crate) fn new(out: &Output) -> Self {
        if out.quiet {
            return Self::Silent;
        }
        if !out.live {
            return Self::Lines(String::new());
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        Self::Live(bar)
    }

    /// Shows the current step, and details that change continuously.
    pub(crate) fn show(&mut self, step: &str, details: &str) {
        match self {
            Self::Silent => {}
            Self::Live(bar) => {
                bar.set_message(if details.is_empty() {
                    step.to_owned()
                } else {
                    format!("{step} · {details}")
                });
                bar.tick();
            }
            Self::Lines(last) if last == step => {}
            Self::Lines(last) => {
                step.clone_into(last);
                Output::complain(step);
            }
        }
    }

    /// Leaves a finished step on the screen, with how long it took. Where nothing is animated, its line is there already.
    pub(crate) fn finish(&self, step: &str, took: &str) {
        if let Self::Live(bar) = self {
            bar.suspend(|| Output::complain(&format!("✓ {step} · {took}")));
        }
    }

    /// Whether finished steps and estimates are shown.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// Prints a message while progress is shown.
    pub(crate) fn say(&self, text: &str) {
        match self {
            Self::Live(bar) => bar.suspend(|| Output::complain(text)),
            Self::Lines(_) | Self::Silent => Output::complain(text),
        }
    }

    /// Removes the animated line.
    pub(crate) fn clear(&self) {
        if let Self::Live(bar) = self {
            bar.finish_and_clear();
        }
    }
}
