//! Checks who can see, launch, share and delete what after any operations of any users: exactly what the grants allow
//! (promise P10).

mod model;
mod operation;

use std::collections::BTreeSet;

use prism_functions::domain::copy::CopyRequest;
use prism_functions::domain::ec2::LaunchPermission;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::{SaveRecord, SaveRequest};
use prism_functions::domain::tags::OWNER_TAG;
use prism_functions::domain::template::{TemplateRef, Version};
use prism_functions::domain::template_file::TemplateFile;
use prism_functions::domain::{Code, Problem, Region, SaveId, TemplateName};
use prism_functions::operations::{ImportRequest, ShareRequest, TemplateView};
use prism_functions::ports::{Ec2 as _, ImageState};
use prism_local::ec2::InstanceSpec;

use crate::ask;
use crate::asks::Asks as _;
use crate::world::{
    REGION, Setup, World, caller, consenting, copy_request, launch_request, project_request,
    region, save_request, schedule_request,
};
use model::{Image, Made, Model};

pub use operation::Operation;
use operation::{PROJECTS, TEMPLATES, USERS};

const HERE: &str = REGION;
const THERE: &str = "us-west-2";
/// An account that nothing is ever shared with, to test whether sharing would be allowed.
const NOBODY: &str = "account:999999999999";
const LENGTH: usize = 12;
const REFUSALS: [Code; 15] = [
    Code::NotAllowed,
    Code::TemplateNotFound,
    Code::TemplateNameTaken,
    Code::VersionNotFound,
    Code::ProjectNotFound,
    Code::MemberNotFound,
    Code::OwnerNeeded,
    Code::MoveNotAgreed,
    Code::ShareImpossible,
    Code::ShareNotFound,
    Code::ImageNotUsable,
    Code::CopyExists,
    Code::InvalidInput,
    Code::ArchitectureTaken,
    Code::ScheduleNotFound,
];

struct Play {
    world: World,
    model: Model,
}

/// Runs the sequence of a seed. Violations are reported with all the operations before them.
pub fn play(seed: u64) -> Result<(), String> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut play = Play::new(seed);
    let mut told = Vec::new();
    for _ in 0..LENGTH {
        let operation = Operation::drawn(&mut rng);
        told.push(format!("{operation:?}"));
        if let Err(wrong) = play.step(&operation) {
            return Err(format!("seed {seed}: {wrong}\n{}", told.join("\n")));
        }
    }
    Ok(())
}

/// All pairs of operations by two users on one template. The template is Ada's, in a project of hers in which Carl is
/// an admin, shared with Bob, and saved to by a schedule of Carl's.
pub fn pairs() -> Vec<[Operation; 2]> {
    let mut pairs = Vec::new();
    for first in ["ada", "bob", "carl"] {
        for second in ["ada", "bob", "carl"].iter().filter(|it| **it != first) {
            for one in Operation::all_of(first, "one") {
                let others = Operation::all_of(second, "one").into_iter();
                pairs.extend(others.map(|other| [one.clone(), other]));
            }
        }
    }
    pairs
}

