//! `prism audit`.

mod export;
mod list;
mod range;

commands! {
    /// See who changed what, when and from where
    Audit {
        List(list::List),
        Export(export::Export),
    }
}
