//! `prism saves`.

mod cancel;
mod list;
mod recover;
mod show;
mod watch;

commands! {
    /// List, watch, cancel and recover saves
    Saves {
        #[command(visible_alias = "ls")]
        List(list::List),
        #[command(alias = "status", alias = "info")]
        Show(show::Show),
        Watch(watch::Watch),
        Cancel(cancel::Cancel),
        Recover(recover::Recover),
    }
}
