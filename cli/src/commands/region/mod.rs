//! `prism region`.

mod list;

pub(crate) use list::List;

commands! {
    /// List the Regions of the account
    Regions {
        #[command(visible_alias = "ls")]
        List(list::List),
    }
}
