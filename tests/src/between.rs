//! Wrappers around the parts of a world, for tests that intercept calls.

use std::sync::Arc;

use prism_asl::Functions;
use prism_functions::ports::{Clock, Ec2, Executions, Inspect, Notifier, Table};

/// Wraps the core's ports and the definition's functions. Methods that are not overridden wrap nothing.
pub trait Between: Send + Sync {
    /// The clock of the functions. EC2 and the executions have their own.
    fn clock(&self, clock: Arc<dyn Clock>) -> Arc<dyn Clock> {
        clock
    }

    fn ec2(&self, ec2: Arc<dyn Ec2>) -> Arc<dyn Ec2> {
        ec2
    }

    fn table(&self, table: Arc<dyn Table>) -> Arc<dyn Table> {
        table
    }

    fn inspect(&self, inspect: Arc<dyn Inspect>) -> Arc<dyn Inspect> {
        inspect
    }

    fn notifier(&self, notifier: Arc<dyn Notifier>) -> Arc<dyn Notifier> {
        notifier
    }

    fn executions(&self, executions: Arc<dyn Executions>) -> Arc<dyn Executions> {
        executions
    }

    fn functions(&self, functions: Arc<dyn Functions>) -> Arc<dyn Functions> {
        functions
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Between for Nothing {}
