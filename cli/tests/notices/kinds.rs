//! Every kind of notice is provoked for real, and arrives once by each way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;

use chrono::{DateTime, TimeDelta, Utc};
use prism_functions::domain::NoticeEvent;
use prism_local::Embedded;
use prism_local::ec2::Admin;
use serde_json::Value;

use super::common::{Attended, FAST, SLOW};
use super::schema::Schemas;
use super::{Got, Post, docs, hook, listener, serve, verified};

/// The cloud's speed to pass hours.
const FASTEST: &str = "10000";
/// The cloud's speed for a schedule that a server runs: its server looks every second, and finds a run within two minutes.
const SERVED: &str = "100";
/// The account of the embedded cloud.
const ACCOUNT: &str = "000000000000";
/// How many commands are run until the test fails, because nothing arrives.
const LOOKS: u32 = 1000;
/// The fields of a notice that name what it is about, each with its label in an e-mail.
const NAMED: [(&str, &str); 5] = [
    ("save_id", "Save"),
    ("project", "Project"),
    ("template", "Template"),
    ("instance", "Instance"),
    ("schedule", "Schedule"),
];

/// Reads an e-mail as its readers do: its subject may be folded and encoded.
const READ_MAIL: &str = "
import email, email.policy, json, sys
mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
print(json.dumps([mail['subject'], mail['to'], mail.get_content()]))
";

/// How a kind of notice was provoked, and what it must say.
#[derive(Default)]
struct Scene {
    /// A part of its text.
    says: String,
    /// What it names, by the fields of its payload. It names nothing else.
    names: Vec<(&'static str, String)>,
    /// The kinds that come with it.
    besides: Vec<NoticeEvent>,
    /// The command that ends the scene once its notices have arrived.
    after: &'static [&'static str],
    /// The server that runs until then.
    server: Option<Attended>,
}

/// A notice as it arrived by both ways.
struct Arrived {
    post: Got,
    payload: Value,
    subject: String,
    text: String,
}

/// A user who gets notices of every kind, by mail and by a webhook.
struct Reached {
    post: Post,
    posts: Receiver<Got>,
    secret: String,
}

impl Reached {
    fn new() -> Self {
        let post = Post::confirmed();
        let (listener, at) = listener();
        let posts = serve(listener, hook);
        let url = format!("http://127.0.0.1:{at}/hook");
        let chosen = NoticeEvent::ALL
            .iter()
            .filter(|it| **it != NoticeEvent::Test);
        let chosen: Vec<&str> = chosen.map(|it| it.as_str()).collect();
        let chosen = chosen.join(",");
        let set = ["notify", "set", "--webhook", &url, "--on", &chosen];
        let set = post.json(&set);
        let secret = set["secret"].as_str().unwrap().to_owned();
        post.ok(&["launch", "ubuntu", "work"]);
        Self {
            post,
            posts,
            secret,
        }
    }

    fn admin(&self) -> Admin {
        let home = self.post.prism.home();
        let cloud = Embedded::open(home, Path::new("prism")).unwrap();
        cloud.cloud().admin(ACCOUNT.parse().unwrap())
    }

    fn speed(&self, speed: &str) {
        self.post.ok(&["local", "speed", speed]);
    }

    fn now(&self) -> DateTime<Utc> {
        let now = self.post.ok(&["local", "show", "--format", "now"]);
        now.trim().parse().unwrap()
    }

    /// The ID of the save or copy that began last.
    fn last(&self) -> String {
        let saves = self.post.json(&["saves", "list"]);
        saves["saves"][0]["save_id"].as_str().unwrap().to_owned()
    }

    fn instance(&self, name: &str) -> String {
        let shown = self.post.json(&["show", name]);
        shown["instance"]["id"].as_str().unwrap().to_owned()
    }

    /// Begins a save and waits until its instance is down.
    fn down(&self) -> String {
        self.speed(SLOW);
        let begun = self.post.json(&["save", "work", "kept", "--no-wait"]);
        let is_down = || {
            let shown = self.post.json(&["show", "work"]);
            let instance = &shown["instance"];
            instance["save_id"].is_string() && instance["state"] != "running"
        };
        assert!((0..LOOKS).any(|_| is_down()), "{begun}");
        begun["save_id"].as_str().unwrap().to_owned()
    }

