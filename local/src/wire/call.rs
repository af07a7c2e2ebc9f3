//! A request on its way through a handler.

use prism_functions::domain::{AccountId, Region};

use super::fault::Fault;
use super::groups::Groups;
use super::params::Params;
use crate::ec2::{Cloud, SimEc2};

/// What a handler is given.
#[derive(Debug)]
pub(super) struct Call {
    /// The caller's account.
    pub(super) ec2: SimEc2,
    /// Where it asks.
    pub(super) region: Region,
    /// The action, by EC2's name.
    pub(super) action: &'static str,
    /// What it asks; handlers take from here.
    pub(super) params: Params,
    /// Security groups, which the cloud itself does not have.
    pub(super) groups: Groups,
}

impl Call {
    pub(super) fn account(&self) -> &AccountId {
        self.ec2.account()
    }

    pub(super) fn cloud(&self) -> &Cloud {
        self.ec2.cloud()
    }

    /// The one zone that everything here is in.
    pub(super) fn zone(&self) -> String {
        format!("{}a", self.region)
    }

    /// Refuses a dry run of an action that the simulator cannot ask about beforehand.
    pub(super) fn no_dry_run(&mut self) -> Result<(), Fault> {
        if self.params.flag("DryRun")? {
            let message = format!("The simulator has no dry run of {}", self.action);
            return Err(Fault::new("InvalidParameterValue", message));
        }
        Ok(())
    }

    /// Ends the reading of the request; everything after this may act.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        std::mem::take(&mut self.params).finish()
    }

    /// The ARN of the key that AWS manages for the account's volumes in this Region. EC2 tells keys
    /// by ARN alone; whose key it is, only KMS tells.
    pub(super) fn aws_managed_key(&self) -> String {
        aws_managed_key(self.account(), &self.region)
    }
}

/// See [`Call::aws_managed_key`].
pub(super) fn aws_managed_key(account: &AccountId, region: &Region) -> String {
    format!("arn:aws:kms:{region}:{account}:key/00000000-0000-4000-8000-{account}")
}
