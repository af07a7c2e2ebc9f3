//! Lists of templates: filters, pages, and the search. A page reads a bounded part of the table, however many templates
//! there are.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use prism_functions::domain::ec2::Architecture;
use prism_functions::domain::project::ProjectRole;
use prism_functions::domain::save::SaveRequest;
use prism_functions::domain::{Code, Problem, TemplateName};
use prism_functions::operations::{ProjectRequest, TemplateEdit, TemplateSummary, TemplatesPage};
use prism_tests::ask;
use prism_tests::asks::Asks as _;
use prism_tests::world::{
    Setup, World, caller, import_request, launched, save_request, share_request,
};

fn save(world: &World, user: &str, template: &str, description: &str, public: bool) {
    let request = SaveRequest {
        description: description.to_owned(),
        public,
        ..save_request("work", template)
    };
    let record = world.save(user, request).unwrap();
    assert!(record.version.is_some(), "{:?}", record.failure);
}

fn pages(
    world: &World,
    user: &str,
    filter: &TemplatesPage,
    limit: usize,
) -> Result<Vec<TemplateSummary>, Problem> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let before = world.table.reads();
        let page = ask!(world, templates(&caller(user), filter, limit, cursor))?;
        let read = world.table.reads() - before;
        // At most three lists that contain something, each with its referenced items, and the user's projects.
        assert!(read <= 1 + 6 * limit, "{read} for a page of {limit}");
        assert!(page.items.len() <= limit);
        all.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

fn names(world: &World, user: &str, filter: &TemplatesPage, limit: usize) -> Vec<String> {
    let listed = pages(world, user, filter, limit).unwrap();
    listed.into_iter().map(|template| template.name).collect()
}

fn searching(text: &str) -> TemplatesPage {
    TemplatesPage {
        search: Some(text.to_owned()),
        ..TemplatesPage::default()
    }
}

/// Ada's templates, some of them public, and one of Bob's.
fn library() -> World {
    let mut setup = Setup::seeded(51);
    setup.cloud.throttles.enabled = false;
    let world = launched(setup);
    world.launch("bob", "ubuntu", "bobs-work");
    save(
        &world,
        "ada",
        "genomics-env",
        "BWA, GATK and R Bioconductor",
        true,
    );
    save(
        &world,
        "ada",
        "quake.ml",
        "Seismic data with machine learning",
        false,
    );
    save(&world, "ada", "zoo", "", true);
    let project = ProjectRequest {
        name: "brain-imaging".parse().unwrap(),
        description: String::new(),
    };
    ask!(world, create_project(&caller("bob"), project)).unwrap();
    let request = SaveRequest {
        project: Some("brain-imaging".parse().unwrap()),
        description: "GATK too".to_owned(),
        ..save_request("bobs-work", "bobs-genome")
    };
    world.save("bob", request).unwrap();
    world
}

#[test]
fn a_list_is_the_same_in_pages_of_any_size() {
    let world = library();
    let all = TemplatesPage::default();
    let of_ada = names(&world, "ada", &all, 100);
    assert_eq!(
        of_ada,
        [
            "bioinformatics",
            "genomics-env",
            "python-ml",
            "quake.ml",
            "r-research",
            "ubuntu",
            "zoo"
        ]
    );
    let of_bob = names(&world, "bob", &all, 100);
    assert_eq!(
        of_bob,
        [
            "bioinformatics",
            "bobs-genome",
            "genomics-env",
            "python-ml",
            "r-research",
            "ubuntu",
            "zoo"
        ]
    );
    for limit in 1..8 {
        assert_eq!(names(&world, "ada", &all, limit), of_ada, "{limit}");
        assert_eq!(names(&world, "bob", &all, limit), of_bob, "{limit}");
    }
}

#[test]
fn filters_hold_together() {
    let world = library();
    let mine = TemplatesPage {
        mine: true,
        ..TemplatesPage::default()
    };
    assert_eq!(
        names(&world, "ada", &mine, 2),
        ["genomics-env", "quake.ml", "zoo"]
    );
    assert_eq!(names(&world, "cy", &mine, 2), [""; 0]);
    let public = TemplatesPage {
        public: true,
        ..mine.clone()
    };
    assert_eq!(names(&world, "ada", &public, 1), ["genomics-env", "zoo"]);
    let public = TemplatesPage {
        mine: false,
        ..public
    };
    assert_eq!(
        names(&world, "cy", &public, 3),
        [
            "bioinformatics",
            "genomics-env",
            "python-ml",
            "r-research",
            "ubuntu",
            "zoo"
        ]
    );
    let project = TemplatesPage {
        project: Some("brain-imaging".parse().unwrap()),
        ..TemplatesPage::default()
    };
    assert_eq!(names(&world, "bob", &project, 5), ["bobs-genome"]);
    assert_eq!(names(&world, "ada", &project, 5), [""; 0]);
    let arm = TemplatesPage {
        arch: Some(Architecture::Arm64),
        ..TemplatesPage::default()
    };
    assert_eq!(
        names(&world, "ada", &arm, 2),
        ["bioinformatics", "python-ml", "r-research", "ubuntu"]
    );
}