    /// A kind that is added cannot be left out here: the match would not be complete.
    fn provoke(&self, event: NoticeEvent) -> Scene {
        match event {
            NoticeEvent::SaveSucceeded => self.save_succeeds(),
            NoticeEvent::SaveFailed => self.save_fails(),
            NoticeEvent::SaveCancelled => self.save_is_cancelled(),
            NoticeEvent::SaveStranded => self.save_strands(),
            NoticeEvent::CopySucceeded => self.copy_succeeds(),
            NoticeEvent::CopyFailed => self.copy_fails(),
            NoticeEvent::CopyCancelled => self.copy_is_cancelled(),
            NoticeEvent::ScheduleMissed => self.schedule_misses(),
            NoticeEvent::ScheduleFailed => self.schedule_fails(),
            NoticeEvent::BudgetCrossed => self.budget_is_crossed(),
            NoticeEvent::ShareReceived => self.share_is_received(),
            NoticeEvent::InstanceEnding => self.instance_ends_soon(),
            NoticeEvent::InstanceEnded => self.instance_ends(),
            NoticeEvent::ProjectEnding => self.project_ends_soon(),
            NoticeEvent::Test => self.test_is_requested(),
        }
    }

    fn of_save(&self, says: &str) -> Scene {
        Scene {
            says: says.to_owned(),
            names: vec![
                ("save_id", self.last()),
                ("template", "kept".to_owned()),
                ("instance", self.instance("work")),
            ],
            ..Scene::default()
        }
    }

    fn save_succeeds(&self) -> Scene {
        self.post.ok(&["save", "work", "kept"]);
        self.of_save("work was saved as kept@1.")
    }

    fn save_fails(&self) -> Scene {
        self.admin().fail_next_image("its disk is odd").unwrap();
        let failed = self.post.run(&["save", "work", "kept"]);
        assert_eq!(failed.code, 1, "{}", failed.stderr);
        self.of_save("EC2 could not create the AMI")
    }

    fn save_is_cancelled(&self) -> Scene {
        let id = self.down();
        self.post.ok(&["saves", "cancel", &id, "--wait"]);
        self.of_save("cancelled")
    }

    /// The permission to start the instance again is missing until the alarm was raised.
    fn save_strands(&self) -> Scene {
        let id = self.down();
        self.admin().deny("StartInstances").unwrap();
        let watched = self.post.run(&["saves", "watch", &id]);
        assert_eq!(watched.code, 1, "{}", watched.stdout);
        self.admin().allow("StartInstances").unwrap();
        self.post.ok(&["saves", "recover", &id]);
        Scene {
            besides: vec![NoticeEvent::SaveFailed],
            ..self.of_save(&format!("prism saves show {id}"))
        }
    }

    fn of_copy(&self, says: &str) -> Scene {
        let of_save = self.of_save(says);
        let names = of_save.names.into_iter();
        Scene {
            names: names.filter(|(field, _)| *field != "instance").collect(),
            ..of_save
        }
    }

    fn copy_succeeds(&self) -> Scene {
        self.speed(FAST);
        self.post
            .ok(&["template", "copy", "kept", "--region", "eu-west-1"]);
        self.of_copy("kept@1 was copied")
    }

    fn copy_fails(&self) -> Scene {
        self.admin().fail_next_copy("the key is gone").unwrap();
        let copy = ["template", "copy", "kept", "--region", "us-west-2"];
        assert_eq!(self.post.run(&copy).code, 1);
        self.of_copy("The copy to us-west-2 failed")
    }

    fn copy_is_cancelled(&self) -> Scene {
        self.speed(SLOW);
        let copy = ["template", "copy", "kept", "--region", "ap-south-1"];
        let begun = self.post.json(&[&copy[..], &["--no-wait"]].concat());
        let cancel = [
            "saves",
            "cancel",
            begun["save_id"].as_str().unwrap(),
            "--wait",
        ];
        // The copy becomes known a moment after it was started.
        let cancelled = (0..LOOKS).any(|_| self.post.run(&cancel).code == 0);
        assert!(cancelled, "{}", self.post.run(&cancel).stderr);
        self.of_copy("cancelled")
    }

    /// Nothing runs schedules until one is run by hand, after hours.
    fn schedule_misses(&self) -> Scene {
        self.speed(FASTEST);
        let create = ["schedule", "create", "work", "kept", "--name", "hourly"];
        self.post.ok(&[&create[..], &["--rate", "1h"]].concat());
        let created = self.now();
        let passed = |_| self.now() - created > TimeDelta::hours(2);
        assert!((0..LOOKS).any(passed));
        self.speed(FAST);
        self.post.ok(&["schedule", "run", "hourly"]);
        Scene {
            says: "The schedule hourly missed".to_owned(),
            names: vec![
                ("save_id", self.last()),
                ("template", "kept".to_owned()),
                ("schedule", "hourly".to_owned()),
            ],
            besides: vec![NoticeEvent::SaveSucceeded],
            after: &["schedule", "delete", "hourly"],
            ..Scene::default()
        }
    }

