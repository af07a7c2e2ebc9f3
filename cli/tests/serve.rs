//! The HTTP API on this machine.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use common::{Attended, FAST, Prism, SLOW};
use serde_json::{Value, json};

/// How often a save is polled before a test fails: a minute or more.
const LOOKS: u32 = 60_000;

/// A running server.
struct Served {
    child: Attended,
    stderr: BufReader<ChildStderr>,
    address: String,
    token: String,
    file: PathBuf,
}

impl Served {
    fn begin(prism: &Prism, args: &[&str]) -> Self {
        Self::of(prism, prism.spawn(&[&["local", "serve"], args].concat()))
    }

    fn of(prism: &Prism, child: Child) -> Self {
        let mut child = Attended::of(child);
        let mut stderr = BufReader::new(child.process.stderr.take().unwrap());
        let address = told(&mut stderr, "Serving http://", "/v1");
        let token = told(&mut stderr, "Token: ", "\n");
        let file = prism.home().join("serve.token");
        Self {
            child,
            stderr,
            address,
            token,
            file,
        }
    }

    /// Sends a request with these headers. Returns the status and the body.
    fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let (head, body) = self.whole(method, path, headers, body);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body)
    }

    /// Sends a request with these headers. Returns the head and the body of the response.
    fn whole(&self, method: &str, path: &str, headers: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\n{headers}Content-Length: {length}\r\n");
        write!(stream, "{head}Connection: close\r\n\r\n{body}").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Kills the server without warning.
    fn kill(self) {
        drop(self.child);
    }

    /// Sends a request with the user's token.
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let headers = format!(
            "Host: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
            self.address, self.token
        );
        let (status, body) = self.raw(method, path, &headers, &body.to_string());
        (status, serde_json::from_str(&body).unwrap())
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, &json!(null));
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Polls a save until a condition holds.
    fn until(&self, id: &str, so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..LOOKS {
            let (status, record) = self.ask("GET", &format!("/v1/saves/{id}"), &json!(null));
            // The execution may not have started yet.
            if status == 200 && so(&record) {
                return record;
            }
            std::thread::yield_now();
        }
        panic!("{id} did not become so");
    }

    /// Ends the server with a signal. Returns its exit code and the rest of its output.
    fn end(mut self, signal: &str) -> (i32, String) {
        let id = self.child.process.id().to_string();
        let killed = Command::new("kill").args([signal, &id]).status();
        assert!(killed.unwrap().success());
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        let ended = self.child.process.wait().unwrap();
        (ended.code().unwrap_or(-1), rest)
    }
}

/// The text between two strings on the next line that starts with the first one.
fn told(stderr: &mut impl std::io::BufRead, before: &str, after: &str) -> String {
    for line in stderr.lines() {
        let line = line.unwrap() + "\n";
        if let Some(rest) = line.strip_prefix(before) {
            return rest.split(after).next().unwrap().to_owned();
        }
    }
    panic!("nothing begins with {before:?}");
}

