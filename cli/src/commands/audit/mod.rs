//! `prism audit`.

mod list;

commands! {
    /// See who changed what, when and from where
    Audit {
        List(list::List),
    }
}