    /// The instance of a schedule is gone when a server begins its run.
    fn schedule_fails(&self) -> Scene {
        self.post.ok(&["launch", "ubuntu", "doomed"]);
        self.speed(SERVED);
        let due = self.now() + TimeDelta::minutes(10);
        let due = due.format("%-M %-H %-d %-m ? *").to_string();
        let create = ["schedule", "create", "doomed", "kept", "--name", "vain"];
        self.post.ok(&[&create[..], &["--cron", &due]].concat());
        self.post.ok(&["terminate", "doomed", "--yes"]);
        let mut server = self.post.command(&["local", "serve"]);
        server.stdout(Stdio::null()).stderr(Stdio::null());
        Scene {
            says: "doomed".to_owned(),
            names: vec![
                ("save_id", String::new()),
                ("template", "kept".to_owned()),
                ("schedule", "vain".to_owned()),
            ],
            after: &["schedule", "delete", "vain"],
            server: Some(Attended::of(server.spawn().unwrap())),
            ..Scene::default()
        }
    }

    fn budget_is_crossed(&self) -> Scene {
        self.speed(FAST);
        self.post.ok(&["project", "create", "lab"]);
        let budget = ["project", "budget", "lab", "--limit", "0.01"];
        self.post.ok(&[&budget[..], &["--alert", "50"]].concat());
        self.post
            .ok(&["save", "work", "lab-env", "--project", "lab"]);
        Scene {
            says: "50 % of its budget of $0.01 is used up.".to_owned(),
            names: vec![("save_id", self.last()), ("project", "lab".to_owned())],
            besides: vec![NoticeEvent::SaveSucceeded],
            ..Scene::default()
        }
    }

    fn share_is_received(&self) -> Scene {
        let bob = |args: &[&str]| self.post.ok(&[&["--as", "bob"], args].concat());
        bob(&["launch", "ubuntu", "hers"]);
        bob(&["save", "hers", "hers-env"]);
        bob(&["template", "share", "hers-env", "--user", "alice", "--yes"]);
        Scene {
            says: "bob shared the template hers-env with you.".to_owned(),
            names: vec![("template", "hers-env".to_owned())],
            ..Scene::default()
        }
    }

    /// The warning is due at once, because the end is nearer.
    fn ending(&self, name: &'static str) -> Scene {
        self.speed(SLOW);
        let launch = ["launch", "ubuntu", name, "--for", "2h"];
        self.post
            .ok(&[&launch[..], &["--warn-before", "3h"]].concat());
        Scene {
            names: vec![("instance", self.instance(name))],
            ..Scene::default()
        }
    }

    fn instance_ends_soon(&self) -> Scene {
        Scene {
            says: "it is then stopped".to_owned(),
            after: &["extend", "brief", "--never"],
            ..self.ending("brief")
        }
    }

    fn instance_ends(&self) -> Scene {
        let scene = self.ending("briefer");
        self.speed(FASTEST);
        Scene {
            says: "has reached its end and was stopped.".to_owned(),
            besides: vec![NoticeEvent::InstanceEnding],
            ..scene
        }
    }

    fn project_ends_soon(&self) -> Scene {
        self.speed(SLOW);
        self.post.ok(&["project", "create", "brain"]);
        let on = (self.now() + TimeDelta::days(3)).to_rfc3339();
        self.post.ok(&["project", "end", "brain", "--on", &on]);
        Scene {
            // A slow machine is late, and the text then does not say in what time.
            says: "The project brain ends".to_owned(),
            names: vec![("project", "brain".to_owned())],
            after: &["project", "end", "brain", "--never"],
            ..Scene::default()
        }
    }

    fn test_is_requested(&self) -> Scene {
        self.post.ok(&["notify", "test"]);
        Scene {
            says: "This is a test.".to_owned(),
            ..Scene::default()
        }
    }

