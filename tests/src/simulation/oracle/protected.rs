//! AMIs that a save could not remove because they were protected from outside: the record says so, and the doctor
//! removes them once the protection is lifted (promise P5).

use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::operations::Fixed;

use super::{Findings, Run, keeps, must};

pub(super) fn check(run: &Run, records: &[SaveRecord], findings: &mut Findings) {
    if !run.protects() || records.iter().all(|record| record.leftovers.is_none()) {
        return;
    }
    let (clock, service) = (&run.world.clock, &run.world.service);
    let left = clock.run(service.leftovers()).expect("the doctor looks");
    let fixed = clock.run(service.fix(&left.found));
    for (leftover, outcome) in fixed.expect("the doctor looks again") {
        let done = !matches!(outcome, Fixed::Failed(_));
        must!(findings, done, "P5: {leftover:?} is left: {outcome:?}");
    }
    let inventory = run.inventory();
    let images = inventory
        .images
        .iter()
        .map(|(region, it)| (region, &it.tags));
    let snapshots = inventory
        .snapshots
        .iter()
        .map(|(region, it)| (region, &it.tags));
    for (region, tags) in images.chain(snapshots) {
        let save = tags.get(SAVE_TAG);
        let record = records
            .iter()
            .find(|it| Some(it.save_id.as_str()) == save.map(String::as_str));
        let kept = record.is_none_or(|record| keeps(run, record, region));
        must!(findings, kept, "P5: the doctor leaves {tags:?} in {region}");
    }
}