#[test]
fn the_token_decides_who_is_answered() {
    let prism = Prism::new(FAST);
    let served = Served::begin(&prism, &["--as", "bob"]);
    assert!(served.address.starts_with("127.0.0.1:"));
    assert_eq!(served.get("/v1/me")["user"], "bob");
    let kept = std::fs::read_to_string(&served.file).unwrap();
    assert_eq!(kept.trim(), served.token);
    let mode = std::fs::metadata(&served.file)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let host = format!("Host: {}\r\n", served.address);
    let wrong = format!("{host}Authorization: Bearer {}\r\n", "0".repeat(64));
    for headers in [&host, &wrong] {
        let (status, body) = served.raw("GET", "/v1/me", headers, "");
        assert_eq!(status, 401, "{body}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], "NotAuthenticated");
        assert!(problem["hint"].as_str().unwrap().contains("serve.token"));
        assert!(!body.contains(&served.token));
    }
    // A malicious website whose name resolves to this machine can send requests from the user's browser, but is refused
    // even with the token.
    let rebound = format!(
        "Host: evil.example\r\nAuthorization: Bearer {}\r\n",
        served.token
    );
    for path in ["/v1/me", "/v1/openapi.json"] {
        assert_eq!(served.raw("GET", path, &rebound, "").0, 403);
    }
    assert_eq!(served.raw("GET", "/v1/openapi.json", &host, "").0, 200);

    let (file, token) = (served.file.clone(), served.token.clone());
    let (code, rest) = served.end("-TERM");
    assert_eq!(code, 0, "{rest}");
    assert!(!rest.contains(&token), "the token is told once: {rest}");
    assert!(!file.exists());
}

#[test]
fn the_portal_needs_no_token_but_its_own_address() {
    let prism = Prism::new(FAST);
    let served = Served::begin(&prism, &[]);
    let host = format!("Host: {}\r\nAccept: text/html\r\n", served.address);
    for path in ["/", "/saves/save-1"] {
        let (status, page) = served.raw("GET", path, &host, "");
        assert_eq!(status, 200);
        assert!(page.contains("/assets/main-"), "{page}");
        assert!(!page.contains(&served.token));
    }
    let rebound = "Host: evil.example\r\nAccept: text/html\r\n";
    for headers in [rebound, &host] {
        let path = if headers == rebound { "/" } else { "/v1/me" };
        let (head, _) = served.whole("GET", path, headers, "");
        assert!(head.starts_with("HTTP/1.1 40"), "{head}");
        assert!(
            head.contains("content-security-policy: default-src 'self'"),
            "{head}"
        );
    }
}

/// A program that stands for the browser, and copies the page that it is given.
#[test]
fn the_browser_is_given_a_page_and_no_token() {
    let prism = Prism::new(FAST);
    let programs = tempfile::tempdir().unwrap();
    let seen = programs.path().join("seen");
    let browser = programs.path().join("xdg-open");
    let script = format!(
        "#!/bin/sh\necho \"$@\" > {0}.part && /bin/cat \"$1\" >> {0}.part && /bin/mv {0}.part {0}\n",
        seen.display()
    );
    std::fs::write(&browser, script).unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = prism.command(&["local", "serve", "--open"]);
    command.env("PATH", programs.path()).stderr(Stdio::piped());
    let served = Served::of(&prism, command.stdout(Stdio::piped()).spawn().unwrap());
    let shown = (0..LOOKS).find_map(|_| {
        served.get("/v1/me");
        std::fs::read_to_string(&seen).ok()
    });
    let shown = shown.unwrap();
    let (arguments, page) = shown.split_once('\n').unwrap();
    assert!(!arguments.contains(&served.token), "{arguments}");
    let leads = format!("url=http://{}/#token={}\"", served.address, served.token);
    assert!(page.contains(&leads), "{page}");
    let (code, _) = served.end("-INT");
    assert_eq!(code, 0);
    assert!(!std::path::Path::new(arguments).exists(), "{arguments}");
}

#[test]
fn a_save_over_http_outlives_the_server_that_began_it() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    prism.ok(&["local", "speed", SLOW]);
    let served = Served::begin(&prism, &[]);
    let body = json!({"instance": "box", "template": "box-env", "region": "us-east-1"});
    let (status, begun) = served.ask("POST", "/v1/saves", &body);
    assert_eq!(status, 202, "{begun}");
    let id = begun["save_id"].as_str().unwrap().to_owned();
    served.until(&id, |record| !record["stop_requested_at"].is_null());
    let (code, rest) = served.end("-KILL");
    assert_eq!((code, rest.as_str()), (-1, ""));
    let served = Served::begin(&prism, &[]);
    let record = served.until(&id, |record| record["state"] != "running");
    assert_eq!(
        (&record["state"], &record["version"]),
        (&json!("succeeded"), &json!(1))
    );
    assert_eq!(served.get("/v1/templates/box-env")["kind"], "saved");
    assert_eq!(
        served.get("/v1/instances/box?region=us-east-1")["state"],
        "running"
    );
    let (code, _) = served.end("-INT");
    assert_eq!(code, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_save_that_has_ended_leaves_no_process_behind() {
    let prism = Prism::new(FAST);
    prism.ok(&["launch", "ubuntu", "box"]);
    let api = Served::begin(&prism, &[]);
    let body = json!({"instance": "box", "template": "box-env", "region": "us-east-1"});
    let (_, begun) = api.ask("POST", "/v1/saves", &body);
    let id = begun["save_id"].as_str().unwrap();
    api.until(id, |record| record["state"] == "succeeded");
    let parent = api.child.process.id();
    let children = format!("/proc/{parent}/task/{parent}/children");
    // The children of all threads, because any thread may have started one.
    let left = || -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap();
        let lists = tasks
            .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).ok());
        let ids = lists.flat_map(|ids| {
            let ids = ids.split_whitespace().map(str::to_owned);
            ids.collect::<Vec<_>>()
        });
        ids.collect()
    };
    assert!(std::fs::exists(&children).unwrap(), "the kernel lists them");
    for _ in 0..LOOKS {
        if left().is_empty() {
            assert_eq!(api.end("-TERM").0, 0);
            return;
        }
        api.get("/v1/me");
    }
    panic!("{:?} are left", left());
}

