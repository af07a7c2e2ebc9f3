//! Checks in advance whether EC2 would refuse to open AMIs to others, for saves, copies and shares alike (EC2 facts,
//! "Before the stop" and "Clean-up and limits").

use std::collections::{BTreeMap, BTreeSet};

use super::keys;
use crate::domain::ec2::LaunchPermission;
use crate::domain::save::Warning;
use crate::domain::{Code, Problem, Region};
use crate::ports::{EbsDefaults, Ec2, Encryption, ImageFilter, from_ec2};
use crate::rules::Env;

/// The default quota of public AMIs of an account in a Region. EC2 does not report whether AWS has raised it.
const PUBLIC_IMAGES: usize = 5;

/// Refuses to make AMIs public in a Region where the account blocks public access. Warns if one more may exceed the
/// quota.
pub(crate) async fn check_region(
    ec2: &dyn Ec2,
    region: &Region,
    whom: &BTreeSet<LaunchPermission>,
    more: usize,
) -> Result<Option<Warning>, Problem> {
    if !whom.contains(&LaunchPermission::Everyone) {
        return Ok(None);
    }
    if ec2.public_images_blocked(region).await.map_err(from_ec2)? {
        let message = format!("The account blocks public AMIs in {region}.");
        let hint = format!(
            "Share it with specific users or accounts and save it without --public, or ask an administrator to allow public AMIs: aws ec2 disable-image-block-public-access --region {region}"
        );
        return Err(Problem::new(Code::PublicImagesBlocked, message).hint(hint));
    }
    let public = ec2.images(region, &ImageFilter::OwnPublic).await;
    let public = public.map_err(from_ec2)?.len();
    Ok((public + more > PUBLIC_IMAGES).then(|| Warning {
        code: "PublicImagesQuota".to_owned(),
        text: format!(
            "The account has {public} public AMIs in {region}, and the default quota is {PUBLIC_IMAGES}: EC2 may refuse to make more AMIs public."
        ),
    }))
}

/// Refuses an AMI whose encryption prevents opening it to the intended grantees. `what` is its volume or snapshot, as
/// in "the volume vol-1 of work".
pub(crate) fn check_encryption(
    whom: &BTreeSet<LaunchPermission>,
    what: &str,
    encryption: &Encryption,
) -> Result<Option<Warning>, Problem> {
    match encryption {
        _ if whom.is_empty() => Ok(None),
        Encryption::None => Ok(None),
        Encryption::AwsManagedKey => {
            let message = format!(
                "The AMI of {what} would be encrypted with the AWS managed key: it cannot be used outside the account."
            );
            Err(Problem::new(Code::DefaultKeyShared, message))
        }
        Encryption::CustomerKey(key) if whom.contains(&LaunchPermission::Everyone) => {
            let message = format!(
                "The AMI of {what} would be encrypted (with {key}): an encrypted AMI cannot be made public."
            );
            Err(Problem::new(Code::ShareImpossible, message)
                .hint("Share it with accounts or an organization that may use the key."))
        }
        Encryption::CustomerKey(key) => Ok(Some(Warning {
            code: "KeyPolicyNeeded".to_owned(),
            text: format!(
                "The AMI of {what} is encrypted with {key}: to let others launch it, the key's policy must allow them kms:DescribeKey, kms:CreateGrant, kms:Decrypt, kms:ReEncrypt* and kms:GenerateDataKey*."
            ),
        })),
    }
}

/// What the checks of copies have found.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    /// The keys that encrypt the copies, by Region. Copies in other Regions are not encrypted.
    pub(crate) keys: BTreeMap<Region, String>,
    pub(crate) warnings: Vec<Warning>,
}

/// How plans name the AWS managed key.
const AWS_MANAGED_KEY: &str = "aws/ebs";

