//! What stands around a function's process in place of Lambda and AWS: the Runtime API, a DynamoDB
//! of one table, TLS in front of plain servers, and the process itself with its log and its cost.
//! Everything listens on 127.0.0.1.

mod dynamo;
mod function;
mod http;
mod runtime_api;
mod tls;

pub use dynamo::{DynamoDb, Reply, item, table};
pub use function::{Cost, Function, Program};
pub use runtime_api::{Answer, RuntimeApi};
pub use tls::{TlsError, TlsFront};
