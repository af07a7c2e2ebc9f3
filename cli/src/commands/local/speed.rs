//! `prism local speed`.

use clap::Args;
use prism_functions::domain::{Code, Problem};
use serde_json::json;

use crate::errors::Outcome;
use crate::session::Session;

/// Show or change the speed of the cloud's clock
#[derive(Debug, Args)]
pub(crate) struct Speed {
    /// The factor relative to real time, 0.1 to 10000
    factor: Option<String>,
}

impl Speed {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let cloud = &session.embedded()?.cloud;
        if let Some(text) = &self.factor {
            let factor = text.parse::<f64>().ok();
            let Some(factor) = factor.filter(|factor| (0.1..=10_000.0).contains(factor)) else {
                let shown = prism_functions::domain::ids::shown(text);
                let message =
                    format!("{shown} is not a valid speed: use a number from 0.1 to 10000.");
                return Err(Problem::new(Code::InvalidInput, message)
                    .hint("Try 1 or 100.")
                    .into());
            };
            cloud.set_speed(factor)?;
        }
        let speed = cloud.speed()?;
        session.out.done(&json!({ "speed": speed }), || {
            format!("The cloud's clock runs at {speed} times the normal speed.\n")
        })
    }
}
