//! `openapi`: validates the OpenAPI description with openapi-spec-validator, and tests the API that `prism local serve`
//! serves against it with schemathesis, which generates valid and invalid requests. No response may be a server error,
//! and none may have a status, a header or a body that the description does not contain.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Outcome;
use crate::shell::{build, read, run as run_command, write};
use crate::venv;

const PACKAGES: [&str; 2] = ["openapi-spec-validator==0.9.0", "schemathesis==4.32.5"];
/// A fixed seed, so that the generated requests are the same in every run.
const SEED: &str = "1";
/// The checks for each response. They do not include that every request that matches the schemas is accepted: a value
/// may match and still not be an existing Region, a cursor of this list or an instance's name, and no schema can
/// express that.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance,\
                      negative_data_rejection,unsupported_method,allow_header_conformance,\
                      ignored_auth,missing_required_header";
const USER: &str = "alice";

pub(crate) fn run() -> Outcome {
    let programs = venv::with("python3", "openapi", &PACKAGES)?;
    let prism = build(&["--workspace", "--locked", "--bin", "prism"])?;
    let scratch = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let cloud = Cloud {
        prism,
        home: scratch.path().join("cloud"),
    };
    // Create something that requests can refer to.
    for args in [
        &["local", "speed", "1000"][..],
        &["launch", "ubuntu", "work"],
        &["save", "work", "kept", "--yes"],
        &["schedule", "create", "work", "kept", "--rate", "1d"],
        &["template", "share", "kept", "--user", "bob", "--yes"],
        &["project", "create", "brain"],
        &[
            "project", "member", "add", "brain", "bob", "--role", "member",
        ],
        &["project", "approve", "brain", "kept"],
        &[
            "project", "budget", "brain", "--limit", "50", "--alert", "80",
        ],
    ] {
        run_command(cloud.command(args).arg("--quiet").stdout(Stdio::null()))?;
    }
    let served = Served::begin(&cloud)?;
    let description = format!("{}/v1/openapi.json", served.url);
    println!("judging {description}");
    let file = scratch.path().join("openapi.json");
    write(&file, &served.text("/v1/openapi.json")?)?;
    run_command(Command::new(programs.join("openapi-spec-validator")).arg(&file))?;
    // First with any values that the schemas allow, then with existing ones.
    let known = scratch.path().join("known.toml");
    write(&known, &format!("{KNOWN}{REFUSALS}"))?;
    let none = scratch.path().join("none.toml");
    write(&none, REFUSALS)?;
    for (config, examples) in [(&none, "20"), (&known, "8")] {
        served.hold(&programs, config, examples, &description)?;
    }
    Ok(())
}

/// The statuses of refusals for requests that violate the description. Besides the usual ones: 413 if a text is so long
/// that the body is too large, and 428 (RFC 6585) if a conditional header is missing.
const REFUSALS: &str = r#"
[checks]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]
missing_required_header.expected-statuses = ["400", "401", "403", "406", "415", "422", "428"]
"#;

/// The names of existing resources, so that not all requests fail with "not found".
const KNOWN: &str = r#"
[parameters]
region = "us-east-1"

[[operations]]
include-path-regex = "/v1/instances/.*"
parameters = { "path.name" = "work" }

[[operations]]
include-path-regex = "/v1/templates/.*"
parameters = { "path.name" = "kept", "path.version" = 1 }

[[operations]]
include-path-regex = "/v1/schedules/.*"
parameters = { "path.name" = "kept" }

[[operations]]
include-path-regex = "/v1/projects/.*"
parameters = { "path.name" = "brain", "path.template" = "kept" }
"#;

struct Cloud {
    prism: PathBuf,
    home: PathBuf,
}

impl Cloud {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.prism);
        command.env_clear().stdin(Stdio::null());
        command.env("PRISM_HOME", &self.home).env("USER", USER);
        command.args(args);
        command
    }
}

struct Served {
    server: Child,
    url: String,
    token: String,
}

impl Served {
    fn begin(cloud: &Cloud) -> Outcome<Self> {
        let mut command = cloud.command(&["local", "serve"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("the server cannot begin: {error}"))?;
        let told = child.stderr.take().map(BufReader::new);
        let mut this = Self {
            server: child,
            url: String::new(),
            token: String::new(),
        };
        let mut lines = told
            .into_iter()
            .flat_map(|told| told.lines().map_while(Result::ok));
        let url = lines.find_map(|line| {
            let rest = line.strip_prefix("Serving ")?;
            Some(rest.split_once("/v1")?.0.to_owned())
        });
        this.url = url.ok_or("the server did not say where it is")?;
        // Drain stderr, so that the server does not block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let token = read(&cloud.home.join("serve.token"))?;
        token.trim().clone_into(&mut this.token);
        Ok(this)
    }

    fn text(&self, path: &str) -> Outcome<String> {
        let cannot = |error: std::io::Error| format!("{}{path} cannot be read: {error}", self.url);
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).map_err(cannot)?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").map_err(cannot)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(cannot)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
            _ => Err(format!("{}{path} answered {answer}", self.url)),
        }
    }

    fn hold(&self, programs: &Path, config: &Path, examples: &str, description: &str) -> Outcome {
        let mut schemathesis = Command::new(programs.join("schemathesis"));
        // schemathesis writes its cache to the current directory.
        schemathesis.current_dir(config.parent().unwrap_or(config));
        schemathesis.arg("--config-file").arg(config);
        schemathesis.args(["run", "--no-color", "--warnings", "off"]);
        schemathesis.args(["--phases", "examples,coverage,fuzzing", "--checks", CHECKS]);
        schemathesis.args(["--seed", SEED, "--max-examples", examples, "--no-shrink"]);
        schemathesis.args(["--continue-on-failure", "--request-timeout", "30"]);
        schemathesis.arg("--header");
        schemathesis.arg(format!("Authorization: Bearer {}", self.token));
        run_command(schemathesis.arg(description).stdin(Stdio::null()))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The server may have ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
