//! A whole deployment in one process: the deployed definition, the real steps, the simulated cloud, the real registry,
//! and a virtual clock on which a day takes no real time.

use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use prism_asl::{Machine, VirtualClock};
use prism_functions::domain::budget::BudgetRequest;
use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::save::{SaveRecord, SaveRequest};
use prism_functions::domain::schedule::ScheduleRequest;
use prism_functions::domain::template::{TemplateRef, Version};
use prism_functions::domain::{AccountId, How, InstanceId, Problem, ProjectName, Region, SaveId};
use prism_functions::domain::{ScheduleName, TemplateName, Timestamp};
use prism_functions::operations::{
    ImportRequest, LaunchRequest, ProjectRequest, Service, ShareRequest,
};
use prism_functions::ports::{
    Clock, Couriers, Ec2, Entropy, Inspect, Instance, InstanceFilter, Mailer, Notice, Notifier,
    NotifierError, Parameters, Schedules, Sessions,
};
use prism_functions::registry::Registry;
use prism_functions::rules::access::Caller;
use prism_functions::rules::{Env, Identity, PublicScope, Settings};
use prism_local::PolledSchedules;
use prism_local::ec2::{Admin, Capacity, Cloud, Durations, Settings as CloudSettings, SimEc2};
use prism_local::executions::{MemoryExecutions, VirtualTime, Wrap, machine};
use prism_local::store::MemoryTable;

use crate::ask;
use crate::asks::Asks as _;
use crate::bent::Bent;
use crate::between::{Between, Nothing};
use crate::letters::Letters;
use crate::recorded::{Named, Recorded};
use crate::watched::Watched;

pub const BEGIN: &str = "2026-01-05T09:00:00Z";
pub const REGION: &str = "us-east-1";
pub const DEPLOYMENT: &str = "deployment-of-tests";

#[derive(Debug)]
pub struct World {
    pub clock: VirtualClock,
    pub cloud: Cloud,
    /// EC2 as the account's own clients see it.
    pub ec2: SimEc2,
    pub admin: Admin,
    pub executions: MemoryExecutions,
    pub service: Service,
    pub notices: Arc<Notices>,
    /// What reached people.
    pub letters: Arc<Letters>,
    pub table: Arc<Watched>,
    /// The items of its table.
    pub items: MemoryTable,
}

#[derive(Debug, Default)]
pub struct Notices(pub Mutex<Vec<Notice>>);

#[async_trait]
impl Notifier for Notices {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifierError> {
        self.0
            .lock()
            .expect("no test panics while it holds the notices")
            .push(notice.clone());
        Ok(())
    }
}

struct Seeded(Mutex<fastrand::Rng>);

pub fn seeded(seed: u64) -> Arc<dyn Entropy> {
    Arc::new(Seeded(Mutex::new(fastrand::Rng::with_seed(seed))))
}

impl Entropy for Seeded {
    fn next(&self) -> u64 {
        self.0
            .lock()
            .expect("drawing a number does not panic")
            .u64(..)
    }
}

pub struct Setup {
    pub seed: u64,
    pub cloud: CloudSettings,
    pub settings: Settings,
    pub identity: Identity,
    pub machine: Arc<Machine>,
    pub wrap: Wrap,
    /// Whether events arrive. The result of a save must not depend on it.
    pub events: bool,
    pub bend: Box<dyn FnOnce(SimEc2) -> Arc<dyn Ec2>>,
    /// The adapter that inspects instances, if it is not the cloud itself.
    pub inspect: Option<MakeInspect>,
    pub between: Arc<dyn Between>,
}

/// Creates the adapter that inspects instances, on the world's clock.
pub type MakeInspect = Box<dyn FnOnce(VirtualTime) -> Arc<dyn Inspect>>;

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Setup {{ seed: {} }}", self.seed)
    }
}

