//! What may lie between the parts of a world, for those who want to be in the way.

use std::sync::Arc;

use prism_asl::Functions;
use prism_functions::ports::{Ec2, Executions, Inspect, Notifier, Table};

/// Puts something between the core and its ports, and between the definition and its functions.
/// Whatever it does not name stays as it is.
pub trait Between: Send + Sync {
    /// Between the core and EC2.
    fn ec2(&self, ec2: Arc<dyn Ec2>) -> Arc<dyn Ec2> {
        ec2
    }

    /// Between the core and its table.
    fn table(&self, table: Arc<dyn Table>) -> Arc<dyn Table> {
        table
    }

    /// Between the core and what looks into instances.
    fn inspect(&self, inspect: Arc<dyn Inspect>) -> Arc<dyn Inspect> {
        inspect
    }

    /// Between the core and where notices go.
    fn notifier(&self, notifier: Arc<dyn Notifier>) -> Arc<dyn Notifier> {
        notifier
    }

    /// Between the service and the executions.
    fn executions(&self, executions: Arc<dyn Executions>) -> Arc<dyn Executions> {
        executions
    }

    /// Between the definition and its functions.
    fn functions(&self, functions: Arc<dyn Functions>) -> Arc<dyn Functions> {
        functions
    }
}

/// Nothing.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Between for Nothing {}
