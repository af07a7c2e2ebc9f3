//! Sharing: the AMIs of a version are open to the grantees of its template and to nobody else.

use std::collections::BTreeSet;

use prism_functions::domain::ec2::{LaunchPermission, Opening};
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
        // A save that makes its template public opens only its own AMIs; those of earlier versions are opened by `prism
        // template share`.
        let by_a_later_save =
            |grant: &&Grant| grant.to == Grantee::Public && grant.at > version.saved_date;
        let open = grants
            .iter()
            .filter(|grant| grant.state == GrantState::Open && !by_a_later_save(grant));
        let wanted: BTreeSet<Opening> = open.flat_map(openings).collect();
        // A share that was interrupted may have been applied or not, until it is requested again.
        let allowed: BTreeSet<Opening> = grants.iter().flat_map(openings).collect();
        for (region, image) in &inventory.images {
            let own = image.tags.get(SAVE_TAG).map(String::as_str) == Some(id);
            if !own || !keeps(run, record, region) {
                continue;
            }
            let held = clock.run(run.world.ec2.launch_permissions(region, &image.id));
            let held = held.expect("EC2 answers").into_iter();
            let mut held: BTreeSet<Opening> = held.map(Opening::Launch).collect();
            for snapshot in image.volumes.iter().filter_map(|it| it.snapshot.as_ref()) {
                let shared = clock.run(run.world.ec2.snapshot_shares(region, snapshot));
                let shared = shared.expect("EC2 answers").into_iter();
                held.extend(shared.map(Opening::copies));
            }
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

/// What a grant opens AMIs by.
fn openings(grant: &Grant) -> Vec<Opening> {
    let copies = match &grant.launch {
        Some(LaunchPermission::Account(account)) if grant.with_snapshots => {
            Some(Opening::copies(account.clone()))
        }
        _ => None,
    };
    let launch = grant.launch.clone().map(Opening::Launch);
    launch.into_iter().chain(copies).collect()
}
