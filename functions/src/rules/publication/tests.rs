use super::*;
use crate::domain::grant::Grantee;
use crate::rules::PublicScope;

fn file(path: &str) -> SensitiveFile {
    SensitiveFile::at(path).unwrap()
}

fn look(paths: &[&str], whole: bool) -> Look {
    Look {
        name: "kept@1".to_owned(),
        version: Some(1),
        files: paths.iter().map(|path| file(path)).collect(),
        whole,
        inventory: None,
    }
}

fn to(viewers: &[Viewer]) -> Audience {
    Audience::default().with(viewers.iter().cloned())
}

fn bob() -> Viewer {
    Viewer::Given("user:bob".parse().unwrap())
}

fn account() -> Viewer {
    Viewer::Given("account:123456789012".parse().unwrap())
}

fn decided(to: Audience, look: Look, consent: Consent<'_>) -> Result<Shown, Problem> {
    let showings = [Showing {
        to,
        what: vec![look],
    }];
    decide(&Settings::default(), "Sharing kept", &showings, consent)
}

const KEY: &str = "/home/ann/.ssh/id_rsa";
const AWS: &str = "/root/.aws/credentials";

#[test]
fn what_is_known_to_be_sensitive_takes_a_consent_whoever_sees_it() {
    for viewer in [bob(), account(), Viewer::public()] {
        let refused = decided(
            to(std::slice::from_ref(&viewer)),
            look(&[KEY, AWS], true),
            Consent::None,
        );
        let refused = refused.unwrap_err();
        assert_eq!(refused.code, Code::SensitiveFiles);
        let paths: Vec<&str> = refused.files.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, [KEY, AWS]);
        assert_eq!(refused.files[0].versions, [1]);
        assert!(
            refused
                .message
                .contains("/root/.aws/credentials (AWS credentials)"),
            "{refused}"
        );
        let shown = decided(to(&[viewer]), look(&[KEY, AWS], true), Consent::All).unwrap();
        assert_eq!(shown.files.len(), 2);
        assert_eq!(shown.warnings[0].code, "SensitiveFiles");
    }
    // Nobody else sees the template.
    let shown = decided(to(&[]), look(&[KEY], true), Consent::None).unwrap();
    assert!(shown.files.is_empty() && shown.warnings.is_empty());
}

#[test]
fn a_consent_to_some_files_is_none_to_others() {
    let given = [file(KEY)];
    let refused = decided(to(&[bob()]), look(&[KEY, AWS], true), Consent::To(&given));
    let paths = refused.unwrap_err().files;
    assert_eq!(paths.len(), 1);
    assert_eq!(paths[0].path, AWS);
    assert!(decided(to(&[bob()]), look(&[KEY], true), Consent::To(&given)).is_ok());
    // A consent also covers what cannot be inspected.
    assert!(decided(to(&[account()]), look(&[], false), Consent::To(&[])).is_ok());
}

#[test]
fn what_every_machine_has_is_told_and_takes_no_consent() {
    let host = look(&["/etc/ssh/ssh_host_rsa_key", "/etc/machine-id"], true);
    let shown = decided(to(&[account()]), host, Consent::None).unwrap();
    assert_eq!(shown.files.len(), 2);
    assert_eq!(shown.warnings.len(), 1);
}

#[test]
fn what_nobody_has_looked_at_takes_a_consent_beyond_the_deployment() {
    let shown = decided(to(&[bob()]), look(&[], false), Consent::None).unwrap();
    assert_eq!(shown.warnings[0].code, "NotInspected");
    let refused = decided(to(&[bob(), account()]), look(&[], false), Consent::None);
    assert_eq!(refused.unwrap_err().code, Code::FilesUnknown);
    for (scope, outside) in [
        (PublicScope::Deployment, false),
        (PublicScope::Organization, true),
        (PublicScope::World, true),
    ] {
        let settings = Settings {
            public_scope: scope,
            ..Settings::default()
        };
        let showings = [Showing {
            to: to(&[Viewer::public()]),
            what: vec![look(&[], false)],
        }];
        let decided = decide(&settings, "It", &showings, Consent::None);
        assert_eq!(decided.is_err(), outside);
    }
}

#[test]
fn who_is_more_is_who_did_not_see_it_before() {
    let everybody = to(&[Viewer::public()]);
    let after = everybody.with([bob(), account()]);
    assert_eq!(after.beyond(&everybody), to(&[account()]));
    let both = to(&[bob()]).with([Viewer::Given(Grantee::Public)]);
    assert_eq!(both.beyond(&to(&[bob()])), everybody);
    assert!(to(&[bob()]).beyond(&to(&[bob()])).is_empty());
}
