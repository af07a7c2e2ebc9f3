//! Maps AWS principals to Prism users. AWS has already authenticated the principal: the ARN comes from API Gateway's
//! IAM authorizer or from STS, never from a request body (promise P7).

use std::str::FromStr;

use super::ids::shown;
use super::{Code, Problem, UserId};

/// How the user name is derived from an assumed role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IamIdentity {
    /// The whole principal: `iam:role/ROLE/SESSION`. Anyone who can assume a role can choose the session name, so
    /// including the role ensures that nobody can impersonate a principal of another kind or role.
    #[default]
    Arn,
    /// Only the session name. This is safe if the trust policies of all roles ensure that the session name is the name
    /// of the person, as IAM Identity Center does. A person is then the same user under every role and in the portal.
    SessionName,
}

impl FromStr for IamIdentity {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "arn" => Ok(Self::Arn),
            "session-name" => Ok(Self::SessionName),
            _ => Err(Problem::new(
                Code::InvalidInput,
                format!(
                    "{} is not a valid IAM identity: it must be \"arn\" or \"session-name\".",
                    shown(text)
                ),
            )),
        }
    }
}

/// Returns the user for a principal's ARN. The user name does not contain the account, because the HTTP API admits
/// principals of only one account.
pub fn user_of_arn(arn: &str, identity: IamIdentity) -> Result<UserId, Problem> {
    let Some((service, resource)) = parts(arn) else {
        let message = format!("{} is not the ARN of an AWS principal.", shown(arn));
        return Err(Problem::new(Code::NotAllowed, message));
    };
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    let user = match (service, kind) {
        ("iam", "root") if name.is_empty() => "iam:root".to_owned(),
        ("iam", "user") | ("sts", "federated-user") if !name.is_empty() => {
            format!("iam:{resource}")
        }
        ("sts", "assumed-role") => match (name.split_once('/'), identity) {
            (Some((role, session)), _) if role.is_empty() || !is_session(session) => {
                return Err(no_user(arn));
            }
            (Some((_, session)), IamIdentity::SessionName) => session.to_owned(),
            (Some((role, session)), IamIdentity::Arn) => format!("iam:role/{role}/{session}"),
            (None, _) => return Err(no_user(arn)),
        },
        _ => return Err(no_user(arn)),
    };
    user.parse().map_err(|invalid| {
        let message = format!(
            "The name of the principal {} is not a valid user name.",
            shown(arn)
        );
        Problem::new(Code::NotAllowed, message)
            .because(invalid)
            .hint("Use a principal whose name contains only letters, digits or any of . _ - @ + =.")
    })
}

fn parts(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (head, partition) = (parts.next()?, parts.next()?);
    let (service, _region, account) = (parts.next()?, parts.next()?, parts.next()?);
    let known = head == "arn" && partition.starts_with("aws") && !account.is_empty();
    known.then_some((service, parts.next()?))
}

/// Checks a session name. AWS does not allow these characters in session names; with them, a session could be mistaken
/// for another principal.
fn is_session(name: &str) -> bool {
    !name.is_empty() && !name.contains([':', '/'])
}

fn no_user(arn: &str) -> Problem {
    let message = format!("The principal {} cannot be a user of Prism.", shown(arn));
    Problem::new(Code::NotAllowed, message).hint("Use an IAM user or an assumed role.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";

    fn user(arn: &str, identity: IamIdentity) -> Result<String, Code> {
        let arn = arn.replace("ACCOUNT", ACCOUNT);
        let user = user_of_arn(&arn, identity);
        user.map(String::from).map_err(|problem| problem.code)
    }

    #[test]
    fn every_kind_of_principal_has_its_user() {
        for (arn, by_arn, by_session) in [
            (
                "arn:aws:iam::ACCOUNT:user/ann",
                "iam:user/ann",
                "iam:user/ann",
            ),
            (
                "arn:aws:iam::ACCOUNT:user/lab/ann",
                "iam:user/lab/ann",
                "iam:user/lab/ann",
            ),
            (
                "arn:aws:sts::ACCOUNT:assumed-role/Researcher/ann@university.edu",
                "iam:role/Researcher/ann@university.edu",
                "ann@university.edu",
            ),
            (
                "arn:aws-us-gov:sts::ACCOUNT:assumed-role/R/i-0123456789abcdef0",
                "iam:role/R/i-0123456789abcdef0",
                "i-0123456789abcdef0",
            ),
            (
                "arn:aws:sts::ACCOUNT:federated-user/ann",
                "iam:federated-user/ann",
                "iam:federated-user/ann",
            ),
            ("arn:aws:iam::ACCOUNT:root", "iam:root", "iam:root"),
        ] {
            assert_eq!(user(arn, IamIdentity::Arn).as_deref(), Ok(by_arn));
            assert_eq!(
                user(arn, IamIdentity::SessionName).as_deref(),
                Ok(by_session)
            );
        }
    }

    #[test]
    fn what_is_no_principal_is_nobody() {
        for arn in [
            "",
            "ann",
            "arn:aws:iam::ACCOUNT",
            "arn:aws:iam::ACCOUNT:user/",
            "arn:aws:iam::ACCOUNT:role/R",
            "arn:aws:iam:::user/ann",
            "arn:aws:s3::ACCOUNT:user/ann",
            "arn:aws:sts::ACCOUNT:assumed-role/R",
            "arn:aws:sts::ACCOUNT:assumed-role/R/",
            "arn:aws:sts::ACCOUNT:assumed-role//s",
            "arn:aws:sts::ACCOUNT:assumed-role/R/iam:user/ann",
            "urn:aws:iam::ACCOUNT:user/ann",
            "arn:aws:iam::ACCOUNT:user/a,b",
            "arn:aws:iam::ACCOUNT:user/a b",
        ] {
            for identity in [IamIdentity::Arn, IamIdentity::SessionName] {
                assert_eq!(user(arn, identity), Err(Code::NotAllowed), "{arn}");
            }
        }
    }

    #[test]
    fn the_setting_reads_its_two_words() {
        assert_eq!("arn".parse::<IamIdentity>().unwrap(), IamIdentity::Arn);
        let by_session = "session-name".parse::<IamIdentity>().unwrap();
        assert_eq!(by_session, IamIdentity::SessionName);
        assert!("session".parse::<IamIdentity>().is_err());
    }
}