#[test]
fn a_search_finds_words_by_their_beginnings_among_what_one_may_see() {
    let world = library();
    let found = |user: &str, text: &str| names(&world, user, &searching(text), 3);
    assert_eq!(found("ada", "gen"), ["bioinformatics", "genomics-env"]);
    assert_eq!(
        found("bob", "gen"),
        ["bobs-genome", "bioinformatics", "genomics-env"]
    );
    assert_eq!(found("cy", "gatk"), ["genomics-env"]);
    assert_eq!(found("bob", "GATK"), ["bobs-genome", "genomics-env"]);
    assert_eq!(found("cy", "seismic"), [""; 0]);
    assert_eq!(found("ada", "machine quak"), ["python-ml", "quake.ml"][1..]);
    assert_eq!(found("ada", "ml"), ["python-ml", "quake.ml"]);
    let mine = TemplatesPage {
        mine: true,
        ..searching("ml")
    };
    assert_eq!(names(&world, "ada", &mine, 3), ["quake.ml"]);
    let refused = pages(&world, "ada", &searching("m"), 3).unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
}

/// More templates are shared with a user than a search reads at once: by shares, through a project, by both, and one of
/// them is public by now.
#[test]
fn a_search_covers_everything_shared_with_a_user() {
    const MANY: usize = 330;
    let world = library();
    let (ada, bob, cy) = (caller("ada"), caller("bob"), caller("cy"));
    let brain = "brain-imaging".parse().unwrap();
    for user in [&ada.user, &cy.user] {
        ask!(world, add_member(&bob, &brain, user, ProjectRole::Member)).unwrap();
    }
    let file = ask!(world, export_template(&ada, &"quake.ml".parse().unwrap())).unwrap();
    let give = |name: &TemplateName, to: &str| {
        let request = share_request(to);
        ask!(world, share(&ada, name, &request)).unwrap();
    };
    let mut all = Vec::new();
    for number in 0..MANY {
        let name: TemplateName = format!("quake-{number:03}").parse().unwrap();
        let request = import_request(file.clone());
        ask!(world, import_template(&ada, &name, &request)).unwrap();
        if number % 3 != 0 {
            give(&name, "user:cy");
        }
        if number % 3 != 1 {
            give(&name, "project:brain-imaging");
        }
        all.push(name.to_string());
    }
    give(&"quake-328".parse().unwrap(), "public");
    for limit in [7, 50, 100] {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let before = world.table.reads();
            let filter = searching("seis mach");
            let page = ask!(world, templates(&cy, &filter, limit, cursor)).unwrap();
            let read = world.table.reads() - before;
            // Two hundred templates from each of two lists with what names them, and a page of those with matching
            // words.
            assert!(
                read <= 1 + 4 * 200 + 2 * limit,
                "{read} for a page of {limit}"
            );
            found.extend(page.items.into_iter().map(|it| it.name));
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        found.sort();
        assert_eq!(found, all, "{limit}");
    }
}

#[test]
fn search_entries_follow_their_template() {
    let world = library();
    let (ada, zoo) = (caller("ada"), "zoo".parse().unwrap());
    let edit = TemplateEdit {
        description: Some("Animals of the savanna".to_owned()),
        notes: None,
    };
    ask!(world, edit_template(&ada, &zoo, &edit, None)).unwrap();
    assert_eq!(names(&world, "cy", &searching("sava"), 5), ["zoo"]);
    let edit = TemplateEdit {
        description: Some("Plants".to_owned()),
        notes: None,
    };
    ask!(world, edit_template(&ada, &zoo, &edit, None)).unwrap();
    assert_eq!(names(&world, "cy", &searching("sava"), 5), [""; 0]);
    assert_eq!(names(&world, "cy", &searching("plan"), 5), ["zoo"]);
    ask!(world, delete_template(&ada, &zoo, false)).unwrap();
    assert_eq!(names(&world, "cy", &searching("plan"), 5), [""; 0]);
    let all = names(&world, "ada", &TemplatesPage::default(), 100);
    assert!(!all.contains(&"zoo".to_owned()));
}

#[test]
fn a_cursor_is_good_for_its_own_list_alone() {
    let world = library();
    let all = TemplatesPage::default();
    let page = ask!(world, templates(&caller("ada"), &all, 2, None)).unwrap();
    let cursor = page.cursor.unwrap();
    for (user, filter) in [("bob", all), ("ada", searching("gen"))] {
        let refused = ask!(
            world,
            templates(&caller(user), &filter, 2, Some(cursor.clone()))
        );
        assert_eq!(refused.unwrap_err().code, Code::InvalidInput);
    }
    let odd = ask!(
        world,
        templates(
            &caller("ada"),
            &TemplatesPage::default(),
            2,
            Some("7b".into())
        )
    );
    assert_eq!(odd.unwrap_err().code, Code::InvalidInput);
}
