//! How instances are reached: on AWS, with other programs in place of the Session Manager plugin, ssh and scp, and an API
//! with scripted responses; on an embedded cloud, on simulated instances.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod fake;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use common::{Answer, FAST, Prism, answer, program};
use fake::{Fake, Reply};
use serde_json::{Value, json};
use tempfile::TempDir;

const ID: &str = "i-0123456789abcdef0";
const SECRET: &str = "a-secret-token";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@laptop";
const PRINT: &str = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";

/// What the API says about the instance `box`, and about a session with it.
#[derive(Clone)]
struct Says {
    has_profile: bool,
    agent: bool,
    /// The code of the problem with which sessions are refused.
    refused: Option<&'static str>,
    address: Option<&'static str>,
    login: Option<&'static str>,
    state: &'static str,
}

const USUAL: Says = Says {
    has_profile: true,
    agent: true,
    refused: None,
    // Nobody listens on port 22 of an address for documentation (RFC 5737).
    address: None,
    login: Some("ubuntu"),
    state: "running",
};

/// A machine of a member, with some programs on its search path.
struct Machine {
    home: TempDir,
    fake: Fake,
}

impl Machine {
    fn with(programs: &[&str], says: Says) -> Self {
        let fake = Fake::new(move |asked, _| reply(&says, &asked.method));
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("token"), "header.payload.signature\n").unwrap();
        let text = format!(
            "schema = 1\ndefault = \"ours\"\n[profile.ours]\nbackend = \"api\"\n\
             region = \"us-west-2\"\nurl = \"{}\"\ntoken_file = \"{}\"\n",
            fake.url(),
            home.path().join("token").display()
        );
        fs::write(home.path().join("config.toml"), text).unwrap();
        let this = Self { home, fake };
        fs::create_dir(this.bin()).unwrap();
        for name in programs {
            this.install(name, "");
        }
        this
    }

    fn bin(&self) -> PathBuf {
        self.home.path().join("bin")
    }

    /// Installs a program that records how it was called, and does what `then` says.
    fn install(&self, name: &str, then: &str) {
        let file = self.bin().join(name);
        let record = self.home.path().join(format!("{name}.called"));
        let script = format!(
            "#!/bin/sh\n{{ printf '%s\\n' \"$@\"; printf 'env %s\\n' \"$AWS_SSM_START_SESSION_RESPONSE\"; }} >> '{}'\n{then}\n",
            record.display()
        );
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, args: &[&str]) -> Answer {
        let mut command = program();
        command
            .env("PRISM_CONFIG", self.home.path().join("config.toml"))
            .env("PATH", format!("{}:/usr/bin:/bin", self.bin().display()))
            .current_dir(self.home.path());
        answer(&command.args(args).output().unwrap())
    }

    /// The arguments with which a program was called, one on each line, and the value of the plugin's variable.
    fn called(&self, name: &str) -> (Vec<String>, Value) {
        let record = self.home.path().join(format!("{name}.called"));
        let text = fs::read_to_string(&record).unwrap_or_else(|_| panic!("{name} was not called"));
        assert_eq!(text.matches("\nenv ").count(), 1, "{text}");
        let (args, response) = text.split_once("\nenv ").unwrap();
        assert!(
            !args.contains(SECRET),
            "other users can see arguments: {args}"
        );
        let args = args.lines().map(str::to_owned).collect();
        let response = match response.trim() {
            "" => Value::Null,
            response => serde_json::from_str(response).unwrap(),
        };
        (args, response)
    }

    fn was_called(&self, name: &str) -> bool {
        self.home.path().join(format!("{name}.called")).exists()
    }

    /// The kind of the only session that was requested.
    fn requested(&self) -> Value {
        let asked = self.fake.asked();
        let sessions: Vec<_> = asked.iter().filter(|it| it.method == "POST").collect();
        assert_eq!(sessions.len(), 1);
        let path = format!("/v1/instances/{ID}/sessions?region=us-west-2");
        assert_eq!(sessions[0].path, path);
        serde_json::from_str(&sessions[0].body).unwrap()
    }
}

