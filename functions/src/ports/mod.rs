//! The external interfaces of the core: narrow traits that use domain types and no SDK types.

mod call;
mod clock;
mod couriers;
mod ec2;
mod entropy;
mod executions;
mod inspect;
mod notifier;
mod parameters;
mod refusal;
mod schedules;
mod sessions;
mod table;
pub mod table_cursor;
pub mod table_rules;

pub use call::Call;
pub use clock::Clock;
pub use couriers::{CourierError, Couriers, Mail, Mailer, Post, Webhooks};
pub use ec2::*;
pub use entropy::{Entropy, OsEntropy};
pub use executions::{Execution, ExecutionStatus, Executions, ExecutionsError};
pub use inspect::Inspect;
pub use notifier::{Notice, Notifier, NotifierError};
pub use parameters::Parameters;
pub(crate) use refusal::named_action;
pub use refusal::{Fault, Refusal, advice};
pub use schedules::{Firing, Schedules, SchedulesError};
pub use sessions::{Sessions, Ticket};
pub use table::*;
