//! Any file that any user imports under any name either becomes a version that agrees with the file and has only AMIs
//! that the user may launch, or it is refused and nothing has changed (promises P7, P8).
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::{BTreeMap, BTreeSet};

use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::template::TemplateRef;
use prism_functions::domain::template_file::TemplateFile;
use prism_functions::domain::{Code, ImageId, Problem, Region};
use prism_functions::operations::Imported;
use prism_tests::asks::Asks as _;
use prism_tests::world::{Setup, World, caller, id_of, import_request, launched, save_request};
use proptest::prelude::*;
use proptest::sample::select;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Private,
    Open,
    /// The vendor whose template Ada launched.
    Vendor,
    Absent,
}
use Whose::{Absent, Open, Private, Vendor};

/// An AMI in a file: its Region, its architecture, and its owner.
type Line = (&'static str, Architecture, Whose);

#[derive(Debug, Clone)]
struct Strange {
    user: &'static str,
    name: &'static str,
    lines: Vec<Line>,
    description: String,
    saved_from: String,
    saved_by: &'static str,
    original: Option<&'static str>,
    damage: Vec<(usize, char)>,
}

fn strange() -> impl Strategy<Value = Strange> {
    let line = (
        // The first Region is the one with all of these AMIs.
        prop_oneof![6 => Just("us-east-1"), 1 => Just("us-west-2"), 1 => Just("us-nowhere-9")],
        prop_oneof![6 => Just(Architecture::X86_64), 1 => Just(Architecture::Arm64)],
        prop_oneof![2 => Just(Private), 2 => Just(Open), 1 => Just(Vendor), 1 => Just(Absent)],
    );
    let whole = prop_oneof![
        3 => Just(Vec::new()),
        1 => proptest::collection::vec((any::<usize>(), any::<char>()), 1..4),
    ];
    let texts = ("\\PC{0,60}", "\\PC{1,60}");
    let people = (select(vec!["ada", "bob"]), select(vec!["ada", "eve"]));
    let names = (
        select(vec!["secret", "open", "new", "ubuntu"]),
        proptest::option::of(select(vec!["ubuntu", "open", "nothing"])),
    );
    let lines = proptest::collection::vec(line, 1..4);
    (people, names, lines, texts, whole).prop_map(
        |((user, saved_by), (name, original), lines, (description, saved_from), damage)| Strange {
            user,
            name,
            lines,
            description,
            saved_from,
            saved_by,
            original,
            damage,
        },
    )
}

struct Scene {
    world: World,
    images: BTreeMap<&'static str, ImageId>,
}

impl Scene {
    fn new() -> Self {
        let world = launched(Setup::seeded(83));
        let vendor = world.instance(id_of(&world).as_str()).image;
        let mut images = BTreeMap::from([("vendor", vendor)]);
        for (template, public) in [("secret", false), ("open", true)] {
            let mut request = save_request("work", template);
            request.public = public;
            let record = world.save("ada", request).unwrap();
            assert_eq!(record.version, Some(1), "{:?}", record.failure);
        }
        let mut scene = Self {
            world,
            images: BTreeMap::new(),
        };
        for template in ["secret", "open"] {
            let file = scene.exported("ada", &format!("{template}@1")).unwrap();
            let region: Region = "us-east-1".parse().unwrap();
            let image = &file.ami_config.amis[&region][&Architecture::X86_64];
            images.insert(template, image.clone());
        }
        scene.images = images;
        scene
    }

    fn exported(&self, user: &str, reference: &str) -> Result<TemplateFile, Problem> {
        let (user, reference) = (caller(user), reference.parse::<TemplateRef>().unwrap());
        let service = &self.world.service;
        let text = service.export_template(&user, &reference);
        TemplateFile::from_yaml(&self.world.clock.run(text)?)
    }

    fn text(&self, strange: &Strange) -> String {
        let mut amis = BTreeMap::<Region, BTreeMap<Architecture, ImageId>>::new();
        for (region, architecture, whose) in &strange.lines {
            let image = match whose {
                Private => self.images["secret"].clone(),
                Open => self.images["open"].clone(),
                Vendor => self.images["vendor"].clone(),
                Absent => "ami-0123456789abcdef0".parse().unwrap(),
            };
            let here = amis.entry(region.parse().unwrap()).or_default();
            here.insert(*architecture, image);
        }
        let mut file = self.exported("ada", "open@1").unwrap();
        file.description.clone_from(&strange.description);
        file.saved_from.clone_from(&strange.saved_from);
        file.saved_by = strange.saved_by.parse().unwrap();
        file.original_template = strange.original.map(|name| name.parse().unwrap());
        file.ami_config.amis = amis;
        let mut text: Vec<char> = file.to_yaml().unwrap().chars().collect();
        for (at, to) in &strange.damage {
            let at = at % text.len();
            text[at] = *to;
        }
        text.into_iter().collect()
    }

    /// Imports a text. First as a dry run, which changes nothing and must have the same result.
    fn import(&self, strange: &Strange, text: &str) -> Result<Imported, Problem> {
        let (user, name) = (caller(strange.user), strange.name.parse().unwrap());
        let request = import_request(text);
        let World {
            clock,
            service,
            table,
            ..
        } = &self.world;
        let before = table.writes();
        let planned = clock.run(service.plan_import(&user, &name, &request));
        assert_eq!(table.writes(), before, "a question has changed something");
        let done = clock.run(service.import_template(&user, &name, &request));
        match (&planned, &done) {
            (Ok(planned), Ok(done)) => {
                assert_eq!(planned.version, done.version);
                assert_eq!(planned.repeated, done.repeated);
                assert_eq!(planned.amis, done.amis);
            }
            (Err(planned), Err(done)) => {
                assert_eq!((planned.code, &planned.message), (done.code, &done.message));
                assert_eq!(table.writes(), before, "a refusal has changed something");
            }
            _ => panic!("{planned:?} {done:?}"),
        }
        done
    }

    fn launchable(&self, user: &str) -> BTreeSet<&ImageId> {
        let images = self.images.iter();
        let open = images.filter(|(whose, _)| user == "ada" || **whose != "secret");
        open.map(|(_, image)| image).collect()
    }
}

fn check(strange: &Strange) {
    let scene = Scene::new();
    let text = scene.text(strange);
    let imported = match scene.import(strange, &text) {
        Ok(imported) => imported,
        Err(problem) => {
            let known = [
                Code::InvalidTemplateFile,
                Code::InvalidRegion,
                Code::ImageNotUsable,
                Code::TemplateNameTaken,
            ];
            assert!(known.contains(&problem.code), "{}", problem.chain());
            assert!(!problem.message.contains(char::is_control), "{problem:?}");
            return;
        }
    };
    let file = TemplateFile::from_yaml(&text).unwrap();
    let reference = format!("{}@{}", strange.name, imported.version);
    let mut back = scene.exported(strange.user, &reference).unwrap();
    // The file does not determine the template's own name and origin.
    back.name.clone_from(&file.name);
    back.original_template.clone_from(&file.original_template);
    assert_eq!(back, file);
    let launchable = scene.launchable(strange.user);
    for image in file.ami_config.amis.values().flat_map(BTreeMap::values) {
        assert!(
            launchable.contains(image),
            "{} has got at {image}",
            strange.user
        );
    }
    // No user can import under a name that belongs to another user.
    assert!(
        strange.name == "new" || strange.user == "ada",
        "{reference}"
    );
    let again = scene.import(strange, &text).unwrap();
    assert_eq!((again.version, again.repeated), (imported.version, true));
    for other in ["ada", "bob"] {
        let seen = scene.exported(other, &reference).is_ok();
        assert_eq!(seen, other == strange.user || strange.name == "open");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_unusual_file_is_imported_exactly_or_changes_nothing(strange in strange()) {
        check(&strange);
    }
}
