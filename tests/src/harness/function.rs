//! The process of a function, started with the environment that Lambda provides and nothing else.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
pub struct Program {
    line: Vec<OsString>,
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

impl Program {
    pub fn new(line: impl IntoIterator<Item = impl Into<OsString>>, folder: &Path) -> Self {
        Self {
            line: line.into_iter().map(Into::into).collect(),
            folder: folder.to_owned(),
            variables: [
                ("AWS_LAMBDA_FUNCTION_NAME", "prism"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("PATH", "/usr/bin:/bin"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        }
    }

    /// Sets an environment variable, or removes it if the value is empty.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.retain(|(known, _)| known != name);
        let value = value.into();
        if !value.is_empty() {
            self.variables.push((name.to_owned(), value));
        }
        self
    }

    #[expect(clippy::disallowed_methods, reason = "this measures real time")]
    pub fn start(&self, log: &Path) -> io::Result<Function> {
        let (name, arguments) = self.line.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let out = File::create(log)?;
        let err = out.try_clone()?;
        let mut command = Command::new(name);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(std::process::Stdio::null())
            .stdout(out)
            .stderr(err);
        let started = Instant::now();
        let process = command.spawn()?;
        Ok(Function {
            process,
            started,
            log: log.to_owned(),
        })
    }
}

/// A running function. It is killed when this handle is dropped.
#[derive(Debug)]
pub struct Function {
    process: Child,
    started: Instant,
    log: PathBuf,
}

#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub cpu: Duration,
    pub peak_kib: u64,
}

impl Function {
    pub fn started(&self) -> Instant {
        self.started
    }

    pub fn cost(&self) -> io::Result<Cost> {
        let folder = PathBuf::from(format!("/proc/{}", self.process.id()));
        let mut cpu = 0;
        for thread in fs::read_dir(folder.join("task"))? {
            cpu += nanoseconds(&fs::read_to_string(thread?.path().join("schedstat"))?)?;
        }
        let status = fs::read_to_string(folder.join("status"))?;
        let peak = status.lines().find_map(|line| {
            let value = line.strip_prefix("VmHWM:")?.trim();
            value.strip_suffix(" kB")?.parse().ok()
        });
        Ok(Cost {
            cpu: Duration::from_nanos(cpu),
            peak_kib: peak.ok_or(io::ErrorKind::InvalidData)?,
        })
    }

    pub fn end(&mut self) -> io::Result<ExitStatus> {
        self.process.wait()
    }

    pub fn log(&self) -> io::Result<String> {
        fs::read_to_string(&self.log)
    }
}

fn nanoseconds(schedstat: &str) -> io::Result<u64> {
    let first = schedstat.split(' ').next();
    let time = first.and_then(|first| first.parse().ok());
    time.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
