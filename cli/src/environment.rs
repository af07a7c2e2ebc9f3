//! The process's environment, read once.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::Command;

use prism_functions::domain::{Code, Problem, Region, UserId};
use terminal_size::{Height, Width, terminal_size_of};

/// The default Region.
const REGION: &str = "us-east-1";

/// The environment: variables, the program's own path, and which streams are terminals.
#[derive(Debug)]
pub(crate) struct Environment {
    prism_home: Option<PathBuf>,
    data_home: Option<PathBuf>,
    user_home: Option<PathBuf>,
    user: Option<String>,
    region: Option<String>,
    aws_region: Option<String>,
    config: Option<PathBuf>,
    config_home: Option<PathBuf>,
    /// The profile that the environment names.
    pub(crate) profile: Option<String>,
    /// The file that holds the token for an API.
    pub(crate) token_file: Option<PathBuf>,
    /// The SMTP server of the embedded cloud, which may contain a password.
    pub(crate) smtp_url: Option<String>,
    /// The sender of the embedded cloud's e-mail.
    pub(crate) smtp_from: Option<String>,
    /// The search path of programs.
    pub(crate) path: Option<OsString>,
    /// Whether colour is allowed at all.
    pub(crate) color: bool,
    /// This program, for executions that are handed to a process of their own.
    pub(crate) program: Option<PathBuf>,
    pub(crate) stdin_terminal: bool,
    pub(crate) stdout_terminal: bool,
    pub(crate) stderr_terminal: bool,
    /// The columns of the terminals.
    pub(crate) stdout_columns: Option<usize>,
    pub(crate) stderr_columns: Option<usize>,
}

fn columns((Width(columns), _): (Width, Height)) -> usize {
    usize::from(columns)
}

impl Environment {
    /// Reads the environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment is read here, once"
    )]
    pub(crate) fn read() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).and_then(|value| OsString::into_string(value).ok());
        let plain = set("NO_COLOR").is_some() || text("TERM").as_deref() == Some("dumb");
        Self {
            prism_home: set("PRISM_HOME").map(PathBuf::from),
            data_home: set("XDG_DATA_HOME").map(PathBuf::from),
            user_home: set("HOME").map(PathBuf::from),
            user: text("USER").or_else(|| text("LOGNAME")),
            region: text("PRISM_REGION"),
            aws_region: text("AWS_REGION"),
            config: set("PRISM_CONFIG").map(PathBuf::from),
            config_home: set("XDG_CONFIG_HOME").map(PathBuf::from),
            profile: text("PRISM_PROFILE"),
            token_file: set("PRISM_TOKEN_FILE").map(PathBuf::from),
            smtp_url: text("PRISM_SMTP_URL"),
            smtp_from: text("PRISM_SMTP_FROM"),
            path: set("PATH"),
            color: !plain,
            program: std::env::current_exe().ok(),
            stdin_terminal: std::io::stdin().is_terminal(),
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
            stdout_columns: terminal_size_of(std::io::stdout()).map(columns),
            stderr_columns: terminal_size_of(std::io::stderr()).map(columns),
        }
    }

    /// The file of the profiles, if its folder is known.
    pub(crate) fn config(&self) -> Option<PathBuf> {
        let usual = || {
            let config = self.config_home.clone().filter(|path| path.is_absolute());
            config
                .or_else(|| Some(self.user_home.as_ref()?.join(".config")))
                .map(|config| config.join("prism").join("config.toml"))
        };
        self.config.clone().or_else(usual)
    }

    /// The folder of the embedded cloud: the one named, that of a profile that was named, the environment's, that of any
    /// other profile, or the default.
    pub(crate) fn home(
        &self,
        named: Option<PathBuf>,
        profile: Option<PathBuf>,
        profile_named: bool,
    ) -> Result<PathBuf, Problem> {
        let usual = || {
            let data = self.data_home.clone().filter(|path| path.is_absolute());
            data.or_else(|| Some(self.user_home.as_ref()?.join(".local/share")))
                .map(|data| data.join("prism"))
        };
        let home = named
            .or_else(|| profile.clone().filter(|_| profile_named))
            .or_else(|| self.prism_home.clone())
            .or(profile)
            .or_else(usual);
        let home = home.ok_or_else(|| {
            let message = "There is no home folder for the embedded cloud.";
            Problem::new(Code::LocalIo, message)
                .hint("Name a folder with --home PATH or the variable PRISM_HOME.")
        })?;
        // A background process works in another folder.
        std::path::absolute(home).map_err(|error| {
            Problem::new(Code::LocalIo, "The current folder cannot be read.").because(error)
        })
    }

    /// The calling user: the one named, or the user of the operating system.
    pub(crate) fn user(&self, named: Option<&str>) -> Result<UserId, Problem> {
        let user = named
            .map(str::to_owned)
            .or_else(|| self.user.clone())
            .or_else(user_of_the_system);
        let Some(user) = user else {
            let message = "The name of the current user is not known.";
            return Err(
                Problem::new(Code::InvalidName, message).hint("Name a user with --as USER.")
            );
        };
        user.parse()
            .map_err(|invalid| Problem::from(invalid).hint("Name another user with --as USER."))
    }

    /// The folder of the user's SSH keys.
    pub(crate) fn ssh_folder(&self) -> Option<PathBuf> {
        Some(self.user_home.as_ref()?.join(".ssh"))
    }

    /// Whether the environment names a Region for Prism.
    pub(crate) fn names_region(&self) -> bool {
        self.region.is_some()
    }

    /// The Region that the environment names, or the default. Prism's own variable takes precedence over AWS's.
    pub(crate) fn region(
        &self,
        named: Option<&str>,
        profile: Option<&Region>,
    ) -> Result<Region, Problem> {
        let said = named.or(self.region.as_deref());
        let said = said.or(profile.map(Region::as_str));
        let region = said.or(self.aws_region.as_deref()).unwrap_or(REGION);
        Ok(region.parse::<Region>()?)
    }
}

fn user_of_the_system() -> Option<String> {
    let answer = Command::new("id").arg("-un").output().ok()?;
    let name = String::from_utf8(answer.stdout).ok()?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}
