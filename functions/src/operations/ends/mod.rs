//! When an instance or a project ends by itself: the requests, and the sweep that ends what is due.
//!
//! | file | contents |
//! |---|---|
//! | `requests.rs` | the end of an instance: show, set, remove |
//! | `launching.rs` | the end that a launch sets |
//! | `due.rs` | the sweep: warns, saves, and ends instances |
//! | `ending.rs` | the last save, and the request to EC2 |
//! | `project.rs` | the end of a project |

mod due;
mod ending;
mod launching;
mod project;
mod requests;

use crate::domain::end::InstanceEnd;
use crate::domain::{NoticeEvent, Problem, Timestamp};
use crate::operations::Service;
use crate::operations::instance_changes::project_of;
use crate::ports::{Instance, Notice};
use crate::rules::ends;

pub use due::Ended;
pub use project::{LiftProjectEnd, ProjectEndRequest, SetProjectEnd};
pub use requests::{EndOfInstance, RemoveInstanceEnd, SetInstanceEnd, ShowInstanceEnd};

impl Service {
    /// Refuses to start an instance, or to change its end, after the end of its project.
    pub(super) async fn check_project_of(&self, instance: &Instance) -> Result<(), Problem> {
        let Some(name) = project_of(instance) else {
            return Ok(());
        };
        let stored = self.env.registry.project(&name).await?;
        let now = self.env.clock.now();
        stored.map_or(Ok(()), |stored| ends::check_open(&stored.value, now))
    }

    /// Notifies the owner of an instance about its end. What is said again about the same time is the same notice.
    async fn tell_owner(
        &self,
        end: &InstanceEnd,
        event: NoticeEvent,
        at: Timestamp,
        text: String,
    ) -> Result<(), Problem> {
        let notice = Notice {
            to: [end.owner.clone()].into(),
            instance: Some(end.instance.clone()),
            project: end.project.clone(),
            save_id: end.end.save_id.clone(),
            template: end.end.last_save.clone(),
            ..Notice::new(event, at, text)
        };
        self.env.tell_surely(&notice).await
    }
}
