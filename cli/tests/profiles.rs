//! Creating and choosing profiles, and refusing invalid ones.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Answer, answer, program};
use tempfile::TempDir;

/// The program with an empty home.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn config(&self) -> PathBuf {
        self.0.path().join(".config/prism/config.toml")
    }

    fn run_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Answer {
        let mut command = program();
        command.env("HOME", self.0.path()).env("USER", "alice");
        command.envs(variables.iter().copied()).args(args);
        answer(&command.output().unwrap())
    }

    fn run(&self, args: &[&str]) -> Answer {
        self.run_with(&[], args)
    }

    fn ok(&self, args: &[&str]) -> Answer {
        let answer = self.run(args);
        assert_eq!(answer.code, 0, "prism {args:?}: {}", answer.stderr);
        answer
    }

    fn refused(&self, args: &[&str]) -> (String, i32) {
        let answer = self.run(&[&["--json"], args].concat());
        let code = answer.error()["code"].as_str().unwrap().to_owned();
        (code, answer.code)
    }

    fn write(&self, text: &str) {
        fs::create_dir_all(self.config().parent().unwrap()).unwrap();
        fs::write(self.config(), text).unwrap();
    }

    /// The folder of the embedded cloud that a command works with.
    fn folder(&self, variables: &[(&str, &str)], args: &[&str]) -> String {
        let args = [args, &["local", "info", "--json"]].concat();
        let info = self.run_with(variables, &args).json();
        info["home"].as_str().unwrap().to_owned()
    }
}

fn refusal(code: &str, exit: i32) -> (String, i32) {
    (code.to_owned(), exit)
}

#[test]
fn without_a_file_everything_is_embedded_and_none_is_made() {
    let home = Home::new();
    home.ok(&["list"]);
    home.ok(&["--profile", "local", "list"]);
    assert!(!home.config().exists());
    assert!(home.folder(&[], &[]).ends_with(".local/share/prism"));
}

