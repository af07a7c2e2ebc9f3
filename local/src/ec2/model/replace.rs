//! How an Auto Scaling group replaces a member that was stopped (EC2 facts, "Before the stop").

use prism_functions::domain::ec2::InstanceState;
use prism_functions::domain::{InstanceId, Timestamp};
use prism_functions::ports::{NewInstance, Tags};

use super::index::Due;
use super::{Model, Scope, subnet_of};

impl Model {
    pub(super) fn schedule_replacement(&mut self, id: &InstanceId, at: Timestamp) {
        self.index.agenda.insert((at, Due::Replacement(id.clone())));
    }

    /// The group considers the member unhealthy, terminates it and launches another one.
    pub(super) fn replacement_due(&mut self, id: &InstanceId, at: Timestamp) {
        let Some(row) = self.data.instances.get_mut(id) else {
            return;
        };
        let down = matches!(row.state, InstanceState::Stopping | InstanceState::Stopped);
        if row.replace_at != Some(at) || !down {
            return;
        }
        row.replace_at = None;
        let (account, region) = (row.account.clone(), row.region.clone());
        let (old_tags, image) = (row.tags.clone(), row.image.clone());
        let group = row.autoscaling_group().unwrap_or_default().to_owned();
        let user_tags: Tags = old_tags
            .iter()
            .filter(|(key, _)| !key.starts_with("aws:"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let new = NewInstance {
            image: image.clone(),
            instance_type: row.instance_type.clone(),
            volumes: Vec::new(),
            ports: row.open_ports.clone(),
            kms_key: None,
            user_data: None,
            profile: None,
            client_token: String::new(),
            tags: user_tags,
            subnet: subnet_of(&region, &row.zone()),
        };
        self.begin_termination(id, at, &format!("Auto Scaling group {group}"));
        let scope = Scope {
            account: &account,
            region: &region,
            now: at,
        };
        let Some(image) = self.data.images.get(&image).cloned() else {
            return;
        };
        let replacement = self.launch(&scope, &new, &image);
        if let Some(row) = self.data.instances.get_mut(&replacement) {
            row.tags = old_tags;
        }
    }
}
