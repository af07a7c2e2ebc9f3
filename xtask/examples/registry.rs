//! Measures the registry with a full table: 100,000 templates, a million versions and the million saves that created
//! them, in SQLite in a temporary folder.
//!
//! `cargo run --release -p xtask --example registry [TEMPLATES]`

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures real time and prints the results"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::save::{SaveRecord, SaveState};
use prism_functions::domain::template::{Template, TemplateState, Usage, Version, Visibility};
use prism_functions::domain::{How, Timestamp, UserId};
use prism_functions::operations::{Service, TemplatesPage};
use prism_functions::ports::{Index, Item};
use prism_functions::registry::Registry;
use prism_local::store::SqliteTable;
use prism_tests::asks::Asks as _;
use prism_tests::world::{BEGIN, World, caller, launch_request, region, save_request};
use rusqlite::Connection;

/// The number of templates, each with [`VERSIONS`] versions.
const TEMPLATES: u32 = 100_000;
const VERSIONS: u32 = 10;
const USERS: u32 = 1_000;
const TIMES: usize = 2_000;
/// The maximum 99th percentile of a list query.
const LIST_P99: Duration = Duration::from_millis(20);
/// The topics of templates: each name contains one, and each description another.
const WORDS: [&str; 12] = [
    "genomics", "seismic", "climate", "imaging", "protein", "galaxy", "neuron", "polymer",
    "plasma", "robotics", "survey", "vision",
];

fn main() {
    let templates = std::env::args().nth(1);
    let templates = templates.map_or(TEMPLATES, |count| count.parse().expect("it is a number"));
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("registry.db");
    let began = Instant::now();
    let rows = fill(&path, templates);
    let size = std::fs::metadata(&path).expect("it is there").len();
    println!(
        "{templates} templates, {} versions and as many saves: {rows} items, {:.1} GB, filled in {:.0} s",
        templates * VERSIONS,
        size_in_gb(size),
        began.elapsed().as_secs_f64()
    );
    let world = World::new(1);
    let mut service = world.service.clone();
    let table = SqliteTable::open(&path).expect("it is a table");
    service.env.registry = Registry::new(Arc::new(table));
    let list = measure(&world, &service, templates);
    assert!(
        list <= LIST_P99,
        "the slowest of a hundred lists takes {list:?}"
    );
}

#[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
fn size_in_gb(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

/// Fills a table in one transaction, without its indexes, which are created at the end.
fn fill(path: &Path, templates: u32) -> u64 {
    drop(SqliteTable::open(path).expect("it is made"));
    let mut connection = Connection::open(path).expect("it is there");
    connection
        .execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000;
             DROP INDEX item_gsi1; DROP INDEX item_gsi2;",
        )
        .expect("nobody else has it open");
    let mut rows = 0;
    for begin in (0..templates).step_by(1_000) {
        let transaction = connection.transaction().expect("it begins");
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO item (pk, sk, attributes, gsi1pk, gsi1sk, gsi2pk, gsi2sk) VALUES (?, ?, ?, ?, ?, ?, ?)")
                .expect("the table has these columns");
            for number in begin..templates.min(begin + 1_000) {
                for item in items(number) {
                    let of = |index: Index| {
                        let (pk, sk) = index.attributes();
                        [pk, sk].map(|name| text(&item, name))
                    };
                    let ([pk1, sk1], [pk2, sk2]) = (of(Index::Gsi1), of(Index::Gsi2));
                    let attributes = serde_json::to_string(&item.attributes).expect("it is JSON");
                    let row = (&item.key.pk, &item.key.sk, attributes, pk1, sk1, pk2, sk2);
                    insert.execute(row).expect("no key occurs twice");
                    rows += 1;
                }
            }
        }
        transaction.commit().expect("there is room");
    }
    connection
        .execute_batch(
            "CREATE INDEX item_gsi1 ON item (gsi1pk, gsi1sk, pk, sk) WHERE gsi1pk IS NOT NULL;
             CREATE INDEX item_gsi2 ON item (gsi2pk, gsi2sk, pk, sk) WHERE gsi2pk IS NOT NULL;
             PRAGMA journal_mode = WAL;",
        )
        .expect("there is room");
    rows
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.attributes.get(name)?.as_str()
}

fn user(number: u32) -> UserId {
    format!("user-{:04}", number % USERS)
        .parse()
        .expect("it is a user")
}

fn name(number: u32) -> String {
    format!("env-{number:06}-{}", WORDS[number as usize % WORDS.len()])
}

fn start() -> Timestamp {
    BEGIN.parse().expect("it is an instant")
}

/// A template with its versions and their saves. Every tenth template is public.
fn items(number: u32) -> Vec<Item> {
    let (owner, at) = (user(number), start());
    let name = name(number).parse().expect("it is a template's name");
    let mut template = Template::new(
        name,
        owner,
        Some("python-ml".parse().expect("it is one")),
        at,
    );
    let about = WORDS[(number as usize / WORDS.len()) % WORDS.len()];
    template.description = format!("An environment for {about} number {number}");
    if number.is_multiple_of(10) {
        template.visibility = Visibility::Public;
    }
    let versions: Vec<Version> = (1..=VERSIONS)
        .map(|it| version(&template, number, it))
        .collect();
    let saves: Vec<SaveRecord> = versions.iter().map(|it| save(it, number)).collect();
    if let Some(last) = versions.last() {
        template.point_to(last, at);
    }
    Registry::items(&template, &versions, &saves).expect("they are records")
}

