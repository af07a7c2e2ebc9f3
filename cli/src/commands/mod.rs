//! The commands, one module each.

/// Declares the commands of a group, and runs the one that was given.
macro_rules! commands {
    ($(#[$about:meta])* $group:ident { $($(#[$attribute:meta])* $name:ident($args:ty),)* }) => {
        $(#[$about])*
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum $group {
            $($(#[$attribute])* $name($args),)*
        }

        impl $group {
            pub(crate) async fn run(
                self,
                session: &crate::session::Session,
            ) -> crate::errors::Outcome {
                match self {
                    $(Self::$name(args) => Box::pin(args.run(session)).await,)*
                }
            }
        }
    };
}

pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod configure;
pub(crate) mod connect;
pub(crate) mod costs;
pub(crate) mod cp;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod extend;
pub(crate) mod help;
pub(crate) mod key;
pub(crate) mod launch;
pub(crate) mod list;
pub(crate) mod local;
pub(crate) mod man;
pub(crate) mod notify;
pub(crate) mod open;
pub(crate) mod project;
pub(crate) mod region;
pub(crate) mod rename;
pub(crate) mod resize;
pub(crate) mod save;
pub(crate) mod saves;
pub(crate) mod schedule;
mod shell;
pub(crate) mod show;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod template;
pub(crate) mod terminate;
