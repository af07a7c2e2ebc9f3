//! What would reach people: the e-mails and the requests to webhooks that a world has sent.

use std::sync::Mutex;

use async_trait::async_trait;
use prism_functions::ports::{CourierError, Mail, Mailer, Post, Webhooks};

#[derive(Debug, Default)]
struct State {
    mails: Vec<Mail>,
    posts: Vec<Post>,
    /// Why nothing arrives.
    down: Option<CourierError>,
}

/// Couriers that keep what they were given.
#[derive(Debug, Default)]
pub struct Letters(Mutex<State>);

impl Letters {
    fn with<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.lock().expect("no test panics while it holds them");
        use_it(&mut state)
    }

    /// Takes the e-mails that were sent.
    pub fn mails(&self) -> Vec<Mail> {
        self.with(|state| std::mem::take(&mut state.mails))
    }

    /// Takes the requests that webhooks received.
    pub fn posts(&self) -> Vec<Post> {
        self.with(|state| std::mem::take(&mut state.posts))
    }

    /// From now on, nothing arrives, or everything again.
    pub fn break_down(&self, error: Option<CourierError>) {
        self.with(|state| state.down = error);
    }
}

#[async_trait]
impl Mailer for Letters {
    async fn send(&self, mail: &Mail) -> Result<(), CourierError> {
        self.with(|state| {
            if let Some(error) = &state.down {
                return Err(error.clone());
            }
            state.mails.push(mail.clone());
            Ok(())
        })
    }
}

#[async_trait]
impl Webhooks for Letters {
    async fn post(&self, post: &Post) -> Result<(), CourierError> {
        self.with(|state| {
            if let Some(error) = &state.down {
                return Err(error.clone());
            }
            state.posts.push(post.clone());
            Ok(())
        })
    }

    fn reaches_this_machine(&self) -> bool {
        true
    }
}