fn reply(says: &Says, method: &str) -> Reply {
    if method == "GET" {
        return Reply::json(
            200,
            json!({
                "name": "box", "id": ID, "state": says.state, "state_reason": null,
                "region": "us-west-2", "instance_type": "t3.large", "template": "python-ml",
                "public_ip": says.address, "login": says.login, "has_profile": says.has_profile,
                "launched_at": "2026-11-24T12:00:00Z", "save_id": null,
            }),
        );
    }
    let no_agent = (!says.agent).then_some("AgentNotConnected");
    if let Some(code) = says.refused.or(no_agent) {
        let body = json!({
            "type": "about:blank", "title": "x", "status": 409, "code": code,
            "detail": "No session was started.", "hint": "Wait.",
        });
        return Reply::text(409, "application/problem+json", &body.to_string());
    }
    Reply::json(
        200,
        json!({
            "instance": ID, "region": "us-west-2", "session_id": "s-1",
            "stream_url": "wss://stream", "token": SECRET,
        }),
    )
}

#[test]
fn a_shell_is_a_session_of_the_plugin_whose_secret_is_not_an_argument() {
    let machine = Machine::with(&["session-manager-plugin", "ssh"], USUAL);
    let answer = machine.run(&["connect", "box"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let (args, response) = machine.called("session-manager-plugin");
    assert_eq!(
        args[..4],
        [
            "AWS_SSM_START_SESSION_RESPONSE",
            "us-west-2",
            "StartSession",
            ""
        ]
    );
    let request: Value = serde_json::from_str(&args[4]).unwrap();
    assert_eq!(request["Target"], ID);
    assert_eq!(request["DocumentName"], "AWS-StartInteractiveCommand");
    assert_eq!(args[5], "https://ssm.us-west-2.amazonaws.com");
    let expected = json!({"SessionId": "s-1", "StreamUrl": "wss://stream", "TokenValue": SECRET});
    assert_eq!(response, expected);
    assert_eq!(machine.requested(), json!({"kind": "shell"}));
    assert!(!answer.stderr.contains(SECRET) && !answer.stdout.contains(SECRET));
}

#[test]
fn a_command_is_run_by_ssh_through_a_session_and_keeps_its_words_and_exit_code() {
    let machine = Machine::with(&["session-manager-plugin"], USUAL);
    machine.install("ssh", "exit 7");
    let answer = machine.run(&["connect", "box", "--", "echo", "it's", "a b"]);
    assert_eq!(answer.code, 7, "{}", answer.stderr);
    let (args, response) = machine.called("ssh");
    assert_eq!(response["TokenValue"], SECRET);
    assert_eq!(machine.requested(), json!({"kind": "ssh"}));
    let at = args.iter().position(|arg| arg == "--").unwrap();
    let host = format!("ubuntu@{ID}");
    assert_eq!(args[at + 1..], [&host, "echo", r"'it'\''s'", "'a b'"]);
    let options = args[..at].join(" ");
    assert!(options.contains(&format!("HostKeyAlias={ID}")), "{options}");
    let proxy = "ProxyCommand=session-manager-plugin AWS_SSM_START_SESSION_RESPONSE us-west-2";
    assert!(options.contains(proxy), "{options}");
    assert!(options.contains("AWS-StartSSHSession"), "{options}");
}

#[test]
fn a_port_is_forwarded_by_a_session() {
    let machine = Machine::with(&["session-manager-plugin"], USUAL);
    let answer = machine.run(&["connect", "box", "--forward", "9000:8888"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    answer.says("127.0.0.1:9000");
    let kind = json!({"kind": "port", "port": 8888, "local_port": 9000});
    assert_eq!(machine.requested(), kind);
    let (args, _) = machine.called("session-manager-plugin");
    let request: Value = serde_json::from_str(&args[4]).unwrap();
    assert_eq!(request["Parameters"]["localPortNumber"], json!(["9000"]));
}

#[test]
fn when_neither_way_works_the_error_says_what_each_lacks() {
    let none = Machine::with(
        &[],
        Says {
            has_profile: false,
            ..USUAL
        },
    );
    // The usual folders of programs may have an ssh.
    let answer = none.run(&["--json", "connect", "box"]);
    assert_eq!(answer.code, 1);
    let error = answer.error();
    assert_eq!(error["code"], "CannotConnect");
    let message = error["message"].as_str().unwrap();
    for lack in [
        "the Session Manager plugin is not installed here",
        "the instance has no instance profile",
        "the instance has no public address",
    ] {
        assert!(message.contains(lack), "{lack}: {message}");
    }
    let no_agent = Machine::with(
        &["session-manager-plugin"],
        Says {
            agent: false,
            ..USUAL
        },
    );
    let error = no_agent.run(&["--json", "connect", "box"]).error();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("agent of Systems Manager"), "{message}");
    assert!(error["hint"].as_str().unwrap().contains("ssmmessages"));
    assert!(!no_agent.was_called("session-manager-plugin"));
}

#[test]
fn a_session_that_is_refused_is_told_with_what_ssh_lacks() {
    let says = Says {
        refused: Some("PermissionMissing"),
        ..USUAL
    };
    let machine = Machine::with(&["session-manager-plugin", "ssh"], says);
    let error = machine.run(&["--json", "connect", "box"]).error();
    assert_eq!(error["code"], "PermissionMissing");
    let expected = "No session was started. By SSH: the instance has no public address.";
    assert_eq!(error["message"], expected);
    // Nothing is said about a way that may not be used.
    let only = ["--json", "connect", "box", "--via", "session-manager"];
    let error = machine.run(&only).error();
    assert_eq!(error["message"], "No session was started.");
    let says = Says {
        refused: Some("ProfileMissing"),
        ..USUAL
    };
    let machine = Machine::with(&["session-manager-plugin", "ssh"], says);
    let error = machine.run(&["--json", "connect", "box"]).error();
    assert_eq!(error["code"], "CannotConnect");
}

#[test]
fn without_the_plugin_an_open_port_is_used() {
    // This machine takes the part of the instance, if the test may listen on port 22.
    let Ok(_listener) = std::net::TcpListener::bind("127.0.0.1:22") else {
        eprintln!("skipped: this user may not listen on port 22");
        return;
    };
    let says = Says {
        has_profile: false,
        address: Some("127.0.0.1"),
        ..USUAL
    };
    let machine = Machine::with(&["ssh", "scp"], says);
    let answer = machine.run(&["connect", "box", "--forward", "8888", "--identity", "k"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let (args, response) = machine.called("ssh");
    assert_eq!(response, Value::Null);
    let line = args.join(" ");
    assert!(
        line.contains("-i k") && line.ends_with("-- ubuntu@127.0.0.1"),
        "{line}"
    );
    assert!(
        line.contains("-N -L 127.0.0.1:8888:127.0.0.1:8888"),
        "{line}"
    );
    assert!(!line.contains("ProxyCommand"), "{line}");
    // It is also used if no session can be started.
    let says = Says {
        refused: Some("PermissionMissing"),
        address: Some("127.0.0.1"),
        ..USUAL
    };
    let machine = Machine::with(&["session-manager-plugin", "ssh"], says);
    let answer = machine.run(&["connect", "box"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    answer.says("No session was started. SSH is used instead.");
    assert!(machine.was_called("ssh") && !machine.was_called("session-manager-plugin"));
    // And if the user prefers it.
    let says = Says {
        address: Some("127.0.0.1"),
        ..USUAL
    };
    let machine = Machine::with(&["session-manager-plugin", "ssh"], says);
    let answer = machine.run(&["connect", "box", "--via", "ssh"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        machine
            .called("ssh")
            .0
            .ends_with(&["ubuntu@127.0.0.1".to_owned()])
    );
    assert!(!machine.was_called("session-manager-plugin"));
}

#[test]
fn a_stopped_instance_is_not_reached() {
    let machine = Machine::with(
        &["session-manager-plugin"],
        Says {
            state: "stopped",
            ..USUAL
        },
    );
    let error = machine.run(&["--json", "connect", "box"]).error();
    assert_eq!(error["code"], "InstanceStateWrong");
    let start = format!("Start it first: prism start {ID}");
    assert_eq!(error["hint"], start);
    let config = machine.home.path().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("us-west-2", "eu-west-1")).unwrap();
    let there = ["--json", "connect", "box", "--region", "us-west-2"];
    let error = machine.run(&there).error();
    assert_eq!(error["hint"], format!("{start} --region us-west-2"));
}

#[test]
fn files_are_copied_by_scp_through_a_session() {
    let machine = Machine::with(&["session-manager-plugin", "ssh", "scp"], USUAL);
    let answer = machine.run(&["cp", "-r", "box:results", "here:there"]);
    assert_eq!(answer.code, 2, "both would be on an instance");
    let answer = machine.run(&["cp", "-r", "box:results", "./here:there"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let (args, response) = machine.called("scp");
    assert_eq!(response["TokenValue"], SECRET);
    let at = args.iter().position(|arg| arg == "--").unwrap();
    assert_eq!(args[at - 1], "-r");
    let from = format!("ubuntu@{ID}:results");
    assert_eq!(args[at + 1..], [&from, "././here:there"]);
}

#[test]
fn a_notebook_is_opened_with_the_token_that_ssh_reads() {
    let machine = Machine::with(&["session-manager-plugin"], USUAL);
    machine.install("ssh", "printf abcdefgh12345678");
    let answer = machine.run(&["open", "box", "--no-browser", "--local-port", "9000"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let url = "http://127.0.0.1:9000/lab?token=abcdefgh12345678\n";
    assert_eq!(answer.stdout, url);
    let (args, _) = machine.called("ssh");
    assert_eq!(args[args.len() - 2..], ["cat", "/run/prism-notebook/token"]);
    let (args, _) = machine.called("session-manager-plugin");
    assert!(args[4].contains("AWS-StartPortForwardingSession"));
    assert!(!args.join(" ").contains("abcdefgh"), "{args:?}");
}

#[test]
fn without_a_key_the_notebook_asks_for_its_token() {
    let machine = Machine::with(&["session-manager-plugin"], USUAL);
    machine.install("ssh", "exit 255");
    let answer = machine.run(&["open", "box", "--no-browser"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(answer.stdout, "http://127.0.0.1:8888/\n");
    answer.says("will ask for its token");
}

#[test]
fn a_simulated_instance_has_a_simulated_shell() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let shell = prism.piped(
        "whoami\necho 'a  b'\n\nfrobnicate\nexit\nhostname\n",
        &["connect", "box"],
    );
    shell.says("embedded cloud (simulated)");
    assert_eq!(shell.stdout, "ubuntu\na  b\n");
    assert_eq!(
        shell.code, 127,
        "that of the last command: {}",
        shell.stderr
    );
    assert_eq!(prism.ok(&["connect", "box", "--", "whoami"]), "ubuntu\n");
    for args in [
        &["connect", "box", "--forward", "8888"][..],
        &["open", "box"],
    ] {
        assert_eq!(prism.refused(args), ("CannotConnect".to_owned(), 1));
    }
    prism.ok(&["stop", "box"]);
    assert_eq!(prism.refused(&["connect", "box"]).0, "InstanceStateWrong");
}

#[test]
fn files_go_to_a_simulated_disk_and_back_unchanged() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let folder = tempfile::tempdir().unwrap();
    let (file, back) = (folder.path().join("a.bin"), folder.path().join("b.bin"));
    let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
    fs::write(&file, &bytes).unwrap();
    let (from, to) = (file.to_str().unwrap(), back.to_str().unwrap());
    let said = prism.ok(&["cp", from, "box:data/"]);
    assert!(
        said.contains("3000 bytes") && said.contains("(simulated)"),
        "{said}"
    );
    prism.ok(&["cp", "box:data/a.bin", to]);
    assert_eq!(fs::read(&back).unwrap(), bytes);
    let (code, _) = prism.refused(&["cp", "box:nothing", to]);
    assert_eq!(code, "LocalIo");
}

#[test]
fn keys_are_added_listed_removed_and_installed_by_launches() {
    let prism = Prism::new(FAST);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("id.pub");
    fs::write(&file, format!("{KEY}\n")).unwrap();
    prism.ok(&["keys", "list"]);
    let added = prism.ok(&["keys", "add", file.to_str().unwrap()]);
    assert!(
        added.contains(PRINT) && added.contains("ada@laptop"),
        "{added}"
    );
    assert!(prism.ok(&["keys", "list"]).contains(PRINT));
    let others: Value = prism.run(&["keys", "list", "--json", "--as", "bob"]).json();
    assert_eq!(others["keys"], json!([]));

    let launched = prism.ok(&["launch", "ubuntu", "box"]);
    assert!(launched.contains(PRINT), "{launched}");
    let known = prism.ok(&["exec", "box", "--", "cat", ".ssh/authorized_keys"]);
    assert_eq!(known, format!("{KEY} prism:launch-key\n"));

    prism.ok(&["keys", "remove", PRINT]);
    assert_eq!(
        prism.refused(&["keys", "remove", PRINT]),
        ("KeyNotFound".to_owned(), 1)
    );
    assert!(!prism.ok(&["launch", "ubuntu", "bare"]).contains(PRINT));
    let file = file.to_str().unwrap();
    let once = prism.ok(&["launch", "ubuntu", "once", "--key-file", file]);
    assert!(once.contains(PRINT), "{once}");
}

#[test]
fn a_private_key_is_refused_and_not_repeated() {
    let prism = Prism::empty();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("id");
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n";
    fs::write(&file, private).unwrap();
    let path = file.to_str().unwrap();
    for args in [
        &["keys", "add", path][..],
        &["launch", "ubuntu", "box", "--key-file", path],
    ] {
        let answer = prism.run(args);
        assert_eq!(answer.code, 2, "{}", answer.stderr);
        answer.says("It is a private key");
        assert!(!answer.stderr.contains("b3Blb"), "{}", answer.stderr);
    }
}
