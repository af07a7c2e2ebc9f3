//! The caller, the Region and the service of a request, from its Authorization header.
//!
//! Signatures are not verified, because there is no secret to verify them with. The simulator listens only on the
//! loopback interface.

use std::collections::BTreeMap;

use prism_functions::domain::{AccountId, Region};

use super::fault::Fault;

/// Which account an access key belongs to.
#[derive(Debug, Clone)]
pub struct Accounts {
    default: AccountId,
    by_access_key: BTreeMap<String, AccountId>,
}

impl Accounts {
    pub fn all(account: AccountId) -> Self {
        Self {
            default: account,
            by_access_key: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, access_key: impl Into<String>, account: AccountId) -> Self {
        self.by_access_key.insert(access_key.into(), account);
        self
    }

    pub fn of(&self, access_key: &str) -> &AccountId {
        self.by_access_key.get(access_key).unwrap_or(&self.default)
    }
}

/// The credential of a signed request: `AKIA…/20261123/us-east-1/ec2/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) access_key: String,
    pub(super) region: Region,
    pub(super) service: String,
}

impl Credential {
    pub(super) fn parse(header: Option<&str>, service: &str) -> Result<Self, Fault> {
        let Some(header) = header else {
            return Err(Fault::new(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ));
        };
        let credential = Self::read(header).ok_or_else(|| {
            Fault::with_status(
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            )
        })?;
        if credential.service != service {
            let message = format!("Credential should be scoped to correct service: '{service}'. ");
            return Err(Fault::new("SignatureDoesNotMatch", message));
        }
        Ok(credential)
    }

    fn read(header: &str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let field = |name: &str| {
            let mut fields = fields.split(',').map(str::trim);
            fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        };
        let signed = !field("SignedHeaders")?.is_empty() && !field("Signature")?.is_empty();
        let parts: Vec<&str> = field("Credential")?.split('/').collect();
        let [access_key, date, region, service, "aws4_request"] = parts[..] else {
            return None;
        };
        let dated = date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
        let told = signed && dated && !access_key.is_empty();
        told.then_some(Self {
            access_key: access_key.to_owned(),
            region: region.parse().ok()?,
            service: service.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "AWS4-HMAC-SHA256 Credential=AKIA/20261123/us-east-1/ec2/aws4_request, \
                        SignedHeaders=host;x-amz-date, Signature=00";

    #[test]
    fn the_scope_has_region_and_service() {
        let credential = Credential::parse(Some(GOOD), "ec2").unwrap();
        assert_eq!(credential.access_key, "AKIA");
        assert_eq!(credential.region.as_str(), "us-east-1");
    }

    #[test]
    fn unsigned_requests_are_refused() {
        let refused = |header: Option<&str>| {
            let fault = Credential::parse(header, "ec2").unwrap_err();
            (fault.status, fault.code)
        };
        let failed = (401, "AuthFailure".to_owned());
        assert_eq!(
            refused(None),
            (403, "MissingAuthenticationToken".to_owned())
        );
        assert_eq!(refused(Some("Bearer abc")), failed);
        assert_eq!(refused(Some(&GOOD.replace("aws4_request", "aws4"))), failed);
        assert_eq!(refused(Some(&GOOD.replace("us-east-1", "mars"))), failed);
        assert_eq!(refused(Some(&GOOD.replace("20261123", "today"))), failed);
        assert_eq!(refused(Some(&GOOD.replace(", Signature=00", ""))), failed);
        assert_eq!(refused(Some(&GOOD.replace("/ec2/", "/s3/"))).0, 403);
    }

    #[test]
    fn an_access_key_has_its_account() {
        let (one, two): (AccountId, AccountId) = (
            "111111111111".parse().unwrap(),
            "222222222222".parse().unwrap(),
        );
        let accounts = Accounts::all(one.clone()).with("AKIATWO", two.clone());
        assert_eq!(accounts.of("AKIATWO"), &two);
        assert_eq!(accounts.of("anything"), &one);
    }
}