impl Setup {
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            cloud: CloudSettings::default(),
            settings: Settings::default(),
            identity: identity(),
            machine: machine(),
            wrap: |steps| Arc::new(steps),
            events: true,
            bend: Box::new(|ec2| Arc::new(ec2)),
            inspect: None,
            between: Arc::new(Nothing),
        }
    }

    pub fn slow(seed: u64, change: impl FnOnce(&mut Durations)) -> Self {
        let mut setup = Self::seeded(seed);
        change(&mut setup.cloud.durations);
        setup
    }

    /// With an EC2 that deviates.
    #[must_use]
    pub fn bent(mut self, change: impl FnOnce(&mut Bent) + 'static) -> Self {
        self.bend = Box::new(|ec2| {
            let mut bent = Bent::straight(ec2);
            change(&mut bent);
            Arc::new(bent)
        });
        self
    }

    /// With public templates that are open to the world.
    #[must_use]
    pub fn open_to_the_world(mut self) -> Self {
        self.settings.public_scope = PublicScope::World;
        self
    }

    /// With an instance profile for launched instances.
    #[must_use]
    pub fn profiled(mut self) -> Self {
        self.settings.launch_profile = Some("prism-instances".to_owned());
        self
    }

    pub fn build(self) -> World {
        let clock = VirtualClock::new(BEGIN.parse().expect("it is an instant"));
        let time: Arc<dyn Clock> = Arc::new(VirtualTime(clock.clone()));
        let cloud = Cloud::in_memory(Arc::clone(&time), self.seed, self.cloud);
        let account = account();
        let ec2 = cloud.account(account.clone());
        let notices = Arc::new(Notices::default());
        let letters = Arc::new(Letters::default());
        let items = MemoryTable::default();
        let table = Arc::new(Watched::new(items.clone()));
        let between = self.between;
        let inspect = match self.inspect {
            Some(make) => make(VirtualTime(clock.clone())),
            None => Arc::new(ec2.clone()),
        };
        let env = Env {
            ec2: Arc::new(Recorded(between.ec2((self.bend)(ec2.clone())))),
            inspect: Arc::new(Recorded(between.inspect(inspect))),
            registry: Registry::new(Arc::new(Recorded(between.table(Arc::clone(&table) as _)))),
            clock: between.clock(time),
            notifier: Arc::new(Recorded(between.notifier(Arc::clone(&notices) as _))),
            settings: self.settings,
            identity: self.identity,
        };
        let functions = Arc::clone(&between);
        let executions = MemoryExecutions::of(clock.clone(), self.machine, move |steps| {
            functions.functions(Arc::new(Named((self.wrap)(steps))))
        });
        executions.set_env(env.clone());
        if self.events {
            executions.listen_to(cloud.clone());
        }
        let rng = fastrand::Rng::with_seed(self.seed);
        let service = Service {
            env,
            executions: Arc::new(Recorded(between.executions(Arc::new(executions.clone())))),
            schedules: Arc::new(Recorded(Arc::new(PolledSchedules) as Arc<dyn Schedules>)),
            parameters: Arc::new(Recorded(Arc::new(ec2.clone()) as Arc<dyn Parameters>)),
            sessions: Arc::new(Recorded(Arc::new(ec2.clone()) as Arc<dyn Sessions>)),
            couriers: Couriers {
                mail: Some(Arc::new(Recorded(Arc::clone(&letters) as Arc<dyn Mailer>))),
                webhooks: Some(Arc::clone(&letters) as _),
            },
            entropy: Arc::new(Seeded(Mutex::new(rng))),
        };
        let admin = cloud.admin(account);
        World {
            clock,
            cloud,
            ec2,
            admin,
            executions,
            service,
            notices,
            letters,
            table,
            items,
        }
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        Setup::seeded(seed).build()
    }

    pub fn with(seed: u64, cloud: CloudSettings, settings: Settings) -> Self {
        Setup {
            cloud,
            settings,
            ..Setup::seeded(seed)
        }
        .build()
    }

    pub fn now(&self) -> Timestamp {
        prism_asl::Clock::now(&self.clock)
    }

    /// Runs a call on the clock of the world.
    pub fn run<F: Future>(&self, call: F) -> F::Output {
        self.clock.run(call)
    }

    /// Runs what must succeed.
    #[track_caller]
    pub fn must<T>(&self, call: impl Future<Output = Result<T, Problem>>) -> T {
        self.run(call)
            .unwrap_or_else(|problem| panic!("{}: {}", problem.code, problem.chain()))
    }

    pub fn pass(&self, seconds: u64) {
        let clock = self.clock.clone();
        self.run(async move {
            prism_asl::Clock::sleep(&clock, std::time::Duration::from_secs(seconds)).await;
        });
    }

    /// Runs this many sweeps, every five minutes, as the scheduler does.
    pub fn sweep(&self, times: u32) {
        for _ in 0..times {
            let swept = ask!(self, sweep());
            swept.expect("the sweep gets through");
            self.pass(300);
        }
    }

    pub fn launch(&self, user: &str, template: &str, name: &str) -> Instance {
        let request = launch_request(template, name);
        let (_, view) = ask!(self, launch(&caller(user), &request)).expect("the launch works");
        self.pass(300);
        self.instance(&view.id)
    }

    pub fn instance(&self, id: &str) -> Instance {
        let id = id.parse().expect("it is an instance id");
        let found = self.run(
            self.ec2
                .instances(&region(), &InstanceFilter::Ids(vec![id])),
        );
        found.expect("EC2 answers").remove(0)
    }

    pub fn save(&self, user: &str, request: SaveRequest) -> Result<SaveRecord, Problem> {
        let started = ask!(self, start_save(&caller(user), request, None))?;
        self.clock.run_until_idle().expect("nothing waits for ever");
        self.record(&started.save_id)
    }

    /// Sets the capacity of the default Region for instances of all types.
    pub fn set_capacity(&self, capacity: Capacity) {
        let set = self.admin.set_capacity(&region(), "*", capacity);
        set.expect("the cloud is in memory");
    }

    pub fn version(&self, of: &str, number: u32) -> Version {
        let of = of.parse().expect("it is a template's name");
        let stored = self.must(self.service.env.registry.version(&of, number));
        stored.expect("there is the version")
    }

    pub fn record(&self, id: &SaveId) -> Result<SaveRecord, Problem> {
        let stored = self.run(self.service.env.registry.save(id))?;
        Ok(stored.expect("the save has a record").value)
    }
}

