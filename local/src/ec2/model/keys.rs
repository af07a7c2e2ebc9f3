//! KMS keys: whether volumes that are encrypted with them can be attached, and KMS's responses (EC2 facts,
//! "Restart").

use prism_functions::ports::{EbsDefaults, Ec2Error, Encryption, KeyState, StateReason};

use super::{KeyPolicy, KeyRow, Model, Scope};

impl Model {
    fn key(&self, arn: &str) -> KeyRow {
        self.world().keys.get(arn).copied().unwrap_or_default()
    }

    pub(crate) fn ebs_defaults(&mut self, scope: &Scope<'_>) -> Result<EbsDefaults, Ec2Error> {
        self.admit(scope, "GetEbsEncryptionByDefault")?;
        Ok(self.defaults_in(scope))
    }

    /// The default encryption of new volumes and copies in a Region.
    pub(super) fn defaults_in(&self, scope: &Scope<'_>) -> EbsDefaults {
        let area = self.area(scope.account, scope.region);
        let key = area.and_then(|area| area.default_key.clone());
        EbsDefaults {
            encrypts: area.is_some_and(|area| area.encrypts),
            key: key.map_or(Encryption::AwsManagedKey, Encryption::CustomerKey),
        }
    }

    fn admit_kms(&mut self, scope: &Scope<'_>, action: &str) -> Result<(), Ec2Error> {
        self.advance(scope.now);
        let denied = self.world().denied.get(scope.account);
        if denied.is_some_and(|actions| actions.contains(action)) {
            return Err(denial(scope, action, "identity-based"));
        }
        Ok(())
    }

    pub(crate) fn key_state(
        &mut self,
        scope: &Scope<'_>,
        arn: &str,
    ) -> Result<Option<KeyState>, Ec2Error> {
        self.admit_kms(scope, "kms:DescribeKey")?;
        let key = self.key(arn);
        Ok((key.policy != KeyPolicy::Nobody).then_some(key.state))
    }

    /// The DryRun of a grant by the caller. KMS checks the caller's permissions before the key.
    pub(super) fn probe_grant(&mut self, scope: &Scope<'_>, arn: &str) -> Result<(), Ec2Error> {
        const ACTION: &str = "kms:CreateGrant";
        self.admit_kms(scope, ACTION)?;
        let key = self.key(arn);
        if key.policy != KeyPolicy::Account {
            let refused = denial(scope, ACTION, "resource-based");
            return Err(Ec2Error::new(ACTION, Ec2Error::KEY_POLICY, refused.message));
        }
        let (code, is) = match key.state {
            KeyState::Enabled | KeyState::Updating => return Ok(()),
            KeyState::Disabled => ("DisabledException", "is disabled".to_owned()),
            KeyState::Gone => ("NotFoundException", "does not exist".to_owned()),
            state => {
                let is = format!("is {}", state.as_str());
                ("KMSInvalidStateException", is)
            }
        };
        Err(Ec2Error::new(ACTION, code, format!("{arn} {is}.")))
    }

    /// The key, if it cannot be used, so that nothing with this encryption can be attached, copied or captured.
    pub(super) fn lost_key<'a>(&self, encryption: &'a Encryption) -> Option<&'a str> {
        let Encryption::CustomerKey(arn) = encryption else {
            return None;
        };
        let key = self.key(arn);
        let allows = matches!(key.policy, KeyPolicy::Account | KeyPolicy::GrantsForAws);
        (!key.state.is_usable() || !allows).then_some(arn)
    }

    /// Why an instance with a volume with this encryption returns to `stopped`: attaching a volume requires a grant.
    pub(super) fn attachment_failure(&self, encryption: &Encryption) -> Option<StateReason> {
        let key = self.key(self.lost_key(encryption)?);
        let (code, why) = if key.state.is_usable() {
            ("Client.InternalError", "Client error on launch")
        } else {
            (
                "Client.InvalidKMSKey.InvalidState",
                "The KMS key provided is in an incorrect state",
            )
        };
        Some(StateReason {
            code: code.to_owned(),
            message: format!("{code}: {why}"),
        })
    }
}

fn denial(scope: &Scope<'_>, action: &str, policy: &str) -> Ec2Error {
    let message = format!(
        "User: arn:aws:iam::{}:user/prism is not authorized to perform: {action} because no {policy} \
         policy allows the {action} action",
        scope.account
    );
    Ec2Error::new(action, "AccessDeniedException", message)
}
