//! Tests the API backend with AWS credentials, wherever they come from.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod fake;

use std::fs;
use std::path::PathBuf;

use common::{Answer, answer, program};
use fake::{Asked, Fake, Reply};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The cached session of single sign-on is found by the SHA-1 of its name, `campus`.
const SESSION: &str = "3930d9085fc7c764023cad15bbf2b9ff1b048ccb.json";

/// The program with the profile of an API that takes signatures, and an empty home.
struct Member {
    home: TempDir,
    api: Fake,
}

impl Member {
    /// A member whose profile names this AWS profile, if any.
    fn of(aws_profile: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let api = Fake::new(|_, _| Reply::json(200, json!({ "items": [], "cursor": null })));
        let named = aws_profile.map(|name| format!("aws_profile = \"{name}\"\n"));
        let text = format!(
            "schema = 1\ndefault = \"ours\"\n[profile.ours]\nbackend = \"api\"\n\
             region = \"eu-west-1\"\nurl = \"{}\"\n{}",
            api.url(),
            named.unwrap_or_default()
        );
        fs::write(home.path().join("config.toml"), text).unwrap();
        Self { home, api }
    }

    /// Writes a file of AWS's tools.
    fn aws(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(".aws").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn list(&self, variables: &[(&str, &str)]) -> Answer {
        let mut command = program();
        command
            .env("PRISM_CONFIG", self.home.path().join("config.toml"))
            .env("HOME", self.home.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().copied());
        answer(&command.args(["--json", "saves", "list"]).output().unwrap())
    }

    /// The request that the API got for a list that succeeded.
    fn signed(&self, variables: &[(&str, &str)]) -> Asked {
        let listed = self.list(variables);
        assert_eq!(listed.code, 0, "{}", listed.stderr);
        self.api.asked().remove(0)
    }

    /// The error of a list that failed, without any request to the API.
    fn refused(&self, variables: &[(&str, &str)]) -> Value {
        let told = self.list(variables);
        assert_eq!(told.code, 1, "{}", told.stderr);
        assert_eq!(self.api.lines(), [""; 0]);
        told.error()
    }
}

/// Checks who signed a request.
#[track_caller]
fn is_signed_by(asked: &Asked, key: &str) {
    let signature = asked.header("authorization").unwrap();
    let by = format!("AWS4-HMAC-SHA256 Credential={key}/");
    assert!(signature.starts_with(&by), "{signature}");
    let place = "/eu-west-1/execute-api/aws4_request";
    assert!(signature.contains(place), "{signature}");
    assert!(asked.header("x-amz-date").is_some());
}

#[test]
fn calls_are_signed_with_the_keys_of_the_environment() {
    let member = Member::of(None);
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "session"),
    ];
    let asked = member.signed(&keys);
    is_signed_by(&asked, "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(asked.header("x-amz-security-token"), Some("session"));
}

#[test]
fn the_aws_profile_has_keys_or_a_program_that_prints_them() {
    let member = Member::of(Some("work"));
    member.aws(
        "credentials",
        "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = secret\n",
    );
    is_signed_by(&member.signed(&[]), "AKIAWORK");

    let member = Member::of(Some("work"));
    let printed = json!({ "Version": 1, "AccessKeyId": "AKIAPRINTED", "SecretAccessKey": "s" });
    let file = member.aws("printed.json", &printed.to_string());
    let program = format!(
        "[profile work]\ncredential_process = cat {}\n",
        file.display()
    );
    member.aws("config", &program);
    is_signed_by(&member.signed(&[]), "AKIAPRINTED");
}

#[test]
fn a_role_is_assumed() {
    let sts = Fake::new(|_, _| {
        let keys = "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>";
        let body = format!(
            "<AssumeRoleResponse><AssumeRoleResult>{keys}</AssumeRoleResult></AssumeRoleResponse>"
        );
        Reply::text(200, "text/xml", &body)
    });
    let member = Member::of(Some("work"));
    member.aws(
        "config",
        "[profile work]\nrole_arn = arn:aws:iam::111122223333:role/member\nsource_profile = base\n\
         [profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret\n",
    );
    let asked = member.signed(&[("AWS_ENDPOINT_URL_STS", &sts.url())]);
    is_signed_by(&asked, "ASIAROLE");
    assert_eq!(sts.lines().len(), 1);
}

/// A member with a session of single sign-on that ends at this time.
fn with_session(ends: &str) -> Member {
    let member = Member::of(Some("campus"));
    member.aws(
        "config",
        "[profile campus]\nsso_session = campus\nsso_account_id = 111122223333\nsso_role_name = Member\n\
         [sso-session campus]\nsso_region = eu-west-1\nsso_start_url = https://campus.awsapps.com/start\n",
    );
    let session = json!({ "accessToken": "logged-in", "expiresAt": ends, "region": "eu-west-1" });
    member.aws(&format!("sso/cache/{SESSION}"), &session.to_string());
    member
}

#[test]
fn a_session_of_single_sign_on_is_used_until_it_ends() {
    let portal = Fake::new(|_, _| {
        let keys = json!({
            "accessKeyId": "ASIACAMPUS", "secretAccessKey": "s", "sessionToken": "t",
            "expiration": 4_070_908_800_000_i64,
        });
        Reply::json(200, json!({ "roleCredentials": keys }))
    });
    let member = with_session("2099-01-01T00:00:00Z");
    let asked = member.signed(&[("AWS_ENDPOINT_URL_SSO", &portal.url())]);
    is_signed_by(&asked, "ASIACAMPUS");
    let bearer = portal.asked()[0]
        .header("x-amz-sso_bearer_token")
        .map(str::to_owned);
    assert_eq!(bearer.as_deref(), Some("logged-in"));

    let error = with_session("2020-01-01T00:00:00Z").refused(&[]);
    assert_eq!(error["code"], "CredentialsExpired", "{error}");
    assert_eq!(error["hint"], "Log in: aws sso login --profile campus");
}

#[test]
fn without_credentials_nothing_is_sent() {
    let error = Member::of(None).refused(&[]);
    assert_eq!(error["code"], "CredentialsMissing", "{error}");
    let error = Member::of(Some("nobody")).refused(&[]);
    assert_eq!(error["code"], "CredentialsMissing", "{error}");
    assert_eq!(error["hint"], "Log in: aws sso login --profile nobody");
}

/// The API of a deployment is only reached over HTTPS.
#[test]
fn the_program_can_use_https() {
    let member = Member::of(None);
    let config = member.home.path().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let closed = text.replace(&member.api.url(), "https://127.0.0.1:9");
    fs::write(&config, closed).unwrap();
    let keys = [("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "s")];
    let error = member.refused(&keys);
    assert_eq!(error["code"], "ApiUnavailable", "{error}");
}