/// The number of a version that Ada saves.
pub fn saved(world: &World, request: SaveRequest) -> u32 {
    let record = world.save("ada", request).expect("the save starts");
    let version = record.version;
    version.unwrap_or_else(|| panic!("{:?}", record.failure))
}

/// A world in which Ada has a running instance called `work`.
pub fn launched(setup: Setup) -> World {
    let world = setup.build();
    world.launch("ada", "ubuntu", "work");
    world
}

pub fn id_of(world: &World) -> InstanceId {
    let listed = ask!(world, instances(&ADA, &region()));
    let listed = listed.expect("EC2 answers");
    listed[0].id.parse().expect("it is an instance id")
}

pub fn begun(world: &World, request: SaveRequest) -> SaveId {
    let started = ask!(world, start_save(&ADA, request, None));
    started.expect("the save starts").save_id
}

pub fn caller(user: &str) -> Caller {
    Caller::new(user.parse().expect("it is a user"))
}

pub static ADA: LazyLock<Caller> = LazyLock::new(|| caller("ada"));
pub static BOB: LazyLock<Caller> = LazyLock::new(|| caller("bob"));
pub static OLGA: LazyLock<Caller> = LazyLock::new(|| caller("olga"));

pub fn kept() -> TemplateName {
    "kept".parse().expect("it is a template's name")
}

pub fn brain() -> ProjectName {
    "brain".parse().expect("it is a project's name")
}

pub fn nightly() -> ScheduleName {
    "nightly".parse().expect("it is a schedule's name")
}

pub fn west() -> Region {
    "us-west-2".parse().expect("it is a Region")
}

pub fn reference(text: &str) -> TemplateRef {
    text.parse().expect("it is a template or a version")
}

pub fn account() -> AccountId {
    "111122223333".parse().expect("it is an account id")
}

pub fn identity() -> Identity {
    Identity::known(DEPLOYMENT.parse().expect("it is a deployment's id"))
}