/// Refuses copies to Regions in which they could not be created, or could not be opened to the intended grantees: a
/// copy is encrypted with the deployment's key for the Region, or otherwise according to the Region's defaults.
/// `sources` are the volumes or snapshots that are copied.
pub(crate) async fn check_copies(
    env: &Env,
    regions: &BTreeSet<Region>,
    whom: &BTreeSet<LaunchPermission>,
    sources: &[(String, Encryption)],
) -> Result<Copies, Problem> {
    let mut copies = Copies::default();
    for region in regions {
        let defaults = match env.settings.kms_keys.of(region) {
            Some(_) => None,
            None => Some(env.ec2.ebs_defaults(region).await.map_err(from_ec2)?),
        };
        let mut warnings: Vec<Warning> = check_region(&*env.ec2, region, whom, 1)
            .await?
            .into_iter()
            .collect();
        for (what, source) in sources {
            let encryption = of_copy(env, region, defaults.as_ref(), source);
            let checked = check_copy(env, region, whom, (what, source), &encryption).await?;
            let told = |warning: &Warning| warnings.iter().any(|it| it.code == warning.code);
            if let Some(warning) = checked.filter(|warning| !told(warning)) {
                warnings.push(warning);
            }
            let key = match encryption {
                Encryption::None => continue,
                Encryption::AwsManagedKey => AWS_MANAGED_KEY.to_owned(),
                Encryption::CustomerKey(key) => key,
            };
            copies.keys.insert(region.clone(), key);
        }
        copies.warnings.append(&mut warnings);
    }
    Ok(copies)
}

/// The encryption of a copy. `defaults` are the Region's, if the deployment has no key for it.
fn of_copy(
    env: &Env,
    region: &Region,
    defaults: Option<&EbsDefaults>,
    source: &Encryption,
) -> Encryption {
    let own = env.settings.kms_keys.of(region);
    match (own, defaults) {
        (Some(key), _) => Encryption::CustomerKey(key.to_owned()),
        (None, Some(defaults)) => defaults.of_copy(source),
        (None, None) => Encryption::None,
    }
}

/// Checks the copy of one volume or snapshot, and returns at most one warning.
async fn check_copy(
    env: &Env,
    region: &Region,
    whom: &BTreeSet<LaunchPermission>,
    (what, source): (&str, &Encryption),
    encryption: &Encryption,
) -> Result<Option<Warning>, Problem> {
    let what = format!("a copy of {what} in {region}");
    if let Encryption::CustomerKey(key) = encryption {
        env.settings.kms_keys.check(key, &what)?;
        keys::check_state(env, region, key, &what).await?;
    }
    let checked = check_encryption(whom, &what, encryption);
    let checked = checked.map_err(|problem| problem.hint(advice(region, source, encryption)))?;
    // Nobody is told about what was already true of the source.
    let narrowed = *encryption == Encryption::AwsManagedKey && *source != *encryption;
    Ok(checked.or_else(|| narrowed.then(|| not_shareable(region, &what))))
}

/// What can be done about a copy that cannot be opened.
fn advice(region: &Region, source: &Encryption, encryption: &Encryption) -> String {
    if *encryption != Encryption::AwsManagedKey {
        return format!(
            "Omit {region}, or share the template with accounts or an organization that may use the key."
        );
    }
    let or = match source {
        Encryption::None => ", or disable encryption by default",
        _ => "",
    };
    format!(
        "Omit {region}, or ask an operator to add a customer managed key of {region} to the setting KmsKeys, or an administrator to make one the default there{or}: aws ec2 modify-ebs-default-kms-key-id --region {region} --kms-key-id KEY"
    )
}

fn not_shareable(region: &Region, what: &str) -> Warning {
    let what = what.strip_prefix("a copy").unwrap_or(what);
    Warning {
        code: "CopyNotShareable".to_owned(),
        text: format!(
            "A copy{what} is encrypted with the AWS managed key (aws/ebs): unlike its source, it can never be shared with other accounts. To encrypt copies in {region} with a customer managed key, an operator adds one to the setting KmsKeys."
        ),
    }
}
