//! `prism saves`.

mod cancel;
mod list;
mod recover;
mod status;
mod watch;

use prism_functions::domain::{Problem, SaveId};

commands! {
    /// List, watch, cancel and recover saves
    Saves {
        List(list::List),
        Status(status::Status),
        Watch(watch::Watch),
        Cancel(cancel::Cancel),
        Recover(recover::Recover),
    }
}

fn save_id(text: &str) -> Result<SaveId, Problem> {
    Ok(text.parse::<SaveId>()?)
}
