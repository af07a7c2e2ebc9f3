//! Progress on stderr: it moves on a terminal, and is an occasional line elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// How progress is shown.
pub(crate) enum Progress {
    /// One line that changes.
    Live(ProgressBar),
    /// A line for each new step; here is the last.
    Lines(String),
    /// Not at all.
    Silent,
}

impl Progress {
    /// The way that suits the output.
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

    /// Shows the step that is under way, and details that change all the time.
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

    /// Says something while progress is shown.
    pub(crate) fn say(&self, text: &str) {
        match self {
            Self::Live(bar) => bar.suspend(|| Output::complain(text)),
            Self::Lines(_) | Self::Silent => Output::complain(text),
        }
    }

    /// Takes the moving line away.
    pub(crate) fn clear(&self) {
        if let Self::Live(bar) = self {
            bar.finish_and_clear();
        }
    }
}
