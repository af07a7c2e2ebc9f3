//! The commands that a simulated disk supports. All others are refused.

use super::{GuestOutput, Session};

type Run = fn(&mut Session, &[&str], &[u8]) -> GuestOutput;

/// A command: its names, its usage, and its implementation.
struct Command {
    names: &'static [&'static str],
    usage: &'static str,
    run: Run,
}

const COMMANDS: &[Command] = &[
    Command {
        names: &["pip", "pip3"],
        usage: "pip install NAME[==VERSION]... | pip list | pip freeze",
        run: Session::pip,
    },
    Command {
        names: &["conda", "mamba"],
        usage: "conda install [-y] NAME[=VERSION]... | conda list",
        run: Session::conda,
    },
    Command {
        names: &["apt-get", "apt"],
        usage: "apt-get update | apt-get install [-y] NAME... | apt list --installed",
        run: Session::apt,
    },
    Command {
        names: &["dnf", "yum"],
        usage: "dnf install [-y] NAME... | dnf list installed",
        run: Session::dnf,
    },
    Command {
        names: &["R", "Rscript"],
        usage: "R -e 'install.packages(\"NAME\")'",
        run: Session::r,
    },
    Command {
        names: &["jupyter"],
        usage: "jupyter kernelspec install PATH --name NAME | jupyter kernelspec list",
        run: Session::jupyter,
    },
    Command {
        names: &["cat"],
        usage: "cat PATH...",
        run: Session::cat,
    },
    Command {
        names: &["ls"],
        usage: "ls [-l] [PATH]",
        run: Session::ls,
    },
    Command {
        names: &["tee"],
        usage: "tee [-a] PATH",
        run: Session::tee,
    },
    Command {
        names: &["rm"],
        usage: "rm [-r] [-f] PATH...",
        run: Session::rm,
    },
    Command {
        names: &["mkdir"],
        usage: "mkdir [-p] PATH...",
        run: Session::mkdir,
    },
    Command {
        names: &["echo"],
        usage: "echo TEXT...",
        run: |_, args, _| GuestOutput::ok(format!("{}\n", args.join(" "))),
    },
    Command {
        names: &["uname"],
        usage: "uname [-m]",
        run: Session::uname,
    },
    Command {
        names: &["hostname"],
        usage: "hostname",
        run: |session, _, _| GuestOutput::ok(format!("{}\n", session.host.name)),
    },
    Command {
        names: &["df"],
        usage: "df -h",
        run: |session, _, _| session.df(),
    },
    Command {
        names: &["whoami"],
        usage: "whoami",
        run: |session, _, _| GuestOutput::ok(format!("{}\n", session.disk.system.user())),
    },
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
        match COMMANDS.iter().find(|c| c.names.contains(&name)) {
            Some(command) => (command.run)(self, &rest, stdin),
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

/// The output for a command that is not supported.
fn refused(name: &str) -> GuestOutput {
    let usages = COMMANDS.iter().map(|c| format!("  {}\n", c.usage));
    let shown = prism_functions::domain::ids::shown(name);
    GuestOutput::failed(
        127,
        format!(
            "This is a simulated disk: it runs no programs, and does not know {shown}. It knows:\n{}",
            usages.collect::<String>()
        ),
    )
}

/// The output for a supported command with unsupported arguments.
pub(super) fn not_understood(name: &str, args: &[&str]) -> GuestOutput {
    let usage = COMMANDS
        .iter()
        .find(|c| c.names.contains(&name))
        .map_or("", |c| c.usage);
    let shown = prism_functions::domain::ids::shown(&args.join(" "));
    GuestOutput::failed(
        2,
        format!(
            "This is a simulated disk: {name} does not understand {shown} here. It knows: {usage}"
        ),
    )
}