pub fn region() -> Region {
    REGION.parse().expect("it is a Region")
}

/// A launch of a template under a name, with everything else at its default.
pub fn launch_request(template: &str, name: &str) -> LaunchRequest {
    LaunchRequest {
        template: template.parse().expect("it is a template"),
        name: name.to_owned(),
        region: region(),
        size: None,
        architecture: None,
        project: None,
        disk_gib: None,
        keep_volumes: false,
        public_keys: Vec::new(),
        end: None,
        for_member: None,
    }
}

/// An import of a file, without consent to show sensitive files.
pub fn import_request(file: impl Into<String>) -> ImportRequest {
    ImportRequest {
        file: file.into(),
        publish_sensitive: false,
    }
}

pub fn save_request(instance: &str, template: &str) -> SaveRequest {
    SaveRequest {
        instance: instance.to_owned(),
        template: template.parse().expect("it is a template's name"),
        region: region(),
        how: How::Stop,
        description: String::new(),
        copy_to: std::collections::BTreeSet::new(),
        public: false,
        project: None,
        move_template: false,
        exclude_volumes: std::collections::BTreeSet::new(),
        tags: std::collections::BTreeMap::new(),
        accept_instance_store_loss: None,
        publish_sensitive: false,
        exclude_from_latest: false,
        add_arch: false,
        version: None,
    }
}

/// With a reboot instead of a stop.
pub fn rebooting(request: SaveRequest) -> SaveRequest {
    SaveRequest {
        how: How::Reboot,
        ..request
    }
}

pub fn public(request: SaveRequest) -> SaveRequest {
    SaveRequest {
        public: true,
        ..request
    }
}

/// With consent to show sensitive files.
pub fn consenting(request: SaveRequest) -> SaveRequest {
    SaveRequest {
        publish_sensitive: true,
        ..request
    }
}

/// With copies in these Regions.
pub fn copied(request: SaveRequest, to: &[&str]) -> SaveRequest {
    let region = |name: &&str| name.parse().expect("it is a Region");
    SaveRequest {
        copy_to: to.iter().map(region).collect(),
        ..request
    }
}

/// For a project, to which the template moves.
pub fn moved(request: SaveRequest, to: &str) -> SaveRequest {
    SaveRequest {
        project: Some(to.parse().expect("it is a project's name")),
        move_template: true,
        ..request
    }
}

/// A schedule that saves every day.
pub fn schedule_request(name: &str, request: SaveRequest) -> ScheduleRequest {
    ScheduleRequest {
        name: Some(name.parse().expect("it is a schedule's name")),
        cadence: "1d".parse().expect("it is a cadence"),
        timezone: "UTC".parse().expect("it is a time zone"),
        jitter_minutes: 0,
        keep: None,
        request,
    }
}

/// With a number of versions to keep.
pub fn keeping(request: ScheduleRequest, versions: u32) -> ScheduleRequest {
    ScheduleRequest {
        keep: Some(versions),
        ..request
    }
}

pub fn project_request(name: &str) -> ProjectRequest {
    ProjectRequest {
        name: name.parse().expect("it is a project's name"),
        description: String::new(),
    }
}

pub fn budget_request(limit_usd: f64, alerts: &[u16], hard_stop: bool) -> BudgetRequest {
    BudgetRequest {
        limit_usd,
        alerts: alerts.iter().copied().collect(),
        hard_stop,
    }
}

/// A share of a template, without consent to show sensitive files.
pub fn share_request(to: impl Into<String>) -> ShareRequest {
    ShareRequest {
        to: to.into(),
        publish_sensitive: false,
        with_snapshots: false,
        approve: false,
    }
}

/// A copy of a version to these Regions, without consent to show sensitive files.
pub fn copy_request(template: &str, version: u32, regions: &[&str]) -> CopyRequest {
    let regions = regions.iter().map(|it| it.parse().expect("it is a Region"));
    CopyRequest {
        template: template.parse().expect("it is a template's name"),
        version,
        regions: regions.collect(),
        publish_sensitive: false,
    }
}
