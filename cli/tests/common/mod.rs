//! Runs the real program in a temporary folder, either on the embedded cloud directly or, in the tests of `on_the_api`,
//! through the API of a real server of it.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;

use serde_json::Value;
use tempfile::TempDir;

/// The cloud's speed for tests that do not need to act between two events.
pub(crate) const FAST: &str = "1000";
/// The cloud's speed for tests that do.
pub(crate) const SLOW: &str = "20";
/// A public key.
pub(crate) const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@laptop";
/// How often a condition is checked before a test fails; a check takes milliseconds.
const LOOKS: u32 = 2000;

/// Whether the program uses the API of a server in this test binary.
pub(crate) const SERVED: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"on_the_api");

/// The program with its folder.
pub(crate) struct Prism {
    server: Mutex<Option<Server>>,
    folder: TempDir,
}

/// A process that ends with the test that has begun it, also if the test fails or its own process is killed.
pub(crate) struct Attended {
    pub(crate) process: Child,
    /// Kills the process when its stdin closes, which this process holds open.
    #[cfg(unix)]
    watcher: Child,
}

impl Attended {
    pub(crate) fn of(process: Child) -> Self {
        #[cfg(unix)]
        let watcher = Command::new("/bin/sh")
            .args(["-c", "read -r line; kill -9 \"$0\""])
            .arg(process.id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            process,
            #[cfg(unix)]
            watcher,
        }
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        // The watcher ends first: it would kill whatever has the process's ID by then.
        #[cfg(unix)]
        {
            let _ = self.watcher.kill();
            let _ = self.watcher.wait();
        }
        // The process may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server of the cloud, and the profile for its API.
struct Server {
    child: Attended,
    profile: TempDir,
}

impl Server {
    /// Serves the cloud in a folder.
    fn of(home: &Path) -> Self {
        let mut serve = program();
        serve.env("PRISM_HOME", home).env("USER", "alice");
        let serve = serve.args(["local", "serve"]).stderr(Stdio::piped());
        let mut child = Attended::of(serve.spawn().unwrap());
        let stderr = BufReader::new(child.process.stderr.take().unwrap());
        let mut lines = stderr.lines().map(Result::unwrap);
        let url = lines.find_map(|line| {
            let rest = line.strip_prefix("Serving ")?.to_owned();
            Some(rest.split("/v1").next().unwrap().to_owned())
        });
        let url = url.expect("the server says where it is");
        // Drain stderr, so that the server does not block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let token = home.join("serve.token");
        let text = format!(
            "schema = 1\n[profile.api]\nbackend = \"api\"\nregion = \"us-east-1\"\nurl = \"{url}\"\n\
             token_file = \"{}\"\n",
            token.display()
        );
        fs::write(profile.path().join("config.toml"), text).unwrap();
        Self { child, profile }
    }

    /// Whether a command goes through the server. Commands that only the embedded cloud has, and commands of another
    /// user, work on the cloud directly.
    fn is_asked(args: &[&str]) -> bool {
        let itself = ["local", "exec", "completions"];
        let command = args.iter().find(|arg| !arg.starts_with("--"));
        let embedded = command.is_some_and(|command| itself.contains(command));
        !embedded && !args.contains(&"--as") && !args.contains(&"--home")
    }
}

/// The output of a run of the program.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// Its stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).expect("JSON on stdout")
    }

    #[track_caller]
    pub(crate) fn prints(&self, text: &str) {
        assert!(self.stdout.contains(text), "{text}: {}", self.stdout);
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.stderr.contains(text), "{text}: {}", self.stderr);
    }

    /// The code of the JSON error on the last line of stderr.
    pub(crate) fn error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON error: {}", self.stderr))
    }
}

