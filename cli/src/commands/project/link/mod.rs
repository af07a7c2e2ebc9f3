//! `prism project link`.

mod create;
mod list;
mod revoke;

commands! {
    /// Manage join links: codes with which users add themselves to a project
    Links {
        Create(create::Create),
        #[command(visible_alias = "ls")]
        List(list::List),
        Revoke(revoke::Revoke),
    }
}