pub fn play_pair(pair: &[Operation; 2]) -> Result<(), String> {
    let mut play = Play::new(1);
    let before = [
        Operation::Appoint {
            by: "ada",
            project: "brain",
            user: "carl",
            role: ProjectRole::Admin,
        },
        Operation::Appoint {
            by: "bob",
            project: "ether",
            user: "carl",
            role: ProjectRole::Owner,
        },
        Operation::Save {
            by: "ada",
            template: "one",
            project: Some("brain"),
            agreed: true,
            public: false,
        },
        Operation::Share {
            by: "ada",
            template: "one",
            to: "user:bob",
        },
        Operation::Schedule {
            by: "carl",
            template: "one",
        },
        Operation::Run {
            by: "carl",
            template: "one",
        },
    ];
    for operation in before.iter().chain(pair) {
        let stepped = play.step(operation);
        stepped.map_err(|wrong| format!("{wrong}\n{pair:?}"))?;
    }
    Ok(())
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut setup = Setup::seeded(seed);
        setup.cloud.throttles.enabled = false;
        let world = setup.build();
        let mut model = Model::default();
        for user in USERS {
            for (kind, instance_type) in [("box", "t3.large"), ("arm", "t4g.large")] {
                let mut spec = InstanceSpec::named(&format!("{kind}-{user}"));
                spec.tags.insert(OWNER_TAG.to_owned(), user.to_owned());
                if kind == "arm" {
                    spec.parameter = spec.parameter.replace("amd64", "arm64");
                    instance_type.clone_into(&mut spec.instance_type);
                }
                let added = world.admin.add_instance(&region(), &spec);
                added.expect("there is room");
            }
        }
        for (project, user) in PROJECTS.into_iter().zip(USERS) {
            let request = project_request(project);
            let by = caller(user);
            ask!(world, create_project(&by, request)).expect("the name is free");
            model.founded(project, user);
        }
        Self { world, model }
    }

    fn step(&mut self, operation: &Operation) -> Result<(), String> {
        let allowed = self.model.allows(operation);
        match self.ask(operation) {
            Ok(made) if allowed => self.model.done(operation, made),
            Ok(_) => return Err(format!("{operation:?} was let through")),
            Err(problem) if allowed => {
                let chain = problem.chain();
                return Err(format!(
                    "{operation:?} is refused: {} {chain}",
                    problem.code
                ));
            }
            Err(problem) if !REFUSALS.contains(&problem.code) => {
                let chain = problem.chain();
                return Err(format!("{operation:?} fails: {} {chain}", problem.code));
            }
            Err(_) => {}
        }
        for user in USERS {
            for template in TEMPLATES {
                self.look(user, template)?;
            }
        }
        self.look_at_ec2()
    }

    fn ask(&self, operation: &Operation) -> Result<Option<Made>, Problem> {
        let (world, service) = (&self.world, &self.world.service);
        match *operation {
            Operation::Save {
                by,
                template,
                project,
                agreed,
                public,
            } => {
                let request = SaveRequest {
                    project: project.map(|it| it.parse().expect("it is a name")),
                    move_template: agreed,
                    public,
                    publish_sensitive: true,
                    ..save_request(&format!("box-{by}"), template)
                };
                let record = ended(world.save(by, request)?)?;
                Ok(Some(self.made(template, record.version)?))
            }
            Operation::Share { by, template, to } => {
                let (by, name, to) = (caller(by), named(template), share(to));
                world.run(service.share(&by, &name, &to)).map(|_| None)
            }
            Operation::Unshare { by, template, to } => {
                let (by, name, to) = (caller(by), named(template), share(to));
                world.run(service.unshare(&by, &name, &to)).map(|()| None)
            }
            Operation::Import { by, from, into } => self.import(by, from, into),
            Operation::Delete { by, template } => self.delete(by, template),
            Operation::Copy { by, template } => self.copy(by, template),
            Operation::AddArch { by, template } => {
                let request = SaveRequest {
                    add_arch: true,
                    publish_sensitive: true,
                    ..save_request(&format!("arm-{by}"), template)
                };
                let record = ended(world.save(by, request)?)?;
                Ok(Some(self.made(template, record.version)?))
            }
            Operation::Rollback { by, template } => {
                let (by, name) = (caller(by), named(template));
                let back = service.rollback(&by, &name, None, true);
                world.run(back).map(|_| None)
            }
            Operation::DeleteVersion {
                by,
                template,
                latest,
            } => {
                let it = self.model.templates.get(template);
                let number = it.and_then(|it| it.number(latest)).unwrap_or(1);
                self.delete(by, &format!("{template}@{number}"))
            }
            Operation::Schedule { by, template } => {
                let request = schedule_request(
                    template,
                    consenting(save_request(&format!("box-{by}"), template)),
                );
                world
                    .run(service.create_schedule(&caller(by), request))
                    .map(|_| None)
            }
            Operation::Run { by, template } => {
                let name = template.parse().expect("it is a name");
                let by = caller(by);
                let id = world.run(service.run_schedule(&by, &name, None))?.save_id;
                self.finished(template, &id).map(Some)
            }
            Operation::Appoint {
                by,
                project,
                user,
                role,
            } => {
                let (by, project) = (caller(by), project.parse().expect("it is a name"));
                let user = caller(user).user;
                let added = service.add_member(&by, &project, &user, role);
                world.run(added).map(|_| None)
            }
            Operation::Remove { by, project, user } => {
                let (by, project) = (caller(by), project.parse().expect("it is a name"));
                let user = caller(user).user;
                let removed = service.remove_member(&by, &project, &user);
                world.run(removed).map(|()| None)
            }
        }
    }

    /// Imports a file with the contents of a template, regardless of who could have exported it.
    fn import(&self, by: &str, from: &str, into: &str) -> Result<Option<Made>, Problem> {
        let (world, registry) = (&self.world, &self.world.service.env.registry);
        let gone = || Problem::new(Code::TemplateNotFound, "There is nothing to import.");
        let stored = world.run(registry.template(&named(from)))?;
        let template = stored.ok_or_else(gone)?.value;
        let version = world.run(registry.version(&template.name, template.latest))?;
        let there = |it: &Version| it.deleted_at.is_none();
        let version = version.filter(there).ok_or_else(gone)?;
        let file = TemplateFile::of(&template, &version).to_yaml()?;
        let (name, request) = (
            named(into),
            ImportRequest {
                file,
                publish_sensitive: true,
            },
        );
        let imported = ask!(world, import_template(&caller(by), &name, &request))?;
        self.made(into, Some(imported.version)).map(Some)
    }

    fn copy(&self, by: &str, template: &str) -> Result<Option<Made>, Problem> {
        let (world, registry) = (&self.world, &self.world.service.env.registry);
        let stored = world.run(registry.template(&named(template)))?;
        let number = stored.map_or(1, |stored| stored.value.latest.max(1));
        let request = CopyRequest {
            publish_sensitive: true,
            ..copy_request(template, number, &[there().as_str()])
        };
        let id = ask!(world, start_copy(&caller(by), &request, None))?.save_id;
        self.finished(template, &id).map(Some)
    }

    fn finished(&self, template: &str, id: &SaveId) -> Result<Made, Problem> {
        let idle = self.world.clock.run_until_idle();
        idle.expect("nothing waits for ever");
        let record = ended(self.world.record(id)?)?;
        self.made(template, record.version)
    }

    fn delete(&self, by: &str, reference: &str) -> Result<Option<Made>, Problem> {
        let (world, by, all) = (&self.world, caller(by), newest(reference));
        ask!(world, delete_template(&by, &all, true))?;
        world.pass(3600);
        world.sweep(2);
        Ok(None)
    }

    fn made(&self, template: &str, number: Option<u32>) -> Result<Made, Problem> {
        let number = number.expect("it has made a version");
        let registry = &self.world.service.env.registry;
        let version = self.world.run(registry.version(&named(template), number))?;
        let version = version.expect("the version is there");
        let image = |(region, image): (&Region, &_)| (region.to_string(), format!("{image}"));
        Ok((number, version.images().map(image).collect()))
    }

    /// Checks what one user can do with one template.
    fn look(&self, user: &'static str, template: &'static str) -> Result<(), String> {
        let (world, service) = (&self.world, &self.world.service);
        let (by, name) = (caller(user), named(template));
        let it = self.model.templates.get(template);
        let shown = world.run(service.template(&by, &newest(template)));
        if let Err(problem) = &shown
            && problem.message != format!("There is no template {template}.")
        {
            return Err(format!("{user} is told of {template}: {problem}"));
        }
        let sees = it.is_some_and(|it| self.model.sees(it, user));
        if let (Some(it), Ok(TemplateView::Saved { version, .. })) = (it, &shown)
            && version.number != it.latest
        {
            let reference = version.reference();
            return Err(format!(
                "{template} is {reference}, and should be {}",
                it.latest
            ));
        }
        agree(user, "see", template, sees, shown.map(drop))?;
        let request = share(NOBODY);
        let opened = service.plan_share(&by, &name, &request);
        let opened = world.run(opened).map(drop);
        agree(
            user,
            "open",
            template,
            self.model.gives(template, user),
            opened,
        )?;
        let all = newest(template);
        let planned = world.run(service.plan_deletion(&by, &all));
        let deletes = it.is_some_and(|it| self.model.deletes(it, user));
        agree(user, "delete", template, deletes, planned.map(drop))?;
        for number in it.iter().flat_map(|it| it.versions.keys()) {
            let reference = format!("{template}@{number}");
            let request = launch_request(&reference, "other");
            let launched = world.run(service.plan_launch(&by, &request));
            let may = self.model.launches(template, *number, user);
            agree(user, "launch", &reference, may, launched.map(drop))?;
        }
        Ok(())
    }

    /// Checks which AMIs exist, and with whom they are shared.
    fn look_at_ec2(&self) -> Result<(), String> {
        let inventory = self.world.admin.inventory().expect("the cloud is there");
        let images = inventory.images.iter();
        let images = images.filter(|(_, image)| image.state != ImageState::Deregistered);
        let there: BTreeSet<Image> = images
            .map(|(region, image)| (region.to_string(), image.id.to_string()))
            .collect();
        let kept = self.model.images();
        if there != kept {
            return Err(format!("there are {there:?}, and should be {kept:?}"));
        }
        for image in &kept {
            let (region, id) = (
                image.0.parse().expect("it is a Region"),
                image.1.parse().expect("it is an AMI"),
            );
            let held = self.world.ec2.launch_permissions(&region, &id);
            let held = self.world.run(held).expect("EC2 answers");
            let held: BTreeSet<String> = held.iter().map(digits).collect();
            let wanted = self.model.open_to(image);
            let wanted: BTreeSet<String> = wanted.into_iter().map(str::to_owned).collect();
            if held != wanted {
                return Err(format!("{image:?} is open to {held:?}, and not {wanted:?}"));
            }
        }
        Ok(())
    }
}