impl Prism {
    /// A new cloud with this speed.
    pub(crate) fn new(speed: &str) -> Self {
        let this = Self::empty();
        this.ok(&["local", "speed", speed]);
        this
    }

    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Mutex::default();
        Self { server, folder }
    }

    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// The program with these arguments, as the user alice, without this process's environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.env("USER", "alice").args(args);
        let mut server = self.server.lock().unwrap();
        if SERVED && Server::is_asked(args) {
            let server = server.get_or_insert_with(|| Server::of(self.home()));
            let config = server.profile.path().join("config.toml");
            command
                .env("PRISM_CONFIG", config)
                .env("PRISM_PROFILE", "api");
        } else {
            command.env("PRISM_HOME", self.home());
        }
        if let ["local", "speed" | "settings", ..] = args {
            // A server reads the settings when it starts, so the next one has them.
            server.take();
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        answer(&self.command(args).output().unwrap())
    }

    /// Runs the program with this standard input.
    pub(crate) fn piped(&self, stdin: &str, args: &[&str]) -> Answer {
        let mut child = self.spawn(args);
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(stdin.as_bytes()).unwrap();
        drop(pipe);
        answer(&child.wait_with_output().unwrap())
    }

    /// Runs the program, which must succeed, and returns its stdout.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let answer = self.run(args);
        assert_eq!(answer.code, 0, "prism {args:?}: {}", answer.stderr);
        answer.stdout
    }

    /// Runs the program with `--json`, which must be refused. Returns the error's code and the exit code.
    pub(crate) fn refused(&self, args: &[&str]) -> (String, i32) {
        let answer = self.run(&[&["--json"], args].concat());
        let code = answer.error()["code"].as_str().unwrap().to_owned();
        (code, answer.code)
    }

    /// Runs the program on a terminal with this typed input. The stderr of the result is what the terminal shows
    /// besides the data.
    #[cfg(unix)]
    pub(crate) fn typed(&self, typed: &str, args: &[&str]) -> Answer {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use std::io::Read as _;
        use std::os::unix::ffi::OsStrExt as _;

        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let name = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let theirs = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
        let mut command = self.command(args);
        command.stdin(theirs.try_clone().unwrap()).stderr(theirs);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        // The command keeps the program's side of the terminal open.
        drop(command);
        let mut ours = fs::File::from(ours);
        ours.write_all(typed.as_bytes()).unwrap();
        let mut shown = Vec::new();
        // On Linux, reading fails once the program has ended.
        let _ = ours.read_to_end(&mut shown);
        let mut answer = answer(&child.wait_with_output().unwrap());
        answer.stderr = String::from_utf8_lossy(&shown).into_owned();
        answer
    }

    /// What a terminal of this width shows of a run: both streams, without styles.
    #[cfg(unix)]
    pub(crate) fn on_terminal(&self, width: u16, args: &[&str]) -> String {
        self.on_terminal_with(width, args, &[]).stdout
    }

    /// The same of a run with these variables, as the stdout of the result.
    #[cfg(unix)]
    pub(crate) fn on_terminal_with(
        &self,
        width: u16,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Answer {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use rustix::termios::{Winsize, tcsetwinsize};
        use std::io::Read as _;
        use std::os::unix::ffi::OsStrExt as _;

        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize {
            ws_row: 50,
            ws_col: width,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let name = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        // A process that the program leaves behind must not keep it open.
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let flags = flags | rustix::fs::OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
        let mut command = self.command(args);
        command
            // Without a kind of terminal, nothing is animated.
            .env("TERM", "xterm")
            .envs(variables.iter().copied())
            .stderr(theirs.try_clone().unwrap());
        let mut child = command.stdout(theirs).spawn().unwrap();
        // The command keeps the program's side of the terminal open.
        drop(command);
        let mut shown = Vec::new();
        // On Linux, reading fails once the program has ended.
        let _ = fs::File::from(ours).read_to_end(&mut shown);
        let ended = child.wait().unwrap();
        Answer {
            code: ended.code().unwrap_or(-1),
            stdout: unstyled(&String::from_utf8_lossy(&shown).replace('\r', "")),
            stderr: String::new(),
        }
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Polls the instance of this name until a condition holds.
    pub(crate) fn until(&self, name: &str, so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..LOOKS {
            let list = self.run(&["list", "--json"]).json();
            let instances = list["instances"].as_array().unwrap();
            if let Some(found) = instances.iter().find(|i| i["name"] == name && so(i)) {
                return found.clone();
            }
        }
        panic!("{name} did not become so: {}", self.ok(&["list"]));
    }

    /// Polls until no instance has this name.
    pub(crate) fn until_gone(&self, name: &str) {
        for _ in 0..LOOKS {
            let list = self.run(&["list", "--json"]).json();
            let instances = list["instances"].as_array().unwrap();
            if !instances.iter().any(|i| i["name"] == name) {
                return;
            }
        }
        panic!("{name} did not go: {}", self.ok(&["list"]));
    }

    /// The state of the instance of this name.
    pub(crate) fn state(&self, name: &str) -> String {
        let instance = self.until(name, |_| true);
        instance["state"].as_str().unwrap().to_owned()
    }

    /// What a terminal would show of a run without progress: the command, its output, its exit code.
    pub(crate) fn told(&self, args: &[&str]) -> String {
        let answer = self.run(&[&["--quiet"], args].concat());
        let mut text = format!(
            "$ prism {}\n{}{}",
            args.join(" "),
            answer.stdout,
            answer.stderr
        );
        if answer.code != 0 {
            let _ = std::fmt::Write::write_fmt(&mut text, format_args!("[exit {}]\n", answer.code));
        }
        text
    }
}

/// A text without the sequences that style it or move the cursor.
fn unstyled(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(char::is_alphabetic)
            .map_or(part.len(), |at| at + 1);
        plain.push_str(&part[end..]);
    }
    plain
}

/// The program, without this process's environment.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prism"));
    command.env_clear().stdin(Stdio::null());
    if let Some(path) = option_env!("PATH") {
        command.env("PATH", path);
    }
    command
}

/// The output of a run, as text.
pub(crate) fn answer(output: &Output) -> Answer {
    Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A list of instances without their costs, which grow while a test runs.
pub(crate) fn without_costs(list: &str) -> serde_json::Value {
    let mut list: serde_json::Value = serde_json::from_str(list).unwrap();
    for instance in list["instances"].as_array_mut().unwrap() {
        let costs = instance.as_object_mut().unwrap().remove("spending");
        assert!(costs.is_some_and(|costs| costs.is_object()), "{instance}");
    }
    list
}

/// Snapshot settings that replace everything that differs between runs.
pub(crate) fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    for (what, shown) in [
        (r"\b(i|ami|save|snap)-[0-9a-f]{8,32}\b", "$1-0"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"\b\d{4}-\d\d-\d\d ", "DATE "),
        (r"(?m)^  \d\d:\d\d:\d\d +", "  TIME  "),
        (r"\b(\d+ h )?(\d+ min )?\d+(\.\d)? s\b", "DURATION"),
        (r"\b(\d+ h )?\d+ min\b", "DURATION"),
        (r"\b198\.1[89]\.\d+\.\d+\b", "ADDRESS"),
        (
            r"(\$\d+\.\d{4}|-|not known) +(at least )?(less than \$0\.01|\$\d+\.\d\d|-)  +i-",
            "PRICE  COST  i-",
        ),
        (r" +\n", "\n"),
        (r"\b(DURATION|DOWNTIME|TIME|ADDRESS|0) {2,}", "$1  "),
    ] {
        settings.add_filter(what, shown);
    }
    settings
}
