//! A request that is being handled.

use prism_functions::domain::{AccountId, Region, Timestamp};

use super::fault::{Fault, unusable};
use super::filters::Filters;
use super::groups::Groups;
use super::pages::Paging;
use super::params::Params;
use crate::ec2::{Model, SimEc2};

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

    /// Reads or changes the model directly, where no port does.
    pub(super) fn model<T>(
        &self,
        act: impl FnOnce(&mut Model, Timestamp) -> T,
    ) -> Result<T, Fault> {
        self.ec2.cloud().with(act).map_err(|error| unusable(&error))
    }

    /// Ends the reading of a request for a list. One that is neither filtered nor paginated, nor `names` resources,
    /// uses an additional token.
    pub(super) fn listing(&mut self, names: bool, filters: &Filters) -> Result<Paging, Fault> {
        let paging = Paging::take(&mut self.params, self.action, 5..=1000)?.unless_named(names)?;
        self.finish()?;
        if !names && filters.are_none() && paging.is_none() {
            self.ec2.ask_for_everything(&self.region, self.action)?;
        }
        Ok(paging)
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
}

/// The ARN of the AWS managed key for an account's volumes in a Region. EC2 returns keys only by ARN; only KMS returns
/// who manages a key.
pub(super) fn aws_managed_key(account: &AccountId, region: &Region) -> String {
    format!("arn:aws:kms:{region}:{account}:key/00000000-0000-4000-8000-{account}")
}
