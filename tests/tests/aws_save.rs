//! A whole save through the AWS adapters: the real steps and the definition. The SDK calls EC2, SSM and KMS in their
//! own protocols, and the simulated cloud responds behind the wire server.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region as SdkRegion};
use prism_functions::aws::{
    AwsEc2, Clients, Limits, PublicParameters, SessionManager, SsmInventory,
};
use prism_functions::domain::save::{RegionCopy, SaveRecord, SaveState};
use prism_functions::domain::{AccountId, SaveId};
use prism_functions::operations::Service;
use prism_functions::ports::{Clock, Couriers, ExecutionStatus, InstanceFilter};
use prism_functions::registry::Registry;
use prism_functions::rules::{Env, Settings};
use prism_local::PolledSchedules;
use prism_local::clock::{Anchor, WallClock};
use prism_local::ec2::{Cloud, Settings as CloudSettings};
use prism_local::executions::{LocalExecutions, Records};
use prism_local::store::SqliteTable;
use prism_local::wire::{Accounts, WireServer};
use prism_tests::asks::Asks as _;
use prism_tests::contract;
use prism_tests::world::{ADA, Notices, launch_request, region, save_request, seeded};

/// The only subnet that the simulated EC2 has in us-east-1.
const SUBNET: &str = "subnet-00e82d1b8cae39b1d";
/// How many times faster than real time the cloud's time runs.
const SPEED: f64 = 30.0;

/// A deployment whose EC2 is reached through the wire server.
struct Wired {
    service: Service,
    cloud: Cloud,
    executions: LocalExecutions,
    server: WireServer,
    home: tempfile::TempDir,
}

async fn wired() -> Wired {
    let real = WallClock::real().now();
    let anchor = Anchor {
        real,
        simulated: real,
    };
    let clock: Arc<dyn Clock> = Arc::new(WallClock::at_speed(anchor, SPEED));
    let cloud = Cloud::in_memory(Arc::clone(&clock), 1, CloudSettings::default());
    let account: AccountId = "111122223333".parse().unwrap();
    let server = WireServer::start(cloud.clone(), Accounts::all(account), 0)
        .await
        .unwrap();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(SdkRegion::new("us-east-1"))
        .endpoint_url(server.url())
        .test_credentials();
    let clients = Arc::new(Clients::load_with(loader, Limits::OF_A_STEP).await.unwrap());
    let home = tempfile::tempdir().unwrap();
    let records = Records::open(&home.path().join("local.db")).unwrap();
    let executions = LocalExecutions::new(home.path(), records, Arc::clone(&clock));
    let env = Env {
        ec2: Arc::new(AwsEc2::new(Arc::clone(&clients), &[])),
        inspect: Arc::new(SsmInventory::new(Arc::clone(&clients))),
        registry: Registry::new(Arc::new(SqliteTable::in_memory().unwrap())),
        clock,
        notifier: Arc::new(Notices::default()),
        settings: Settings {
            launch_subnets: vec![SUBNET.parse().unwrap()],
            ..Settings::default()
        },
        identity: prism_tests::world::identity(),
    };
    executions.set_env(env.clone());
    let service = Service {
        env,
        executions: Arc::new(executions.clone()),
        schedules: Arc::new(PolledSchedules),
        parameters: Arc::new(PublicParameters::new(Arc::clone(&clients))),
        sessions: Arc::new(SessionManager::new(clients)),
        couriers: Couriers::default(),
        entropy: seeded(1),
    };
    Wired {
        service,
        cloud,
        executions,
        server,
        home,
    }
}

impl Wired {
    async fn until_running(&self, id: &str) {
        let filter = InstanceFilter::Ids(vec![id.parse().unwrap()]);
        for _ in 0..200 {
            let found = self.service.env.ec2.instances(&region(), &filter).await;
            if found.is_ok_and(|found| found.iter().any(|one| one.state.as_str() == "running")) {
                return;
            }
            self.service
                .env
                .clock
                .sleep(std::time::Duration::from_secs(2))
                .await;
        }
        panic!("{id} does not run");
    }

    async fn end_of(&self, id: &SaveId) -> SaveRecord {
        self.executions.idle().await;
        let execution = self.service.executions.describe(id.as_str()).await.unwrap();
        assert_ne!(execution.status, ExecutionStatus::Running);
        self.service.save(&ADA, id).await.unwrap().record
    }
}

#[tokio::test]
async fn a_save_over_the_wire() {
    let wired = wired().await;
    let (_, work) = wired
        .service
        .launch(&ADA, &launch_request("python-ml", "work"))
        .await
        .unwrap();
    wired.until_running(&work.id).await;
    let mut request = save_request("work", "kept");
    request.copy_to.insert("us-west-2".parse().unwrap());
    let started = wired.service.start_save(&ADA, request, None).await.unwrap();
    let record = wired.end_of(&started.save_id).await;
    assert_eq!(record.state, SaveState::Succeeded, "{record:#?}");
    assert!(matches!(
        record.copies.values().next(),
        Some(RegionCopy::Available { .. })
    ));
    assert!(record.downtime_s.is_some_and(|down| down > 30.0));
    wired.until_running(&work.id).await;
    let (plan, _) = wired
        .service
        .launch(&ADA, &launch_request("kept", "again"))
        .await
        .unwrap();
    assert_eq!(Some(&plan.image), record.image.as_ref());
    wired.server.stop().await;
    drop(wired.home);
}

#[tokio::test]
async fn the_inventory_over_the_wire_keeps_the_contract() {
    let wired = wired().await;
    let (_, work) = wired
        .service
        .launch(&ADA, &launch_request("ubuntu", "work"))
        .await
        .unwrap();
    wired.until_running(&work.id).await;
    let (account, id) = ("111122223333".parse().unwrap(), work.id.parse().unwrap());
    let inspect = &*wired.service.env.inspect;
    contract::inspect::check(inspect, &wired.cloud, &account, &region(), &id).await;
    wired.server.stop().await;
    drop(wired.home);
}

#[tokio::test]
async fn a_cancelled_save_over_the_wire_leaves_nothing() {
    let wired = wired().await;
    let (_, work) = wired
        .service
        .launch(&ADA, &launch_request("ubuntu", "work"))
        .await
        .unwrap();
    wired.until_running(&work.id).await;
    let started = wired
        .service
        .start_save(&ADA, save_request("work", "kept"), None)
        .await
        .unwrap();
    while wired
        .service
        .save(&ADA, &started.save_id)
        .await
        .map_or(true, |record| record.image.is_none())
    {
        wired
            .service
            .env
            .clock
            .sleep(std::time::Duration::from_secs(1))
            .await;
    }
    wired
        .service
        .cancel_save(&ADA, &started.save_id)
        .await
        .unwrap();
    let record = wired.end_of(&started.save_id).await;
    assert_eq!(record.state, SaveState::Cancelled, "{record:#?}");
    assert!(record.discarded_at.is_some() && record.leftovers.is_none());
    wired.until_running(&work.id).await;
    wired.server.stop().await;
}