    /// What has arrived since the last call, at least so many notices: each once by each way.
    fn arrived(&self, least: usize) -> Vec<Arrived> {
        let (mut mails, mut posts) = (Vec::new(), Vec::new());
        for _ in 0..LOOKS {
            // Each command sends what is due, and delivers it.
            self.post.ok(&["list"]);
            mails.extend(self.post.mails.try_iter().map(|mail| read(&mail)));
            posts.extend(self.posts.try_iter());
            if mails.len() >= least && posts.len() >= least {
                break;
            }
        }
        let mut by_id: BTreeMap<String, [String; 3]> = BTreeMap::new();
        for mail in mails {
            let (_, id) = mail[2].split_once("\nNotice: ").unwrap();
            let id = id.lines().next().unwrap().to_owned();
            assert!(by_id.insert(id, mail.clone()).is_none(), "twice: {mail:?}");
        }
        let mut all = Vec::new();
        for post in posts {
            let payload: Value = serde_json::from_str(&post.body).unwrap();
            let mail = by_id.remove(payload["id"].as_str().unwrap());
            let [subject, to, text] = mail.unwrap_or_else(|| panic!("no mail of {payload}"));
            assert_eq!(to, "ada@example.org");
            all.push(Arrived {
                post,
                payload,
                subject,
                text,
            });
        }
        assert!(by_id.is_empty(), "the webhook did not get {by_id:?}");
        all
    }
}

/// The subject, the addressee and the text of an e-mail.
fn read(mail: &Got) -> [String; 3] {
    let mut python = Command::new("python3");
    let python = python.args(["-c", READ_MAIL]);
    let mut child = python
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    write!(stdin, "{}\n\n{}\n", mail.head, mail.body).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Arrived {
    fn event(&self) -> &str {
        self.payload["event"].as_str().unwrap()
    }

    /// Both ways bring the same, in their own forms.
    fn check(&self, secret: &str) {
        let (event, payload) = (self.event(), &self.payload);
        Schemas::of(&docs()).check("webhook", payload);
        assert_eq!(verified(secret, &self.post), "True", "{event}");
        assert_eq!(self.post.header("prism-event"), event);
        assert_eq!(self.post.header("prism-notice-id"), payload["id"]);
        assert_eq!(payload["user"], "alice");
        assert_eq!(payload["alarm"], event == "save.stranded", "{event}");
        let said = payload["text"].as_str().unwrap();
        let subject = self.subject.trim_end_matches('…');
        assert!(
            format!("[Prism] {event}: {said}").starts_with(subject)
                && (subject.len() > 100 || subject.ends_with(said)),
            "{subject}: {said}"
        );
        let facts = self.text.strip_prefix(&format!("{said}\n\n"));
        let facts = facts.unwrap_or_else(|| panic!("{said} in {}", self.text));
        assert!(facts.starts_with(&format!("Event: {event}\n")), "{facts}");
        for (field, label) in NAMED {
            let line = payload[field].as_str().map(|it| format!("{label}: {it}\n"));
            match line {
                Some(line) => assert!(facts.contains(&line), "{line} in {facts}"),
                None => assert!(!facts.contains(&format!("\n{label}: ")), "{facts}"),
            }
        }
    }

    /// It says and names what its scene expects; an empty name stands for any.
    fn check_scene(&self, scene: &Scene) {
        let said = self.payload["text"].as_str().unwrap();
        assert!(said.contains(&scene.says), "{}: {said}", scene.says);
        for (field, _) in NAMED {
            let named = self.payload[field].as_str();
            let expected = scene.names.iter().find(|(name, _)| *name == field);
            match expected.map(|(_, value)| value.as_str()) {
                Some("") => assert!(named.is_some(), "{field}: {}", self.payload),
                expected => assert_eq!(named, expected, "{field}: {}", self.payload),
            }
        }
    }
}

#[test]
fn every_kind_of_notice_arrives_once_by_mail_and_by_webhook() {
    let alice = Reached::new();
    let table = fs::read_to_string(docs().join("notices.md")).unwrap();
    let mut ids = BTreeSet::new();
    for event in NoticeEvent::ALL {
        let scene = alice.provoke(*event);
        let mut expected: Vec<&str> = scene.besides.iter().map(|it| it.as_str()).collect();
        expected.push(event.as_str());
        let arrived = alice.arrived(expected.len());
        let mut events: Vec<&str> = arrived.iter().map(Arrived::event).collect();
        expected.sort_unstable();
        events.sort_unstable();
        assert_eq!(events, expected, "{event}");
        for notice in &arrived {
            notice.check(&alice.secret);
            let id = notice.payload["id"].as_str().unwrap().to_owned();
            assert!(ids.insert(id), "{} arrived again", notice.payload);
        }
        let own = arrived.iter().find(|it| it.event() == event.as_str());
        own.unwrap().check_scene(&scene);
        if !scene.after.is_empty() {
            drop(scene.server);
            alice.post.ok(scene.after);
        }
        if *event != NoticeEvent::Test {
            assert!(table.contains(&format!("`{event}`")), "{event}");
        }
    }
    // Nothing follows: no command sends a notice again.
    for _ in 0..3 {
        assert!(alice.arrived(0).is_empty());
    }
}
