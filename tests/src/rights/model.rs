//! What must follow from the grants alone: who owns what, who is in which project, with whom a template was shared, and
//! how each AMI came into it. The model is independent of the code that it is compared with.

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::domain::project::ProjectRole;

use super::operation::Operation;

pub(super) type Image = (String, String);

#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) images: BTreeSet<Image>,
    /// AMIs that a later save added to it.
    added: BTreeSet<Image>,
    /// Whether it has both architectures.
    both: bool,
    saved: bool,
    /// Whether it has AMIs that the importing user was not allowed to share.
    borrowed: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Kept {
    owner: &'static str,
    project: Option<&'static str>,
    grants: BTreeSet<&'static str>,
    pub(super) versions: BTreeMap<u32, Held>,
    /// The version that its name stands for.
    pub(super) latest: u32,
    /// Whether it exists. The name of a deleted template still belongs to its owner.
    pub(super) live: bool,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    roles: BTreeMap<(&'static str, &'static str), ProjectRole>,
    schedules: BTreeSet<(&'static str, &'static str)>,
    pub(super) templates: BTreeMap<&'static str, Kept>,
}

pub(super) type Made = (u32, BTreeSet<Image>);

fn manages(role: Option<ProjectRole>) -> bool {
    matches!(role, Some(ProjectRole::Owner | ProjectRole::Admin))
}

fn works(role: Option<ProjectRole>) -> bool {
    manages(role) || role == Some(ProjectRole::Member)
}

impl Kept {
    /// The version that its name stands for.
    fn newest(&self) -> Option<&Held> {
        self.versions.get(&self.latest)
    }

    pub(super) fn number(&self, latest: bool) -> Option<u32> {
        let oldest = self.versions.keys().next().copied();
        oldest.map(|oldest| if latest { self.latest } else { oldest })
    }

    /// The version before the one that its name stands for.
    fn before(&self) -> Option<u32> {
        self.versions
            .range(..self.latest)
            .next_back()
            .map(|it| *it.0)
    }
}

impl Held {
    /// Whether the template has an AMI in its own right, and if so, whether it was made by one of its own saves.
    fn own(&self, image: &Image) -> Option<bool> {
        if self.added.contains(image) {
            return Some(true);
        }
        (!self.borrowed && self.images.contains(image)).then_some(self.saved)
    }

    fn in_region(&self, here: bool) -> usize {
        let there = |(region, _): &&Image| (region == super::HERE) == here;
        self.images.iter().filter(there).count()
    }
}

impl Model {
    pub(super) fn founded(&mut self, project: &'static str, user: &'static str) {
        self.roles.insert((project, user), ProjectRole::Owner);
    }

    fn role(&self, project: &'static str, user: &'static str) -> Option<ProjectRole> {
        self.roles.get(&(project, user)).copied()
    }

    fn role_in_its_own(&self, it: &Kept, user: &'static str) -> Option<ProjectRole> {
        it.project.and_then(|project| self.role(project, user))
    }

    fn shares(&self, it: &Kept, user: &'static str) -> bool {
        it.owner == user || manages(self.role_in_its_own(it, user))
    }

    pub(super) fn deletes(&self, it: &Kept, user: &'static str) -> bool {
        let owns_project = self.role_in_its_own(it, user) == Some(ProjectRole::Owner);
        it.live && (it.owner == user || owns_project)
    }

