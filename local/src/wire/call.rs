//! A request that is being handled.

use prism_functions::domain::{AccountId, Region};

use super::fault::Fault;
use super::groups::Groups;
use super::params::Params;
use crate::ec2::{Cloud, SimEc2};

#[derive(Debug)]
pub(super) struct Call {
    pub(super) ec2: SimEc2,
    pub(super) region: Region,
    /// The action, with EC2's name.
    pub(super) action: &'static str,
    /// The parameters of the request; handlers take them from here.
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

    /// The only Availability Zone, which contains all resources.
    pub(super) fn zone(&self) -> String {
        format!("{}a", self.region)
    }

    /// Refuses a dry run of an action for which the simulator does not support one.
    pub(super) fn no_dry_run(&mut self) -> Result<(), Fault> {
        if self.params.flag("DryRun")? {
            let message = format!("The simulator has no dry run of {}", self.action);
            return Err(Fault::new("InvalidParameterValue", message));
        }
        Ok(())
    }

    /// Ends the reading of the request; only after this may a handler change anything.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        std::mem::take(&mut self.params).finish()
    }

    /// The ARN of the AWS managed key for the account's volumes in this Region. EC2 returns keys only by ARN; only
    /// KMS returns who manages a key.
    pub(super) fn aws_managed_key(&self) -> String {
        aws_managed_key(self.account(), &self.region)
    }
}

/// See [`Call::aws_managed_key`].
pub(super) fn aws_managed_key(account: &AccountId, region: &Region) -> String {
    format!("arn:aws:kms:{region}:{account}:key/00000000-0000-4000-8000-{account}")
}
