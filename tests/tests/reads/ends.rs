//! Ends: however much there is, a request reads little, and the sweep reads what is due.

use chrono::TimeDelta;
use prism_functions::domain::end::EndRequest;
use prism_functions::operations::parts::{DryRun, IfMatch, InRegion, InstanceName, Json, Nothing};
use prism_functions::operations::{
    Asked, LaunchInstance, LiftProjectEnd, ProjectEndRequest, RemoveInstanceEnd, SetInstanceEnd,
    SetProjectEnd, ShowInstanceEnd,
};
use prism_tests::world::{ADA, launch_request, region};

use super::Most::Few;
use super::rest::ask;
use super::{Limits, brain, deep};

pub(super) fn of_ends(limits: &mut Limits<'_>) {
    let again = || InstanceName("again-3".to_owned());
    let there = || InRegion { region: region() };
    let end = EndRequest {
        for_minutes: Some(90),
        last_save: Some(deep()),
        ..EndRequest::default()
    };
    let set = Asked::<SetInstanceEnd> {
        path: again(),
        query: there(),
        head: Nothing {},
        body: Json(end.clone()),
    };
    ask(limits, &ADA, Few(12), set);
    let shown = Asked::<ShowInstanceEnd>::by(again(), there());
    ask(limits, &ADA, Few(3), shown);
    let removed = Asked::<RemoveInstanceEnd>::by(again(), there());
    ask(limits, &ADA, Few(5), removed);
    let mut launch = launch_request("ubuntu", "ending");
    launch.end = Some(end);
    let planned = Asked::<LaunchInstance>::with(Nothing {}, launch);
    let planned = planned.query(DryRun { dry_run: true });
    ask(limits, &ADA, Few(10), planned);
    let request = ProjectEndRequest {
        at: limits.world.now() + TimeDelta::days(30),
        last_save: true,
    };
    let set = Asked::<SetProjectEnd> {
        path: brain(),
        query: Nothing {},
        head: IfMatch(None),
        body: Json(request),
    };
    ask(limits, &ADA, Few(5), set);
    ask(limits, &ADA, Few(5), Asked::<LiftProjectEnd>::of(brain()));
    let swept = limits.world.service.sweep_ends(TimeDelta::zero());
    limits.reads("sweep of ends with nothing due", Few(0), swept);
}
