//! Sharing: the AMIs of a version are open to the grantees of its template and to nobody else.

use std::collections::BTreeSet;

use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::grant::{Grant, GrantState, Grantee};
use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::tags::SAVE_TAG;
use prism_functions::ports::Ec2;

use super::{Findings, Run, keeps, must, registry};

pub(super) fn check(run: &Run, records: &[SaveRecord], findings: &mut Findings) {
    let inventory = run.inventory();
    let clock = &run.world.clock;
    for record in records {
        let (id, name) = (record.save_id.as_str(), &record.request.template);
        let Some(number) = record.version else {
            continue;
        };
        let version = clock.run(registry(run).version(name, number));
        let version = version.expect("the registry answers");
        let version = version.expect("the version is there");
        let grants = clock.run(registry(run).grants(name));
        let grants = grants.expect("the registry answers");
        let launch = |grant: &Grant| grant.launch.clone();
        // A save that makes its template public opens only its own AMIs; those of earlier versions are opened by `prism
        // template share`.
        let by_a_later_save =
            |grant: &&Grant| grant.to == Grantee::Public && grant.at > version.saved_date;
        let open = grants
            .iter()
            .filter(|grant| grant.state == GrantState::Open && !by_a_later_save(grant));
        let wanted: BTreeSet<LaunchPermission> = open.filter_map(launch).collect();
        // A share that was interrupted may have been applied or not, until it is requested again.
        let allowed: BTreeSet<LaunchPermission> = grants.iter().filter_map(launch).collect();
        for (region, image) in &inventory.images {
            let own = image.tags.get(SAVE_TAG).map(String::as_str) == Some(id);
            if !own || !keeps(run, record, region) {
                continue;
            }
            let held = clock.run(run.world.ec2.launch_permissions(region, &image.id));
            let held: BTreeSet<_> = held.expect("EC2 answers").into_iter().collect();
            // If EC2 refused to open the AMI, the record says so.
            let told = record.closed_in.contains_key(region);
            must!(
                findings,
                (told || wanted.is_subset(&held)) && held.is_subset(&allowed),
                "the AMI {} of {id} is open to {held:?} in {region}, and its template to {wanted:?}",
                image.id
            );
        }
    }
}
