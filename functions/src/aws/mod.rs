//! Implements the ports with the AWS SDK, and contains the code of the Lambda functions. It is behind the feature
//! `aws`: nothing else in the workspace compiles an SDK.
//!
//! Each adapter is one file that converts domain types into a request, and a response into domain types. Retries,
//! timeouts and credentials are configured once, in [`Clients`]; the environment is read once, into a [`Config`].

mod clients;
mod clock;
mod ec2;
mod executions;
mod failure;
mod gateway;
mod handler;
mod identity;
mod inspect;
mod lambda;
mod logs;
mod mailer;
mod metrics;
mod notifier;
mod panics;
mod parameters;
mod schedules;
mod sessions;
mod table;
#[cfg(test)]
mod testing;

pub use crate::rules::config::{self, Config, ConfigError, ScheduleTarget};

pub use clients::{Clients, Limits, NoRegion};
pub use clock::SystemClock;
pub use ec2::AwsEc2;
pub use executions::StepFunctions;
pub use handler::{API, DELIVER, ENDS, Handler, SWEEP, UnknownHandler, WAKE};
pub use identity::caller_arn;
pub use inspect::SsmInventory;
pub use lambda::{run, service};
pub use mailer::SesMailer;
pub use notifier::EventNotifier;
pub use parameters::PublicParameters;
pub use schedules::EventBridgeSchedules;
pub use sessions::SessionManager;
pub use table::{DynamoTable, TableShape};
