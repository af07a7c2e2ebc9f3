//! Runs one scenario on one of the two interpreters.

use std::sync::{Arc, LazyLock};

use prism_asl::HistoryEvent;
use prism_functions::domain::SaveId;
use prism_functions::domain::save::SaveRequest;
use prism_functions::ports::{Execution, ExecutionStatus, Executions as _};
use prism_local::executions::{DEFINITION, StepFunctions, load, substituted};
use prism_tests::ask;
use prism_tests::world::{ADA, Setup, World, begun, launched};
use serde_json::{Value, json};

use crate::moto::{Moto, MotoExecutions};
use crate::seen::{self, Seen};
use crate::served::{Served, Stage};
use crate::trouble::{self, Fault, Trouble};

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) request: SaveRequest,
    pub(crate) before: fn(&World),
    pub(crate) faults: Vec<Fault>,
    pub(crate) begins: Begins,
    /// The time limit of the execution, instead of three days.
    pub(crate) timeout_s: Option<u64>,
    /// Whether the result depends on chance: a pause is random, or two Regions are called at the same instant. Random
    /// parts are not compared.
    pub(crate) by_chance: bool,
    /// Whether a sweep runs afterwards and recovers the save.
    pub(crate) swept: bool,
    /// The status in which the first execution ends, and its error.
    pub(crate) ends: (&'static str, Option<&'static str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begins {
    Save,
    DryRun,
    Copy,
}

/// The definition's own time limit, which a scenario may shorten.
const LIMIT: &str = "\"TimeoutSeconds\": 259200";

impl Scenario {
    pub(crate) fn definition(&self) -> String {
        let text = match self.timeout_s {
            None => DEFINITION.to_owned(),
            Some(seconds) => {
                assert!(DEFINITION.contains(LIMIT), "the limit is another now");
                DEFINITION.replace(LIMIT, &format!("\"TimeoutSeconds\": {seconds}"))
            }
        };
        substituted(&text)
    }

    fn world(&self) -> World {
        let setup = Setup {
            machine: Arc::new(load(&self.definition()).unwrap()),
            wrap: trouble::wrap,
            // The scenario decides whether an event ends a wait.
            events: false,
            ..Setup::seeded(11)
        };
        let world = launched(setup);
        (self.before)(&world);
        world
    }

    /// Starts it. Dry runs and copies differ from a save only in the execution's input.
    fn begin(&self, world: &World) -> SaveId {
        let id: SaveId = "save-00000000000000000000".parse().unwrap();
        let input = match self.begins {
            Begins::Save => return begun(world, self.request.clone()),
            Begins::DryRun => {
                json!({ "save_id": id, "caller": ADA.clone(), "request": self.request, "dry_run": true })
            }
            Begins::Copy => {
                let copy = json!({ "template": "kept", "version": 1, "regions": ["eu-west-1"] });
                json!({ "save_id": id, "caller": ADA.clone(), "copy": copy })
            }
        };
        let started = world.service.executions.start(id.as_str(), input);
        world.run(started).unwrap();
        id
    }
}

/// The observations of the executions of one scenario, including the recovery after the first.
pub(crate) type Played = Vec<Seen>;

pub(crate) fn on_ours(scenario: &Scenario) -> Played {
    let trouble = Trouble::new(&scenario.faults);
    trouble::set(Arc::clone(&trouble));
    let world = scenario.world();
    trouble.set_service(world.service.clone());
    let id = scenario.begin(&world);
    let look = |name: &str| {
        world.clock.run_until_idle().unwrap();
        let execution = world.run(world.executions.describe(name)).unwrap();
        let history = world.executions.history(name).unwrap().events();
        let events: Vec<Value> = history.iter().map(HistoryEvent::to_json).collect();
        let seen = collect(scenario, &world, &trouble, &id, &said(&execution), &events);
        check_end(scenario, name, &id, &seen);
        seen
    };
    let mut played = vec![look(id.as_str())];
    if scenario.swept {
        ask!(world, sweep()).unwrap();
        played.push(look(&format!("{id}-2")));
    }
    assert_eq!(format!("{:?}", trouble.left()), "[]", "{}", scenario.name);
    played
}

fn check_end(scenario: &Scenario, name: &str, id: &SaveId, seen: &Seen) {
    if name == id.as_str() {
        let (status, error) = scenario.ends;
        let ended = (seen["status"].as_str(), seen["error"].as_str());
        let named = error.unwrap_or("none");
        assert_eq!(
            ended,
            (status, named),
            "{}: {}",
            scenario.name,
            seen["path"]
        );
    }
}

fn said(execution: &Execution) -> Value {
    let mut said = json!({ "status": execution.status });
    let output = execution.output.as_ref().map(Value::to_string);
    let fields = [
        ("output", &output),
        ("error", &execution.error),
        ("cause", &execution.cause),
    ];
    for (field, value) in fields {
        if let Some(value) = value {
            said[field] = json!(value);
        }
    }
    assert_ne!(execution.status, ExecutionStatus::Running);
    said
}

pub(crate) fn on_moto(scenario: &Scenario, number: usize) -> Played {
    let emulator = &*EMULATOR;
    let machine = format!("scenario-{number}");
    emulator.moto.create(&machine, &scenario.definition());
    let trouble = Trouble::new(&scenario.faults);
    let (world, id) = emulator.served.alone(|stage| {
        let mut world = scenario.world();
        world.service.executions = Arc::new(MotoExecutions {
            moto: &emulator.moto,
            machine: machine.clone(),
        });
        trouble.set_service(world.service.clone());
        *stage = Some(Stage {
            clock: world.clock.clone(),
            steps: StepFunctions {
                env: world.service.env.clone(),
                trouble: prism_local::executions::Trouble::default(),
            },
            trouble: Arc::clone(&trouble),
        });
        let id = scenario.begin(&world);
        (world, id)
    });
    let look = |name: &str| {
        let (said, events) = emulator.moto.ended(&machine, name);
        emulator
            .served
            .alone(|_| collect(scenario, &world, &trouble, &id, &said, &events))
    };
    let mut played = vec![look(id.as_str())];
    if scenario.swept {
        let swept = emulator.served.alone(|_| ask!(world, sweep()));
        swept.unwrap();
        played.push(look(&format!("{id}-2")));
    }
    emulator.served.alone(|stage| *stage = None);
    assert_eq!(format!("{:?}", trouble.left()), "[]", "{}", scenario.name);
    played
}

fn collect(
    scenario: &Scenario,
    world: &World,
    trouble: &Trouble,
    id: &SaveId,
    said: &Value,
    events: &[Value],
) -> Seen {
    let mut seen = Seen::new();
    let definition = serde_json::from_str(&scenario.definition()).unwrap();
    seen::end(&mut seen, said);
    seen::path(&mut seen, &definition, events);
    seen::calls(&mut seen, &trouble.calls());
    let stored = world.run(world.service.env.registry.save(id)).unwrap();
    seen::record(&mut seen, stored.map(|stored| stored.value).as_ref());
    if scenario.by_chance {
        seen::without_chance(&mut seen);
    }
    seen
}

struct Emulator {
    moto: Moto,
    served: Served,
}

static EMULATOR: LazyLock<Emulator> = LazyLock::new(|| {
    let told = |name: &str| {
        std::env::var(name).unwrap_or_else(|_| {
            panic!("{name} is not set: tests/emulators/run moto-states starts what this test needs")
        })
    };
    assert_eq!(
        told("PRISM_EMULATOR"),
        "moto-states",
        "this test is about moto's interpreter"
    );
    let functions = told("PRISM_FUNCTIONS_URL");
    let address = functions.trim_start_matches("http://").parse();
    Emulator {
        moto: Moto::at(&told("AWS_ENDPOINT_URL")),
        served: Served::start(address.expect("it names an address and a port")),
    }
});