#[test]
fn callers_who_never_ask_keep_nobody_out() {
    let prism = Prism::new(FAST);
    // Allow fewer open files than there are callers, as some systems do.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 256 && exec \"$0\" local serve"]);
    command.arg(env!("CARGO_BIN_EXE_prism"));
    command.env_clear().env("PRISM_HOME", prism.home());
    command
        .env("USER", "alice")
        .stderr(std::process::Stdio::piped());
    let served = Served::of(&prism, command.spawn().unwrap());
    let idle: Vec<TcpStream> = (0..300)
        .map(|_| TcpStream::connect(&served.address).unwrap())
        .collect();
    assert_eq!(served.get("/v1/me")["user"], "alice");
    // Every idle connection is closed, including those that were never accepted.
    for mut stream in idle {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "nobody asked");
    }
    let headers = format!(
        "Host: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        served.address, served.token
    );
    let mut stream = TcpStream::connect(&served.address).unwrap();
    write!(
        stream,
        "POST /v1/saves HTTP/1.1\r\n{headers}Content-Length: 100\r\n\r\n{{"
    )
    .unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
    assert!(told.contains("did not arrive within 10 seconds"), "{told}");
    assert_eq!(served.end("-TERM").0, 0);
}

#[test]
fn a_schedule_fires_while_the_server_runs() {
    let prism = Prism::new("10000");
    prism.ok(&["launch", "ubuntu", "box"]);
    let served = Served::begin(&prism, &[]);
    let body = json!({
        "cadence": "rate(1 hour)",
        "request": {"instance": "box", "template": "box-env", "region": "us-east-1"},
    });
    let (status, made) = served.ask("POST", "/v1/schedules", &body);
    assert_eq!(status, 201, "{made}");
    let said = told(&mut { served.stderr }, "The schedule box-env", " save.");
    assert_eq!(said, " of alice starts a");
    drop(served.child);
}

#[test]
fn a_port_that_is_taken_is_told() {
    let prism = Prism::new(FAST);
    let served = Served::begin(&prism, &[]);
    let port = served.address.split(':').nth(1).unwrap().to_owned();
    let second = prism.run(&["local", "serve", "--port", &port]);
    assert_eq!(second.code, 1);
    second.says("error[LocalIo]:");
    second.says(&port);
    // The second server has not replaced the first one's token.
    assert_eq!(served.get("/v1/me")["user"], "alice");
    assert!(served.file.exists());
    assert_eq!(served.end("-TERM").0, 0);
}

/// A second server would replace the first one's token, and remove the file when it ends.
#[test]
fn a_second_server_of_the_same_cloud_is_refused_and_the_first_goes_on() {
    let prism = Prism::new(FAST);
    let served = Served::begin(&prism, &[]);
    let token = std::fs::read_to_string(&served.file).unwrap();
    let refused = prism.refused(&["local", "serve"]);
    assert_eq!(refused, ("ServerRunning".to_owned(), 1));
    assert_eq!(std::fs::read_to_string(&served.file).unwrap(), token);
    let (status, _) = served.ask("GET", "/v1/templates", &Value::Null);
    assert_eq!(status, 200);
    served.kill();
    // A killed server must not prevent the next one from starting.
    Served::begin(&prism, &[]).kill();
}

#[test]
#[ignore = "the next test runs it in a process of its own"]
fn serves() {
    let prism = Prism::new(FAST);
    let served = Served::begin(&prism, &[]);
    println!(
        "\nserved at {} of {}",
        served.address,
        prism.home().display()
    );
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_server_ends_with_the_process_of_its_test() {
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "serves", "--ignored", "--nocapture"]);
    let test = test.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut test = test.unwrap();
    let mut stdout = BufReader::new(test.stdout.take().unwrap());
    let address = told(&mut stdout, "served at ", "\n");
    let (address, home) = address.split_once(" of ").unwrap();
    test.kill().unwrap();
    test.wait().unwrap();
    let gone = (0..LOOKS).any(|_| TcpStream::connect(address).is_err());
    assert!(gone, "{address} is still served");
    std::fs::remove_dir_all(home).unwrap();
}
