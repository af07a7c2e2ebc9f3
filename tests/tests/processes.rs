//! The same request from many processes at once, each with the embedded cloud open.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;

use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::{Code, Problem, SaveId};
use prism_functions::operations::parts::{Either, IdempotencyKey, Nothing};
use prism_functions::operations::{Asked, BeginSave, Operation, Service};
use prism_local::Embedded;
use prism_tests::asks::Asks as _;
use prism_tests::world::{caller, launch_request, save_request};

const CALLERS: usize = 64;

/// The codes for which a plan is requested again: the instance is not running yet, or the call was throttled.
const WAITS: [Code; 2] = [Code::InstanceStateWrong, Code::Throttled];

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(work)
}

fn open(home: &Path) -> Embedded {
    Embedded::open(home, Path::new("prism")).unwrap()
}

/// Retries throttled calls, as the SDK does on AWS.
async fn ask(service: &Service, request: &SaveRequest) -> Result<SaveId, Problem> {
    for _ in 0..10_000 {
        match ask_once(service, request).await {
            Err(problem) if problem.code == Code::Throttled => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
    panic!("EC2 never had room");
}

/// Makes the same request as the program.
async fn ask_once(service: &Service, request: &SaveRequest) -> Result<SaveId, Problem> {
    let ada = caller("ada");
    let asked = Asked::with(Nothing {}, request.clone());
    let asked = asked.head(IdempotencyKey(Some("tonight".to_owned())));
    match BeginSave::run(service, &ada, asked).await? {
        Either::Other(started) => Ok(started.value.save_id),
        Either::One(plan) => panic!("it was only planned: {plan:?}"),
    }
}

#[test]
fn one_request_id_is_one_save_for_all_who_use_it_at_once() {
    let home = tempfile::tempdir().unwrap();
    open(home.path()).set_speed(1000.0).unwrap();
    let cloud = open(home.path());
    let ada = caller("ada");
    let launch = launch_request("ubuntu", "work");
    block_on(cloud.service().launch(&ada, &launch)).unwrap();
    let request = save_request("work", "kept");
    block_on(async {
        for _ in 0..10_000 {
            let planned = cloud.service().plan_save(&ada, request.clone()).await;
            match planned {
                Err(problem) if WAITS.contains(&problem.code) => {}
                planned => return planned.map(drop),
            }
            tokio::task::yield_now().await;
        }
        panic!("the instance never ran");
    })
    .unwrap();
    let together = Barrier::new(CALLERS);
    let answers: Vec<Result<SaveId, Problem>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    let own = open(home.path());
                    together.wait();
                    block_on(async {
                        let answer = ask(&own.service(), &request).await;
                        own.idle().await;
                        answer
                    })
                })
            })
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let ids: BTreeSet<SaveId> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let saves = block_on(cloud.service().saves(&ada, 100, None)).unwrap();
    assert_eq!(saves.items.len(), 1);
    assert_eq!(saves.items[0].version, Some(1), "{:?}", saves.items[0]);
}
