//! What to do about a call that AWS refused for a reason that lies in how Prism is set up, and not
//! in the call.

/// The credentials are of no use any more.
const EXPIRED: &str = "Get new credentials: these have expired.";
/// The clock is off.
const CLOCK: &str = "Set the clock: AWS takes no request whose time is minutes off.";
/// The credentials are not known.
const UNKNOWN_CREDENTIALS: &str = "Check the credentials, and that they are of this account and \
     partition; if they are right, check the clock.";
/// There are no credentials.
const NO_CREDENTIALS: &str = "Give it credentials: a role, a profile (AWS_PROFILE), or keys.";
/// A permission is missing.
const PERMISSION: &str = "Ask an administrator to grant the action that the message names.";
/// The table is not there.
const TABLE: &str = "Check the table's name (PRISM_TABLE) and the Region (AWS_REGION): there is no \
     such table.";
/// The service cannot be reached.
const NETWORK: &str = "Check the Region (AWS_REGION) and the endpoint, and that the network leads \
     to AWS.";

/// What to do about AWS's error `code`, which said `message`; `None` where it says nothing about
/// how Prism is set up.
pub fn advice(code: &str, message: &str) -> Option<&'static str> {
    Some(match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => EXPIRED,
        "InvalidSignatureException" | "SignatureDoesNotMatch" if is_about_time(message) => CLOCK,
        "RequestTimeTooSkewed" => CLOCK,
        "AuthFailure" if message.contains("Not authorized") => PERMISSION,
        "AuthFailure"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException"
        | "IncompleteSignature" => UNKNOWN_CREDENTIALS,
        "MissingAuthenticationTokenException" | "RequestNotSent" => NO_CREDENTIALS,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => PERMISSION,
        "ResourceNotFoundException" => TABLE,
        "Unreachable" => NETWORK,
        _ => return None,
    })
}

/// Whether AWS found a signature too old, or not yet valid.
fn is_about_time(message: &str) -> bool {
    message.contains("Signature expired") || message.contains("Signature not yet current")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_another_time_is_the_clocks_fault() {
        let code = "InvalidSignatureException";
        for message in [
            "Signature expired: 20260105T090000Z is now earlier than 20260105T095500Z",
            "Signature not yet current: 20260105T110000Z is still later than 20260105T101500Z",
        ] {
            assert_eq!(advice(code, message), Some(CLOCK));
        }
        let message = "The request signature we calculated does not match";
        assert_eq!(advice(code, message), Some(UNKNOWN_CREDENTIALS));
    }

    #[test]
    fn what_says_nothing_about_the_setup_has_no_advice() {
        assert_eq!(advice("RequestLimitExceeded", "slow down"), None);
    }
}