fn digits(permission: &LaunchPermission) -> String {
    match permission {
        LaunchPermission::Account(account) => account.to_string(),
        other => other.to_string(),
    }
}

fn agree(
    user: &str,
    what: &str,
    of: &str,
    may: bool,
    can: Result<(), Problem>,
) -> Result<(), String> {
    match can {
        Ok(()) if !may => Err(format!(
            "{user} can {what} {of}, and nothing granted says so"
        )),
        Err(problem) if may => {
            let (code, chain) = (problem.code, problem.chain());
            Err(format!(
                "{user} may {what} {of}, and cannot: {code} {chain}"
            ))
        }
        _ => Ok(()),
    }
}

fn ended(record: SaveRecord) -> Result<SaveRecord, Problem> {
    match record.failure {
        Some(failure) => Err(Problem::from_wire(&failure.code, &failure.message)),
        None => Ok(record),
    }
}

fn named(template: &str) -> TemplateName {
    template.parse().expect("it is a template's name")
}

fn newest(template: &str) -> TemplateRef {
    template.parse().expect("it is a template's name")
}

fn there() -> Region {
    THERE.parse().expect("it is a Region")
}

fn share(to: &str) -> ShareRequest {
    ShareRequest {
        to: to.to_owned(),
        publish_sensitive: true,
        with_snapshots: false,
        approve: false,
    }
}
