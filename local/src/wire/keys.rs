//! KMS DescribeKey, which returns who manages a volume's key and whether the key can be used, and the DryRun of KMS
//! CreateGrant.

use prism_functions::domain::ids::shown;
use prism_functions::domain::{AccountId, Region};
use prism_functions::ports::{Ec2 as _, Ec2ErrorKind, KeyState, Probe};
use serde_json::{Value, json};

use super::call::aws_managed_key;
use super::fault::Fault;
use super::fields::{Fields, invalid, only_text, text};
use super::looks;
use crate::ec2::SimEc2;

/// The ARN of a key, and who manages it. A key is not found if it encrypts nothing in the account.
fn known(ec2: &SimEc2, region: &Region, asked: &str) -> Result<(String, &'static str), Fault> {
    let account: &AccountId = ec2.account();
    let ours = aws_managed_key(account, region);
    let names = [
        ours.as_str(),
        ours.rsplit('/').next().unwrap_or_default(),
        "alias/aws/ebs",
        &format!("arn:aws:kms:{region}:{account}:alias/aws/ebs"),
    ];
    if names.contains(&asked) {
        return Ok((ours, "AWS"));
    }
    let known = looks::has_customer_key(ec2.cloud(), account, asked);
    if !known.map_err(|error| looks::unusable(&error))? {
        let message = format!("Key {} does not exist", shown(asked));
        return Err(Fault::new("NotFoundException", message));
    }
    Ok((asked.to_owned(), "CUSTOMER"))
}

pub(super) async fn describe(
    ec2: &SimEc2,
    region: &Region,
    fields: Fields,
) -> Result<Value, Fault> {
    let (arn, manager) = known(ec2, region, &only_text(fields, "KeyId")?)?;
    let state = match ec2.key_state(region, &arn).await? {
        None => return Err(denied("kms:DescribeKey", &arn)),
        Some(KeyState::Gone) => {
            let message = format!("Key {} does not exist", shown(&arn));
            return Err(Fault::new("NotFoundException", message));
        }
        Some(state) => state,
    };
    Ok(json!({ "KeyMetadata": {
        "AWSAccountId": ec2.account(),
        "KeyId": arn.rsplit('/').next().unwrap_or(&arn),
        "Arn": arn,
        "Enabled": state == KeyState::Enabled,
        "KeyState": state.as_str(),
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyManager": manager,
        "Origin": "AWS_KMS",
    }}))
}

/// The simulator has no grants. It only supports the DryRun, which checks whether one could be created.
pub(super) async fn grant(
    ec2: &SimEc2,
    region: &Region,
    mut fields: Fields,
) -> Result<Value, Fault> {
    if fields.remove("DryRun") != Some(Value::Bool(true)) {
        return Err(invalid("The simulator makes no grants: set DryRun"));
    }
    text(&mut fields, "GranteePrincipal")?;
    let operations = fields.remove("Operations");
    let named = operations.as_ref().and_then(Value::as_array);
    if named.is_none_or(Vec::is_empty) {
        return Err(invalid("Operations is missing or no list"));
    }
    let (arn, _) = known(ec2, region, &only_text(fields, "KeyId")?)?;
    match ec2.probe(region, &Probe::Grant(arn.clone())).await {
        Err(error) if error.kind() == Ec2ErrorKind::KeyPolicy => {
            Err(denied("kms:CreateGrant", &arn))
        }
        Err(error) => Err(error.into()),
        Ok(()) => {
            let message = "The request would have succeeded, but the DryRun option is set.";
            Err(Fault::with_status(412, "DryRunOperationException", message))
        }
    }
}

/// KMS's error if a key's own policy denies access.
fn denied(action: &str, arn: &str) -> Fault {
    let message = format!(
        "User: arn:aws:iam::111122223333:user/prism is not authorized to perform: {action} on \
         resource: {arn} because no resource-based policy allows the {action} action"
    );
    Fault::new("AccessDeniedException", message)
}