fn version(template: &Template, number: u32, version: u32) -> Version {
    let id = u64::from(number) * u64::from(VERSIONS) + u64::from(version);
    let image = format!("ami-{id:017x}").parse().expect("it is an AMI");
    let snapshot = format!("snap-{id:017x}").parse().expect("it is a snapshot");
    Version {
        template: template.name.clone(),
        number: version,
        description: template.description.clone(),
        save_id: format!("save-{id:020x}").parse().expect("it is a save"),
        saved_from: format!("work-{number}"),
        saved_from_id: None,
        saved_by: template.owner.clone(),
        saved_date: start(),
        how: How::Stop,
        schedule: None,
        parent: Some("python-ml".to_owned()),
        amis: BTreeMap::from([(region(), BTreeMap::from([(Architecture::X86_64, image)]))]),
        snapshots: BTreeMap::from([(region(), vec![snapshot])]),
        failed_regions: BTreeMap::new(),
        architecture: Architecture::X86_64,
        instance_type: "t3.large".to_owned(),
        root_device: "/dev/sda1".to_owned(),
        root_size_gib: 30,
        volumes: Vec::new(),
        excluded_volumes: Vec::new(),
        packages: None,
        login: Some("ubuntu".to_owned()),
        ports: vec![22, 8888],
        snapshot_bytes: 3 << 30,
        usd_per_month: 0.15,
        notes: String::new(),
        state: TemplateState::Active,
        tags: BTreeMap::new(),
        added: Vec::new(),
        imported_by: None,
        borrowed: None,
        usage: Usage::default(),
        deleted_at: None,
        removed_at: None,
        deprecation: None,
        stuck: None,
    }
}

fn save(version: &Version, number: u32) -> SaveRecord {
    let request = save_request(&format!("work-{number}"), version.template.as_str());
    let (id, by) = (version.save_id.clone(), version.saved_by.clone());
    let execution = id.to_string();
    let mut record = SaveRecord::new(id, request, by, execution, start());
    record.state = SaveState::Succeeded;
    record.ended_at = Some(start());
    record.version = Some(version.number);
    record
}

/// Runs each query many times, for users and templates all over the table. Returns the 99th percentile of the lists.
fn measure(world: &World, service: &Service, templates: u32) -> Duration {
    let mut rng = fastrand::Rng::with_seed(1);
    let every = TemplatesPage::default();
    let list = times(|| {
        let who = caller(user(rng.u32(..)).as_str());
        let page = world.clock.run(service.templates(&who, &every, 50, None));
        assert_eq!(page.expect("it is listed").items.len(), 50);
    });
    told("list, a page of 50", &list);
    let info = times(|| {
        let number = rng.u32(..templates);
        let who = caller(user(number).as_str());
        let reference = name(number).parse().expect("it is a reference");
        world
            .clock
            .run(service.template(&who, &reference))
            .expect("it is there");
        let of = name(number).parse().expect("it is a name");
        let versions = world.clock.run(service.versions(&who, &of, 20, None));
        assert_eq!(
            versions.expect("they are there").items.len(),
            VERSIONS as usize
        );
    });
    told("info, with its versions", &info);
    let search = times(|| {
        let who = caller(user(rng.u32(..)).as_str());
        let topic = WORDS[rng.usize(..WORDS.len())];
        let filter = TemplatesPage {
            search: Some(topic[..5].to_owned()),
            ..TemplatesPage::default()
        };
        let page = world.clock.run(service.templates(&who, &filter, 50, None));
        assert!(!page.expect("it is listed").items.is_empty());
    });
    told("search, a page of 50", &search);
    // Rarely enough that the simulated EC2 does not throttle the calls.
    let launch = times_apart(|| world.pass(10), &mut || {
        let number = rng.u32(..templates);
        let who = caller(user(number).as_str());
        let request = launch_request(&name(number), "again");
        let plan = world.clock.run(service.plan_launch(&who, &request));
        assert_eq!(
            plan.expect("it is resolved").template,
            format!("{}@{VERSIONS}", name(number))
        );
    });
    told("launch, resolved", &launch);
    percentile(&list, 99)
}

fn times(mut ask: impl FnMut()) -> Vec<Duration> {
    times_apart(|| {}, &mut ask)
}

/// Measures a call repeatedly, each time after an action that is not measured.
fn times_apart(mut before: impl FnMut(), ask: &mut impl FnMut()) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            before();
            let begin = Instant::now();
            ask();
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() - 1) * percent / 100]
}

fn told(what: &str, times: &[Duration]) {
    let ms = |percent| percentile(times, percent).as_secs_f64() * 1e3;
    println!("{what:<28} p50 {:>7.2} ms   p99 {:>7.2} ms", ms(50), ms(99));
}
