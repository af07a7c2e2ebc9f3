//! Notices reach a real SMTP server and a real webhook, and the example of the documentation verifies what arrives.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;
#[path = "notices/kinds.rs"]
mod kinds;
#[allow(dead_code, reason = "the tests of results need all of it")]
#[path = "json/schema.rs"]
mod schema;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use common::{Answer, FAST, Prism, answer};
use serde_json::Value;

/// How long a message may take until the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a receiver got: the lines before the empty line, and what follows it.
#[derive(Debug)]
struct Got {
    head: String,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        let line = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

/// Serves connections, each on a thread of its own, until the test ends.
fn serve(listener: TcpListener, with: fn(TcpStream, &Sender<Got>)) -> Receiver<Got> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, tell) = (stream.unwrap(), tell.clone());
            std::thread::spawn(move || with(stream, &tell));
        }
    });
    told
}

/// A conversation of RFC 5321 that accepts one message.
fn smtp(stream: TcpStream, tell: &Sender<Got>) {
    let mut write = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    write.write_all(b"220 test\r\n").unwrap();
    while let Some(line) = lines.next() {
        let response: &[u8] = match line.split(' ').next().unwrap_or_default() {
            "DATA" => {
                write.write_all(b"354 Go on\r\n").unwrap();
                let text: Vec<String> = lines.by_ref().take_while(|line| line != ".").collect();
                let text = text.join("\n");
                let (head, body) = text.split_once("\n\n").unwrap();
                let (head, body) = (head.to_owned(), body.to_owned());
                tell.send(Got { head, body }).unwrap();
                b"250 OK\r\n"
            }
            "QUIT" => b"221 Bye\r\n",
            _ => b"250 OK\r\n",
        };
        if write.write_all(response).is_err() {
            return;
        }
    }
}

/// Reads a request and accepts it.
fn hook(mut stream: TcpStream, tell: &Sender<Got>) {
    let mut read = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if read.read_line(&mut head).unwrap() == 0 {
            return;
        }
    }
    let mut got = Got {
        head: head.replace('\r', ""),
        body: String::new(),
    };
    let length: u64 = got.header("content-length").parse().unwrap();
    read.take(length).read_to_string(&mut got.body).unwrap();
    tell.send(got).unwrap();
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        .unwrap();
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A cloud with an SMTP server.
struct Post {
    prism: Prism,
    smtp_port: u16,
    mails: Receiver<Got>,
}

impl Post {
    fn new() -> Self {
        let (listener, smtp_port) = listener();
        Self {
            prism: Prism::new(FAST),
            smtp_port,
            mails: serve(listener, smtp),
        }
    }

    /// A cloud whose user has a confirmed address.
    fn confirmed() -> Self {
        let post = Self::new();
        post.ok(&["notify", "set", "--email", "ada@example.org"]);
        let mail = post.mail();
        assert_eq!(mail.header("To"), "ada@example.org");
        let (_, code) = mail.body.split_once("prism notify confirm ").unwrap();
        let confirmed = post.ok(&["notify", "confirm", code.lines().next().unwrap().trim()]);
        assert!(
            confirmed.contains("E-mail: ada@example.org\n"),
            "{confirmed}"
        );
        post
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.prism.command(args);
        command
            .env(
                "PRISM_SMTP_URL",
                format!("smtp://127.0.0.1:{}", self.smtp_port),
            )
            .env("PRISM_SMTP_FROM", "Prism <prism@example.org>");
        command
    }

    fn run(&self, args: &[&str]) -> Answer {
        answer(&self.command(args).output().unwrap())
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let answer = self.run(args);
        assert_eq!(answer.code, 0, "prism {args:?}: {}", answer.stderr);
        answer.stdout
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"], args].concat())).unwrap()
    }

