//! `prism project member`.

mod add;
mod class;
mod list;
mod remove;

commands! {
    /// Manage the members of a project and their roles
    Members {
        Add(add::Add),
        Remove(remove::Remove),
        #[command(visible_alias = "ls")]
        List(list::List),
    }
}
