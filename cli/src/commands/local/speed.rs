//! `prism local speed`.

use clap::Args;
use prism_functions::domain::{Code, Problem};
use serde_json::json;

use crate::app::Session;
use crate::errors::Outcome;
use crate::exit;

/// Show or change how fast the cloud's time runs
#[derive(Debug, Args)]
pub(crate) struct Speed {
    /// How many times faster than the clock on the wall, 0.1 to 10000
    factor: Option<String>,
}

impl Speed {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let cloud = &session.embedded()?.cloud;
        if let Some(text) = &self.factor {
            let factor = text.parse::<f64>().ok();
            let Some(factor) = factor.filter(|factor| (0.1..=10_000.0).contains(factor)) else {
                let shown = prism_functions::domain::ids::shown(text);
                let message = format!("{shown} is no speed: it is a number from 0.1 to 10000.");
                return Err(Problem::new(Code::InvalidInput, message)
                    .hint("Try 1 or 100.")
                    .into());
            };
            cloud.set_speed(factor)?;
        }
        let speed = cloud.speed()?;
        session.out.show(&json!({ "speed": speed }), || {
            format!("The cloud's time runs at {speed} times the usual speed.\n")
        })?;
        Ok(exit::DONE)
    }
}