    fn mail(&self) -> Got {
        self.mails.recv_timeout(PATIENCE).expect("a mail arrives")
    }
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Runs the example of docs/notices.md.
fn verified(secret: &str, got: &Got) -> String {
    let docs = fs::read_to_string(docs().join("notices.md")).unwrap();
    let (_, rest) = docs.split_once("```python\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    // Of the cloud's time, which runs faster than that of this machine.
    let header = got.header("prism-signature");
    let now = header.trim_start_matches("t=").split(',').next().unwrap();
    let script = format!(
        "{example}\nimport sys\nprint(verify(sys.argv[1], sys.argv[2], sys.argv[3].encode(), int(sys.argv[4])))"
    );
    let ran = Command::new("python3")
        .args(["-c", &script, secret, header, &got.body, now])
        .output()
        .unwrap();
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

#[test]
fn notices_arrive_by_mail_and_by_webhook() {
    let post = Post::confirmed();
    let (listener, at) = listener();
    let posts = serve(listener, hook);
    let url = format!("http://127.0.0.1:{at}/hook");
    let set = post.ok(&["notify", "set", "--webhook", &url, "--json"]);
    let set: Value = serde_json::from_str(&set).unwrap();
    let secret = set["secret"].as_str().unwrap();
    assert!(!post.ok(&["notify", "show", "--json"]).contains(secret));

    post.ok(&["notify", "test"]);
    assert!(post.mail().header("Subject").starts_with("[Prism] test: "));
    let got = posts.recv_timeout(PATIENCE).unwrap();
    assert_eq!(got.header("prism-event"), "test");
    assert_eq!(verified(secret, &got), "True");
    assert_eq!(verified("another", &got), "False");

    post.ok(&["notify", "set", "--on", "save.succeeded"]);
    post.ok(&["launch", "ubuntu", "work"]);
    post.ok(&["save", "work", "kept"]);
    let got = posts.recv_timeout(PATIENCE).unwrap();
    let body: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(
        (&body["event"], &body["template"]),
        (&"save.succeeded".into(), &"kept".into())
    );
    assert!(post.mail().body.contains("work was saved as kept@1."));
    let shown = post.ok(&["notify", "show"]);
    assert_eq!(shown.matches("last reached").count(), 2, "{shown}");
}

#[test]
fn receivers_that_are_down_get_each_notice_once_and_later() {
    let mut post = Post::confirmed();
    let (down, at) = listener();
    drop(down);
    let (mails_down, mails_at) = listener();
    drop(mails_down);
    post.smtp_port = mails_at;
    let url = format!("http://127.0.0.1:{at}/hook");
    let on = "save.succeeded,budget.crossed";
    post.ok(&["notify", "set", "--on", on, "--webhook", &url]);
    post.ok(&["launch", "ubuntu", "work"]);
    post.ok(&["project", "create", "lab"]);
    let budget = ["project", "budget", "lab", "--limit", "0.01"];
    post.ok(&[&budget[..], &["--alert", "50"]].concat());
    post.ok(&["save", "work", "kept", "--project", "lab"]);
    let shown = post.ok(&["notify", "show"]);
    assert!(!shown.contains("last reached"), "{shown}");
    let posts = serve(TcpListener::bind(("127.0.0.1", at)).unwrap(), hook);
    post.mails = serve(TcpListener::bind(("127.0.0.1", mails_at)).unwrap(), smtp);
    let (mut mailed, mut posted) = (Vec::new(), Vec::new());
    // Each command delivers what is due when it is done; the last ones show that nothing is delivered twice.
    for look in 0..200 {
        post.ok(&["list"]);
        posted.extend(
            posts
                .try_iter()
                .map(|it| it.header("prism-event").to_owned()),
        );
        let subjects = post
            .mails
            .try_iter()
            .map(|it| it.header("Subject").to_owned());
        mailed.extend(subjects);
        if look >= 20 && posted.len() + mailed.len() >= 4 {
            break;
        }
    }
    posted.sort_unstable();
    assert_eq!(posted, ["budget.crossed", "save.succeeded"]);
    mailed.sort_unstable();
    let [budget, save] = mailed.try_into().unwrap();
    assert!(budget.starts_with("[Prism] budget.crossed: "), "{budget}");
    assert!(save.starts_with("[Prism] save.succeeded: "), "{save}");
}

/// Accepts connections and never responds. Tells when it is called, and when the other side gives up.
fn mute(mut stream: TcpStream, tell: &Sender<Got>) {
    let say = |head: &str| {
        tell.send(Got {
            head: head.to_owned(),
            body: String::new(),
        })
    };
    say("called").unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
    // The test may have ended by now.
    let _ = say("given up");
}

#[test]
fn a_receiver_that_does_not_respond_holds_up_no_command() {
    let post = Post::new();
    let (listener, at) = listener();
    let called = serve(listener, mute);
    let url = format!("http://127.0.0.1:{at}/hook");
    post.ok(&["notify", "set", "--on", "save.succeeded", "--webhook", &url]);
    post.ok(&["launch", "ubuntu", "work"]);
    post.ok(&["save", "work", "kept"]);
    // The command has ended, and its notice is still on its way.
    assert_eq!(called.recv_timeout(PATIENCE).unwrap().head, "called");
    assert!(called.try_recv().is_err());
    let saves = post.json(&["saves", "list"]);
    assert_eq!(saves["saves"][0]["state"], "succeeded");
    let shown = post.json(&["show", "work"]);
    assert_eq!(shown["instance"]["state"], "running");
}

/// Each event that the user has chosen reaches the desktop once, through the next terminal.
#[test]
fn the_desktop_is_notified_of_what_was_chosen() {
    let prism = Prism::new(FAST);
    prism.ok(&["notify", "set", "--desktop", "--on", "share.received"]);
    let shown = || prism.typed("", &["list"]).stderr;
    let bob = |args: &[&str]| prism.ok(&[&["--as", "bob"], args].concat());
    assert!(!shown().contains("\u{1b}]9;"));
    bob(&["launch", "ubuntu", "hers"]);
    bob(&["save", "hers", "hers-env"]);
    bob(&["template", "share", "hers-env", "--user", "alice", "--yes"]);
    let told = "\u{1b}]9;Prism: bob shared the template hers-env with you. You can launch it: prism launch hers-env\u{7}";
    let first = shown();
    assert_eq!(first.matches(told).count(), 1, "{first:?}");
    assert!(!shown().contains("\u{1b}]9;"));
}

#[test]
fn what_cannot_be_done_is_said() {
    let prism = Prism::new(FAST);
    let (code, _) = prism.refused(&["notify", "set", "--email", "ada@example.org"]);
    assert_eq!(code, "NoticesUnavailable");
    let (code, _) = prism.refused(&["notify", "set", "--webhook", "https://169.254.169.254/"]);
    assert_eq!(code, "InvalidInput");
    let (code, _) = prism.refused(&["notify", "set", "--on", "save.exploded"]);
    assert_eq!(code, "InvalidInput");
    let (code, _) = prism.refused(&["notify", "test"]);
    assert_eq!(code, "NoticesUnavailable");
    let mut half = prism.command(&["list", "--json"]);
    let half = answer(
        &half
            .env("PRISM_SMTP_URL", "smtp://u:s3cret@h")
            .output()
            .unwrap(),
    );
    assert_eq!(half.error()["code"], "ConfigInvalid");
    assert!(!half.stderr.contains("s3cret"), "{}", half.stderr);
}
