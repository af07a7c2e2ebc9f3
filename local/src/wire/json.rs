//! Actions of other services that complement EC2's: SSM GetParameter, which returns the IDs of public AMIs, SSM
//! ListInventoryEntries, which lists what is installed, and the KMS actions for the keys of volumes (`keys.rs`). All
//! of them use JSON.

use prism_functions::domain::Region;
use prism_functions::domain::ids::shown;
use prism_functions::ports::Parameters as _;
use serde_json::{Value, json};

use super::fault::Fault;
use super::fields::{Fields, fields, invalid, only_text};
use super::{inventory, keys};
use crate::ec2::SimEc2;

/// An action of a JSON service, from its `X-Amz-Target` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    GetParameter,
    ListInventoryEntries,
    DescribeKey,
    CreateGrant,
}

impl Target {
    pub(super) fn of(header: &str) -> Result<Self, Fault> {
        match header {
            "AmazonSSM.GetParameter" => Ok(Self::GetParameter),
            "AmazonSSM.ListInventoryEntries" => Ok(Self::ListInventoryEntries),
            "TrentService.DescribeKey" => Ok(Self::DescribeKey),
            "TrentService.CreateGrant" => Ok(Self::CreateGrant),
            other => {
                let message = format!("The simulator does not know {}", shown(other));
                Err(Fault::new("UnknownOperationException", message))
            }
        }
    }

    pub(super) fn service(self) -> &'static str {
        match self {
            Self::GetParameter | Self::ListInventoryEntries => "ssm",
            Self::DescribeKey | Self::CreateGrant => "kms",
        }
    }

    pub(super) fn action(self) -> &'static str {
        match self {
            Self::GetParameter => "GetParameter",
            Self::ListInventoryEntries => "ListInventoryEntries",
            Self::DescribeKey => "DescribeKey",
            Self::CreateGrant => "CreateGrant",
        }
    }

    pub(super) async fn answer(
        self,
        ec2: &SimEc2,
        region: &Region,
        body: &[u8],
    ) -> Result<Value, Fault> {
        let fields = fields(body)?;
        match self {
            Self::GetParameter => parameter(ec2, region, fields).await,
            Self::ListInventoryEntries => inventory::entries(ec2, region, fields).await,
            Self::DescribeKey => keys::describe(ec2, region, fields).await,
            Self::CreateGrant => keys::grant(ec2, region, fields).await,
        }
    }
}

async fn parameter(ec2: &SimEc2, region: &Region, mut fields: Fields) -> Result<Value, Fault> {
    if !matches!(fields.remove("WithDecryption"), None | Some(Value::Bool(_))) {
        return Err(invalid("WithDecryption is true or false"));
    }
    let name = only_text(fields, "Name")?;
    let image = ec2.image(region, &name).await?;
    Ok(json!({ "Parameter": {
        "Name": name,
        "Type": "String",
        "Value": image,
        "Version": 1,
        "LastModifiedDate": 0.0,
        "ARN": format!("arn:aws:ssm:{region}::parameter{name}"),
        "DataType": "aws:ec2:image",
    }}))
}