    /// The roles of a user in the projects that a template was shared with.
    fn given<'a>(
        &'a self,
        it: &'a Kept,
        user: &'static str,
    ) -> impl Iterator<Item = (&'static str, Option<ProjectRole>)> + 'a {
        let projects = it
            .grants
            .iter()
            .filter_map(|to| to.strip_prefix("project:"));
        projects.map(move |project| (project, self.role(project, user)))
    }

    fn is_given(it: &Kept, user: &'static str) -> bool {
        let to_them = |to: &&str| to.strip_prefix("user:") == Some(user);
        it.grants.contains("public") || it.grants.iter().any(to_them)
    }

    pub(super) fn sees(&self, it: &Kept, user: &'static str) -> bool {
        let by_project = self.given(it, user).any(|(_, role)| role.is_some());
        it.live && (self.shares(it, user) || Self::is_given(it, user) || by_project)
    }

    /// Whether a user may launch what a template has in its own right.
    fn uses(&self, it: &Kept, user: &'static str) -> bool {
        let by_project = self.given(it, user).any(|(_, role)| works(role));
        it.live && (self.shares(it, user) || Self::is_given(it, user) || by_project)
    }

    fn saves(&self, it: &Kept, user: &'static str) -> bool {
        let own = |(project, role)| it.project == Some(project) && works(role);
        self.shares(it, user) || it.live && self.given(it, user).any(own)
    }

    /// The other templates that have an AMI in their own right, with whether one of their own saves made it.
    fn havers<'a>(
        &'a self,
        image: &'a Image,
        but: &'a str,
    ) -> impl Iterator<Item = (&'a Kept, bool)> + 'a {
        let others = self.templates.iter().filter(move |(name, _)| **name != but);
        let versions = others.flat_map(|(_, it)| it.versions.values().map(move |held| (it, held)));
        versions.filter_map(|(it, held)| Some((it, held.own(image)?)))
    }

    /// Whether a user may share what a version of a template has from other templates.
    fn lends(&self, name: &str, images: &BTreeSet<Image>, user: &'static str, all: bool) -> bool {
        images.iter().all(|image| {
            let made = self.havers(image, name).any(|(_, saved)| saved);
            let mut deciding = self
                .havers(image, name)
                .filter(|(_, saved)| *saved || all && !made);
            deciding.all(|(it, _)| self.shares(it, user))
        })
    }

    pub(super) fn launches(&self, name: &'static str, number: u32, user: &'static str) -> bool {
        let Some(it) = self.templates.get(name) else {
            return false;
        };
        let Some(held) = it.versions.get(&number) else {
            return false;
        };
        let lent = |image| self.havers(image, name).any(|(it, _)| self.uses(it, user));
        let here = held
            .images
            .iter()
            .filter(|image| image.0 == super::HERE && !held.added.contains(*image));
        self.uses(it, user) && (!held.borrowed || here.into_iter().all(lent))
    }

    pub(super) fn gives(&self, name: &'static str, user: &'static str) -> bool {
        let Some(it) = self.templates.get(name).filter(|it| it.live) else {
            return false;
        };
        let mut imported = it.versions.values().filter(|held| !held.saved);
        let whole =
            imported.all(|held| !held.borrowed && self.lends(name, &held.images, user, false));
        self.shares(it, user) && whole
    }

    pub(super) fn open_to(&self, image: &Image) -> BTreeSet<&'static str> {
        let grants = self.havers(image, "").flat_map(|(it, _)| it.grants.iter());
        grants
            .filter_map(|to| to.strip_prefix("account:"))
            .collect()
    }

    /// The AMIs that some version has in its template's own right.
    pub(super) fn images(&self) -> BTreeSet<Image> {
        let versions = self.templates.values().flat_map(|it| it.versions.values());
        let own = |held: &'_ Held| -> Vec<Image> {
            let images = held.images.iter();
            images
                .filter(|it| held.own(it).is_some())
                .cloned()
                .collect()
        };
        versions.flat_map(own).collect()
    }

    pub(super) fn allows(&self, operation: &Operation) -> bool {
        match *operation {
            Operation::Save {
                by,
                template,
                project,
                agreed,
                public,
            } => self.allows_save(by, template, project, agreed, public),
            Operation::Share { by, template, to } => {
                let own = |it: &Kept| to.strip_prefix("user:") == Some(it.owner);
                let theirs = self.templates.get(template).is_some_and(own);
                let project = to.strip_prefix("project:");
                let there = project.is_none_or(|project| works(self.role(project, by)));
                self.gives(template, by) && !theirs && there
            }
            Operation::Unshare { by, template, to } => {
                let it = self.templates.get(template).filter(|it| it.live);
                it.is_some_and(|it| self.shares(it, by) && it.grants.contains(to))
            }
            Operation::Import { by, from, into } => self.allows_import(by, from, into),
            Operation::Delete { by, template } | Operation::DeleteVersion { by, template, .. } => {
                let it = self.templates.get(template);
                it.is_some_and(|it| self.deletes(it, by))
            }
            Operation::Copy { by, template } => self.allows_copy(by, template),
            Operation::AddArch { by, template } => {
                let it = self.templates.get(template).filter(|it| it.live);
                let lacks = it.and_then(Kept::newest).is_some_and(|held| !held.both);
                lacks && self.allows_save(by, template, None, true, false)
            }
            Operation::Rollback { by, template } => {
                let it = self.templates.get(template).filter(|it| it.live);
                it.is_some_and(|it| self.shares(it, by) && it.before().is_some())
            }
            Operation::Schedule { by, template } => {
                let again = self.schedules.contains(&(by, template));
                again || self.allows_save(by, template, None, true, false)
            }
            Operation::Run { by, template } => {
                let there = self.schedules.contains(&(by, template));
                there && self.allows_save(by, template, None, true, false)
            }
            Operation::Appoint {
                by,
                project,
                user,
                role,
            } => {
                let (own, was) = (self.role(project, by), self.role(project, user));
                let ranks = manages(was) || manages(Some(role));
                let may = own == Some(ProjectRole::Owner) || manages(own) && !ranks;
                may && (role == ProjectRole::Owner || self.keeps_an_owner(project, user))
            }
            Operation::Remove { by, project, user } => {
                let (own, was) = (self.role(project, by), self.role(project, user));
                let may = own == Some(ProjectRole::Owner) || manages(own) && !manages(was);
                was.is_some() && (by == user || may) && self.keeps_an_owner(project, user)
            }
        }
    }

    fn keeps_an_owner(&self, project: &'static str, user: &'static str) -> bool {
        self.roles.iter().any(|((there, who), role)| {
            *there == project && *who != user && *role == ProjectRole::Owner
        })
    }

    fn allows_save(
        &self,
        by: &'static str,
        template: &'static str,
        project: Option<&'static str>,
        agreed: bool,
        public: bool,
    ) -> bool {
        let there = self.templates.get(template);
        if there.is_some_and(|it| !self.saves(it, by)) {
            return false;
        }
        let live = there.filter(|it| it.live);
        let payer = project.or_else(|| live.and_then(|it| it.project));
        if payer.is_some_and(|project| !works(self.role(project, by))) {
            return false;
        }
        let Some(it) = live else {
            return true;
        };
        let moves = project.is_some() && project != it.project;
        let opens = public && !it.grants.contains("public");
        let may_move = !moves || agreed && self.deletes(it, by);
        let may_open = !opens || self.shares(it, by);
        may_move && may_open && (!(moves || opens) || self.gives_to_others(template, it, by))
    }

    fn gives_to_others(&self, name: &'static str, it: &Kept, by: &'static str) -> bool {
        let mut imported = it.versions.values().filter(|held| !held.saved);
        imported.all(|held| !held.borrowed && self.lends(name, &held.images, by, false))
    }

    /// The result of importing the newest version of a template: its AMIs, and whether they are borrowed.
    fn imports(
        &self,
        by: &'static str,
        from: &'static str,
        into: &'static str,
    ) -> Option<(BTreeSet<Image>, bool)> {
        let source = self.templates.get(from).filter(|it| it.live)?;
        let images = &source.newest()?.images;
        let usable = |image| self.havers(image, "").any(|(it, _)| self.uses(it, by));
        let borrowed = !self.lends(into, images, by, true);
        images
            .iter()
            .all(usable)
            .then(|| (images.clone(), borrowed))
    }

    fn allows_import(&self, by: &'static str, from: &'static str, into: &'static str) -> bool {
        let Some((_, borrowed)) = self.imports(by, from, into) else {
            return false;
        };
        let Some(it) = self.templates.get(into) else {
            return true;
        };
        let alone = !it.live || it.owner == by && it.project.is_none() && it.grants.is_empty();
        self.saves(it, by) && (!borrowed || alone)
    }

    fn allows_copy(&self, by: &'static str, template: &'static str) -> bool {
        let it = self.templates.get(template).filter(|it| it.live);
        let Some((it, held)) = it.and_then(|it| Some((it, it.newest()?))) else {
            return false;
        };
        // One architecture at a time.
        let there = held.in_region(false) >= held.in_region(true);
        let pays = it
            .project
            .is_none_or(|project| works(self.role(project, by)));
        self.shares(it, by) && pays && !held.borrowed && !there
    }

    fn saved(&mut self, template: &'static str, by: &'static str, made: Option<Made>) {
        let (number, images) = made.expect("a save makes a version");
        let it = self.begun(template, by);
        let held = Held {
            images,
            added: BTreeSet::new(),
            both: false,
            saved: true,
            borrowed: false,
        };
        it.versions.insert(number, held);
        it.latest = number;
    }

    /// A template was deleted. Its name stays with its owner, and leaves the project.
    fn gone(&mut self, template: &'static str) {
        let it = self.begun(template, "");
        it.live = false;
        it.project = None;
        it.versions.clear();
        it.grants.clear();
    }

    pub(super) fn done(&mut self, operation: &Operation, made: Option<Made>) {
        match *operation {
            Operation::Save {
                by,
                template,
                project,
                public,
                ..
            } => {
                self.saved(template, by, made);
                let it = self.begun(template, by);
                it.project = project.or(it.project);
                it.grants.extend(public.then_some("public"));
            }
            Operation::Run { by, template } => self.saved(template, by, made),
            Operation::AddArch { template, .. } => {
                let (number, images) = made.expect("it adds to a version");
                let it = self.begun(template, "");
                let held = it.versions.get_mut(&number).expect("it was added to");
                held.added.extend(images.difference(&held.images).cloned());
                held.both = true;
                held.images = images;
            }
            Operation::Rollback { template, .. } => {
                let it = self.begun(template, "");
                it.latest = it.before().expect("there is one before it");
            }
            Operation::DeleteVersion {
                template, latest, ..
            } => {
                let it = self.begun(template, "");
                let number = it.number(latest).expect("there is one");
                it.versions.remove(&number);
                match it.versions.last_key_value() {
                    None => self.gone(template),
                    Some((newest, _)) if number == it.latest => it.latest = *newest,
                    Some(_) => {}
                }
            }
            Operation::Schedule { by, template } => drop(self.schedules.insert((by, template))),
            Operation::Share { template, to, .. } => {
                self.begun(template, "").grants.insert(to);
            }
            Operation::Unshare { template, to, .. } => {
                self.begun(template, "").grants.remove(to);
            }
            Operation::Import { by, from, into } => {
                let (number, images) = made.expect("an import makes a version");
                let borrowed = self.imports(by, from, into).is_some_and(|it| it.1);
                let source = self.templates.get(from).and_then(Kept::newest);
                let held = Held {
                    images,
                    added: BTreeSet::new(),
                    both: source.is_some_and(|source| source.both),
                    saved: false,
                    borrowed,
                };
                // Importing the same file again makes no version.
                let it = self.begun(into, by);
                let before = it.versions.len();
                it.versions.entry(number).or_insert(held);
                if it.versions.len() > before {
                    it.latest = number;
                }
            }
            Operation::Delete { template, .. } => self.gone(template),
            Operation::Copy { template, .. } => {
                let (number, images) = made.expect("a copy adds to a version");
                let it = self.begun(template, "");
                let held = it.versions.get_mut(&number);
                held.expect("it was copied").images = images;
            }
            Operation::Appoint {
                project,
                user,
                role,
                ..
            } => {
                self.roles.insert((project, user), role);
            }
            Operation::Remove { project, user, .. } => {
                self.roles.remove(&(project, user));
            }
        }
    }

    fn begun(&mut self, name: &'static str, owner: &'static str) -> &mut Kept {
        let new = || Kept {
            owner,
            project: None,
            grants: BTreeSet::new(),
            versions: BTreeMap::new(),
            latest: 0,
            live: true,
        };
        let it = self.templates.entry(name).or_insert_with(new);
        if !it.live {
            *it = new();
        }
        it
    }
}