#[test]
fn a_profile_is_written_for_its_owner_alone_and_used() {
    let home = Home::new();
    let cloud = home.0.path().join("cloud");
    let cloud = cloud.to_str().unwrap();
    // The first profile is the default, and others only if they are made it.
    let first = home.ok(&["configure", "--local", "--name", "first", "--json"]);
    assert_eq!(first.json()["default"], true);
    let value = home
        .ok(&[
            "configure",
            "--local",
            "--name",
            "demo",
            "--home",
            cloud,
            "--json",
        ])
        .json();
    assert_eq!(value["profile"]["backend"], "local");
    assert_eq!(value["default"], false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(home.config()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_ne!(home.folder(&[], &[]), cloud);
    assert_eq!(home.folder(&[], &["--profile", "demo"]), cloud);
    assert_eq!(home.folder(&[("PRISM_PROFILE", "demo")], &[]), cloud);
    home.ok(&["configure", "--use", "demo"]);
    assert_eq!(home.folder(&[], &[]), cloud);
    // The option takes precedence over the variable, and the variable over the file.
    let other = [("PRISM_PROFILE", "local")];
    assert_ne!(home.folder(&other, &[]), cloud);
    assert_eq!(home.folder(&other, &["--profile", "demo"]), cloud);
}

#[test]
fn another_profile_is_only_replaced_by_force() {
    let home = Home::new();
    let make =
        |region: &'static str| vec!["configure", "--local", "--name", "demo", "--region", region];
    home.ok(&make("us-west-2"));
    home.ok(&make("us-west-2"));
    let before = fs::read_to_string(home.config()).unwrap();
    assert_eq!(
        home.refused(&make("eu-west-1")),
        refusal("ProfileExists", 1)
    );
    assert_eq!(fs::read_to_string(home.config()).unwrap(), before);
    home.ok(&[&make("eu-west-1")[..], &["--force"]].concat());
    let listed = home.ok(&["--profile", "demo", "list"]).stderr;
    assert!(listed.contains("eu-west-1"), "{listed}");
    // Options and Prism's variables take precedence over the profile.
    let listed = home.run_with(
        &[("PRISM_REGION", "us-east-2")],
        &["--profile", "demo", "list"],
    );
    listed.says("us-east-2");
    let listed = home.run_with(
        &[("AWS_REGION", "us-east-2")],
        &["--profile", "demo", "list"],
    );
    listed.says("eu-west-1");
}

#[test]
fn a_file_that_is_wrong_is_told_with_its_line() {
    let home = Home::new();
    home.write("schema = 1\n[profile.a]\nbackend = \"local\"\nregoin = \"x\"\n");
    let told = home.run(&["list"]);
    assert_eq!(told.code, 2);
    told.says("config.toml, line 4: unknown field `regoin`");
    told.says("hint: ");
    let doctor = home.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(
        doctor.stdout.starts_with("fail  configuration"),
        "{}",
        doctor.stdout
    );
    home.write("schema = 9\n");
    assert!(home.run(&["list"]).stderr.contains("Use the newer Prism"));
    // A background process does not depend on the file.
    let cloud = home.0.path().join("cloud");
    home.ok(&["--home", cloud.to_str().unwrap(), "local", "info"]);
}

/// A file of a newer version, a truncated one, and an empty one are each refused, and never overwritten.
#[test]
fn a_file_that_cannot_be_read_is_left_as_it_is() {
    let home = Home::new();
    for text in [
        "schema = 2\n[profile.a]\nbackend = \"local\"\n",
        "schema = 1\n[profile.a]\nbacke",
        "schema = 1\n[profile",
        "",
    ] {
        home.write(text);
        for args in [
            &["list"][..],
            &["templates"],
            &["save", "work", "kept"],
            &["configure", "--use", "a"],
            &["configure", "--local", "--name", "b"],
        ] {
            let refused = home.refused(args);
            assert_eq!(refused, refusal("ConfigInvalid", 2), "{text:?} {args:?}");
        }
        assert_eq!(fs::read_to_string(home.config()).unwrap(), text);
    }
}

#[test]
fn each_bad_choice_has_its_code() {
    let home = Home::new();
    home.write(
        "schema = 1\ndefault = \"ours\"\n[profile.ours]\nbackend = \"api\"\nregion = \"us-east-1\"\n\
         url = \"http://127.0.0.1:9\"\ntoken_file = \"/dev/null\"\n\
         [profile.open]\nbackend = \"api\"\nregion = \"us-east-1\"\nurl = \"http://example.org\"\n",
    );
    let api = ["--api-url", "http://127.0.0.1:9"];
    for (args, code, exit) in [
        (&["--profile", "nope", "list"][..], "ProfileNotFound", 2),
        (&["configure", "--use", "nope"], "ProfileNotFound", 2),
        (&["--profile", "ours", "local", "info"], "EmbeddedOnly", 2),
        (&["--as", "bob", "list"], "EmbeddedOnly", 2),
        (&["exec", "box", "--", "ls"], "EmbeddedOnly", 2),
        (&["list"], "CredentialsMissing", 1),
        (&["--profile", "open", "list"], "ConfigInvalid", 2),
        (&["configure", "--local", "--name", "a b"], "InvalidName", 2),
        (
            &["configure", "--local", "--token-file", "t"],
            "InvalidInput",
            2,
        ),
        (
            &["configure", "--local", "--region", "mars"],
            "InvalidRegion",
            2,
        ),
        (&[&["configure"][..], &api].concat(), "InvalidRegion", 2),
    ] {
        assert_eq!(home.refused(args), refusal(code, exit), "{args:?}");
    }
    // Commands that only work on the embedded cloud still work.
    home.ok(&["local", "info"]);
    home.ok(&["--profile", "local", "list"]);
    assert_eq!(home.run(&["configure"]).code, 2);
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_program_without_aws_says_how_to_build_it() {
    let home = Home::new();
    home.write(
        "schema = 1\n[profile.prod]\nbackend = \"aws\"\nregion = \"us-east-1\"\ntable = \"t\"\n\
         state_machine = \"arn:aws:states:us-east-1:111122223333:stateMachine:save\"\n",
    );
    for args in [
        &["--profile", "prod", "list"][..],
        &["configure", "--stack", "prism"],
    ] {
        let told = home.run(args);
        assert_eq!(told.code, 1, "{args:?}");
        told.says("error[BackendMissing]");
        told.says("--features aws");
    }
}

#[cfg(not(feature = "api"))]
#[test]
fn a_program_without_the_api_says_how_to_build_it() {
    let home = Home::new();
    home.write(
        "schema = 1\n\
         [profile.far]\nbackend = \"api\"\nregion = \"us-east-1\"\nurl = \"https://example.org\"\n\
         token_file = \"/dev/null\"\n\
         [profile.near]\nbackend = \"api\"\nregion = \"us-east-1\"\nurl = \"http://127.0.0.1:9\"\n",
    );
    for profile in ["far", "near"] {
        let told = home.run(&["--profile", profile, "list"]);
        assert_eq!(told.code, 1, "{profile}");
        told.says("error[BackendMissing]");
        told.says("its default features");
    }
}
