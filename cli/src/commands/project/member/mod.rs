//! `prism project member`.

mod add;
mod list;
mod remove;

commands! {
    /// Manage the members of a project and their roles
    Members {
        Add(add::Add),
        Remove(remove::Remove),
        List(list::List),
    }
}
