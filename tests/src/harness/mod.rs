//! Replaces Lambda and AWS around a function's process: the Runtime API, a DynamoDB server with one table, TLS in front
//! of plain servers, and the process itself with its log and its resource usage. Everything listens on 127.0.0.1.

mod dynamo;
mod function;
mod http;
mod runtime_api;
mod tls;

pub use dynamo::{DynamoDb, Reply, item, table};
pub use function::{Cost, Function, Program};
pub use runtime_api::{Answer, RuntimeApi};
pub use tls::{TlsError, TlsFront};
