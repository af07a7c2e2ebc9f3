//! The commands that a simulated disk supports. All others are refused.

use super::{GuestOutput, Session};

type Run = fn(&mut Session, &[&str], &[u8]) -> GuestOutput;

/// Each command: its names, its usage, and its implementation.
const COMMANDS: &[(&[&str], &str, Run)] = &[
    (
        &["pip", "pip3"],
        "pip install NAME[==VERSION]... | pip list | pip freeze",
        Session::pip,
    ),
    (
        &["conda", "mamba"],
        "conda install [-y] NAME[=VERSION]... | conda list",
        Session::conda,
    ),
    (
        &["apt-get", "apt"],
        "apt-get update | apt-get install [-y] NAME... | apt list --installed",
        Session::apt,
    ),
    (
        &["dnf", "yum"],
        "dnf install [-y] NAME... | dnf list installed",
        Session::dnf,
    ),
    (
        &["R", "Rscript"],
        "R -e 'install.packages(\"NAME\")'",
        Session::r,
    ),
    (
        &["jupyter"],
        "jupyter kernelspec install PATH --name NAME | jupyter kernelspec list",
        Session::jupyter,
    ),
    (&["cat"], "cat PATH...", Session::cat),
    (&["ls"], "ls [-l] [PATH]", Session::ls),
    (&["tee"], "tee [-a] PATH", Session::tee),
    (&["rm"], "rm [-r] [-f] PATH...", Session::rm),
    (&["mkdir"], "mkdir [-p] PATH...", Session::mkdir),
    (&["echo"], "echo TEXT...", |_, args, _| {
        GuestOutput::ok(format!("{}\n", args.join(" ")))
    }),
    (&["uname"], "uname [-m]", Session::uname),
    (&["hostname"], "hostname", |session, _, _| {
        GuestOutput::ok(format!("{}\n", session.host.name))
    }),
    (&["df"], "df -h", |session, _, _| session.df()),
    (&["whoami"], "whoami", |session, _, _| {
        GuestOutput::ok(format!("{}\n", session.disk.system.user()))
    }),
];

impl Session {
    /// Runs one command, given as its words. A leading `sudo` has no effect here.
    pub(super) fn run(&mut self, argv: &[String], stdin: &[u8]) -> GuestOutput {
        let mut words = argv.iter().map(String::as_str).peekable();
        while words
            .peek()
            .is_some_and(|word| matches!(*word, "sudo" | "-E" | "-H"))
        {
            words.next();
        }
        let Some(name) = words.next() else {
            return GuestOutput::failed(2, "no command was given");
        };
        let rest: Vec<&str> = words.collect();
        let name = name.rsplit_once("/bin/").map_or(name, |(_, name)| name);
        // `python3 -m pip` is the same as `pip`.
        if let ("python" | "python3", ["-m", "pip", pip @ ..]) = (name, rest.as_slice()) {
            return self.pip(pip, stdin);
        }
        match COMMANDS.iter().find(|(names, ..)| names.contains(&name)) {
            Some((_, _, run)) => run(self, &rest, stdin),
            None => refused(name),
        }
    }

    fn uname(&mut self, args: &[&str], _: &[u8]) -> GuestOutput {
        let machine = match self.host.architecture {
            prism_functions::domain::ec2::Architecture::X86_64 => "x86_64",
            prism_functions::domain::ec2::Architecture::Arm64 => "aarch64",
        };
        match args {
            [] | ["-s"] => GuestOutput::ok("Linux\n"),
            ["-m"] => GuestOutput::ok(format!("{machine}\n")),
            _ => not_understood("uname", args),
        }
    }

    fn df(&self) -> GuestOutput {
        let gib = |bytes: u64| {
            format!(
                "{}.{}G",
                bytes >> 30,
                ((bytes & ((1 << 30) - 1)) * 10) >> 30
            )
        };
        let (size, used) = (self.host.size_bytes, self.disk.used_bytes());
        let percent = used.saturating_mul(100).checked_div(size).unwrap_or(0);
        GuestOutput::ok(format!(
            "Filesystem      Size  Used Avail Use% Mounted on\n/dev/root {:>10} {:>5} {:>5} {percent:>3}% /\n",
            gib(size),
            gib(used),
            gib(size.saturating_sub(used)),
        ))
    }
}

fn refused(name: &str) -> GuestOutput {
    let usages = COMMANDS.iter().map(|(_, usage, _)| format!("  {usage}\n"));
    let shown = prism_functions::domain::ids::shown(name);
    GuestOutput::failed(
        127,
        format!(
            "The instance is simulated, with only a simulated disk, and cannot run {shown}. It supports:\n{}",
            usages.collect::<String>()
        ),
    )
}

/// The output for a supported command with unsupported arguments.
pub(super) fn not_understood(name: &str, args: &[&str]) -> GuestOutput {
    let usage = COMMANDS
        .iter()
        .find(|(names, ..)| names.contains(&name))
        .map_or("", |(_, usage, _)| usage);
    let shown = prism_functions::domain::ids::shown(&args.join(" "));
    GuestOutput::failed(
        2,
        format!("On a simulated disk, {name} does not support {shown}, but only: {usage}"),
    )
}
