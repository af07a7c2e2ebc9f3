//! `prism notify test`.

use clap::Args;
use prism_functions::operations::parts::Nothing;
use prism_functions::operations::{Asked, TestNotify};

use crate::errors::Outcome;
use crate::session::Session;

/// Send yourself a test notice
#[derive(Debug, Args)]
pub(crate) struct Test {}

impl Test {
    pub(crate) async fn run(self, session: &Session) -> Outcome {
        let asked = Asked::<TestNotify>::of(Nothing {});
        let test = session.client.ask(asked).await?;
        session.out.done(&test, || {
            let by: Vec<&str> = test.channels.iter().map(|it| it.as_str()).collect();
            format!(
                "{} is on its way by {}. Whether it arrives: prism notify show\n",
                test.id,
                by.join(" and ")
            )
        })
    }
}
