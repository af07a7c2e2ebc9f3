//! Wrappers around the parts of a world, for tests that intercept calls.

use std::sync::Arc;

use prism_asl::Functions;
use prism_functions::ports::{Ec2, Executions, Inspect, Notifier, Table};

/// Wraps the core's ports and the definition's functions. Methods that are not overridden wrap nothing.
pub trait Between: Send + Sync {
    /// Wraps EC2.
    fn ec2(&self, ec2: Arc<dyn Ec2>) -> Arc<dyn Ec2> {
        ec2
    }

    /// Wraps the table.
    fn table(&self, table: Arc<dyn Table>) -> Arc<dyn Table> {
        table
    }

    /// Wraps the port that inspects instances.
    fn inspect(&self, inspect: Arc<dyn Inspect>) -> Arc<dyn Inspect> {
        inspect
    }

    /// Wraps the port that sends notifications.
    fn notifier(&self, notifier: Arc<dyn Notifier>) -> Arc<dyn Notifier> {
        notifier
    }

    /// Wraps the executions that the service starts.
    fn executions(&self, executions: Arc<dyn Executions>) -> Arc<dyn Executions> {
        executions
    }

    /// Wraps the functions that the definition calls.
    fn functions(&self, functions: Arc<dyn Functions>) -> Arc<dyn Functions> {
        functions
    }
}

/// Wraps nothing.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Between for Nothing {}
