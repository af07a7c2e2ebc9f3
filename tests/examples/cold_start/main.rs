//! Measures how fast a function starts: from the start of its process to its first response, compared with the same
//! function in Python. `cargo xtask bench cold-start` prepares everything and runs it:
//!
//! ```text
//! cold_start BOOTSTRAP PYTHON CERTIFICATES STARTS
//! ```
//!
//! BOOTSTRAP is the functions' binary, PYTHON an interpreter with boto3 and awslambdaric, CERTIFICATES a folder with
//! `server.pem`, `server.key` and `roots.pem`, and STARTS how often each is started. It fails if a promised limit below
//! is exceeded.

#![expect(clippy::print_stdout, reason = "it prints its table")]

mod table;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use prism_functions::ports::Table;
use prism_local::wire::{Accounts, WireServer};
use prism_tests::harness::{self, Answer, DynamoDb, Program, RuntimeApi, TlsFront};
use prism_tests::world::{DEPLOYMENT, Setup, begun, launched, save_request};
use serde_json::{Value, json};

use self::table::{Row, Sample};

/// The table's name. Which deployment it belongs to does not matter here.
const TABLE: &str = "prism";
/// The ARN of a state machine that no function in this measurement calls.
const MACHINE: &str = "arn:aws:states:us-east-1:111122223333:stateMachine:prism";
/// Seconds on the virtual clock after which a started save waits for the instance to stop.
const STOPPING_S: u64 = 5;
const WARM_UP: usize = 2;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bootstrap, python, certificates, starts] = arguments.as_slice() else {
        return Err("usage: cold_start BOOTSTRAP PYTHON CERTIFICATES STARTS".into());
    };
    let world = launched(Setup::seeded(1));
    let save = begun(&world, save_request("work", "kept"));
    world.pass(STOPPING_S);
    // The sweep works only for the deployment that the registry names, which a sweep before has written.
    let deployment = DEPLOYMENT.parse()?;
    world
        .clock
        .run(world.service.env.registry.claim(&deployment))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let rows = runtime.block_on(async {
        let accounts = Accounts::all("111122223333".parse()?);
        let wire = WireServer::start(world.cloud.clone(), accounts, 0).await?;
        let dynamo = DynamoDb::start(harness::table(Arc::clone(&world.table) as Arc<dyn Table>));
        let bench = Bench::new(&wire, dynamo.await?, Path::new(certificates)).await?;
        let programs = bench.programs(bootstrap, python, save.as_str());
        bench.measure(&programs, starts.parse()?).await
    })?;
    print!("{}", table::render(&rows));
    table::judge(&rows).map_err(Into::into)
}

struct Bench {
    ec2: TlsFront,
    dynamo: TlsFront,
    roots: String,
    logs: tempfile::TempDir,
    _dynamo: DynamoDb,
}

struct Subject {
    name: &'static str,
    program: Program,
    payload: Value,
    good: fn(&Value) -> bool,
}

impl Bench {
    async fn new(wire: &WireServer, dynamo: DynamoDb, certificates: &Path) -> Outcome<Self> {
        let (certificate, key) = (
            certificates.join("server.pem"),
            certificates.join("server.key"),
        );
        let ec2 = wire.url().replace("http://", "");
        Ok(Self {
            ec2: TlsFront::start(&certificate, &key, ec2).await?,
            dynamo: TlsFront::start(&certificate, &key, dynamo.host()).await?,
            roots: certificates.join("roots.pem").display().to_string(),
            logs: tempfile::tempdir()?,
            _dynamo: dynamo,
        })
    }

    fn programs(&self, bootstrap: &str, python: &str, save: &str) -> Vec<Subject> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let environment = |line: &[&str], folder: &Path| {
            Program::new(line.iter().copied(), folder)
                .with("AWS_ENDPOINT_URL_EC2", self.ec2.url())
                .with("AWS_ENDPOINT_URL_DYNAMODB", self.dynamo.url())
                .with("PRISM_TABLE", TABLE)
        };
        let rust = |handler: &str| {
            environment(&[bootstrap], here)
                .with("_HANDLER", handler)
                .with("PRISM_STATE_MACHINE_ARN", MACHINE)
                .with("SSL_CERT_FILE", self.roots.clone())
        };
        let step = json!({"save_id": save, "epoch": 1, "limit_s": 1e12});
        let waits = |answer: &Value| answer["done"] == false;
        vec![
            Subject {
                name: table::RUST,
                program: rust("AwaitStopped"),
                payload: step.clone(),
                good: waits,
            },
            Subject {
                name: table::PYTHON,
                program: environment(
                    &[python, "-m", "awslambdaric", "function.handler"],
                    &here.join("examples/cold_start"),
                )
                // Lambda sets this variable beside AWS_REGION, and Python reads this one.
                .with("AWS_DEFAULT_REGION", "us-east-1")
                .with("AWS_CA_BUNDLE", self.roots.clone()),
                payload: step,
                good: waits,
            },
            Subject {
                name: "Sweep",
                program: rust("Sweep"),
                payload: json!({}),
                good: |answer| answer["recoveries"] == json!([]),
            },
        ]
    }

    /// Starts the programs in turn, so that other load on the machine affects all of them alike.
    async fn measure(&self, subjects: &[Subject], starts: usize) -> Outcome<Vec<Row>> {
        let mut rows: Vec<Row> = subjects.iter().map(|it| Row::new(it.name)).collect();
        for round in 0..WARM_UP + starts {
            for (subject, row) in subjects.iter().zip(&mut rows) {
                let sample = self.start(subject).await?;
                if round >= WARM_UP {
                    row.add(sample);
                }
            }
        }
        Ok(rows)
    }

    async fn start(&self, subject: &Subject) -> Outcome<Sample> {
        let mut lambda = RuntimeApi::start().await?;
        lambda.invoke(&subject.payload);
        let program = subject.program.clone();
        let program = program.with("AWS_LAMBDA_RUNTIME_API", lambda.host());
        let function = program.start(&self.logs.path().join("log"))?;
        let answered = lambda.answer().await;
        let cost = function.cost()?;
        match answered {
            Some((at, Answer::Returned(value))) if (subject.good)(&value) => Ok(Sample {
                wall: at.duration_since(function.started()),
                cost,
            }),
            other => {
                let log = function.log()?;
                Err(format!("{} answered {other:?}:\n{log}", subject.name).into())
            }
        }
    }
}
