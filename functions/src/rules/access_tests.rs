//! The table, cell by cell, as it was decided. It is written a second time, by hand, so that an accidental change of
//! the rules fails a test.

use super::*;

/// One column for each relation in the order of [`Relation::ALL`]: owner; project owner, admin, member, viewer;
/// grantee, onlooker; public; stranger.
const DECIDED: &[(Resource, Action, &str)] = &[
    (Resource::Template, Action::See, "o oamv go p -"),
    (Resource::Template, Action::Launch, "o oam- g- p -"),
    (Resource::Template, Action::Import, "o oam- g- p -"),
    (Resource::Template, Action::SaveVersion, "o oam- -- - -"),
    (Resource::Template, Action::Copy, "o oa-- -- - -"),
    (Resource::Template, Action::Edit, "o oa-- -- - -"),
    (Resource::Template, Action::Rollback, "o oa-- -- - -"),
    (Resource::Template, Action::Deprecate, "o oa-- -- - -"),
    (Resource::Template, Action::Move, "o o--- -- - -"),
    (Resource::Template, Action::Share, "o oa-- -- - -"),
    (Resource::Template, Action::Open, "o oa-- -- - -"),
    (Resource::Template, Action::SeeShares, "o oa-- -- - -"),
    (Resource::Template, Action::SeeAudit, "o oa-- -- - -"),
    (Resource::Template, Action::Delete, "o o--- -- - -"),
    (Resource::Save, Action::See, "o oa-- -- - -"),
    (Resource::Save, Action::SeeAudit, "o oa-- -- - -"),
    (Resource::Save, Action::Watch, "o ---- -- - -"),
    (Resource::Save, Action::Cancel, "o ---- -- - -"),
    (Resource::Save, Action::Recover, "o oa-- -- - -"),
    (Resource::Instance, Action::See, "o oa-- -- - -"),
    (Resource::Instance, Action::Stop, "o oa-- -- - -"),
    (Resource::Instance, Action::Change, "o ---- -- - -"),
    (Resource::Instance, Action::SaveVersion, "o ---- -- - -"),
    (Resource::Instance, Action::SetEnd, "o oa-- -- - -"),
    (Resource::Instance, Action::SeeAudit, "o ---- -- - -"),
    (Resource::Schedule, Action::See, "o ---- -- - -"),
    (Resource::Schedule, Action::Change, "o ---- -- - -"),
    (Resource::Schedule, Action::SeeAudit, "o ---- -- - -"),
    (Resource::Schedule, Action::Delete, "o ---- -- - -"),
    (Resource::Project, Action::See, "- oamv -- - -"),
    (Resource::Project, Action::Leave, "- oamv -- - -"),
    (Resource::Project, Action::Contribute, "- oam- -- - -"),
    (Resource::Project, Action::LaunchFor, "- oa-- -- - -"),
    (Resource::Project, Action::MoveIn, "- oam- -- - -"),
    (Resource::Project, Action::SeeCosts, "- oam- -- - -"),
    (Resource::Project, Action::SeeActivity, "- oa-- -- - -"),
    (Resource::Project, Action::Approve, "- oa-- -- - -"),
    (Resource::Project, Action::Invite, "- oa-- -- - -"),
    (Resource::Project, Action::Edit, "- oa-- -- - -"),
    (Resource::Project, Action::SetBudget, "- oa-- -- - -"),
    (Resource::Project, Action::SetEnd, "- oa-- -- - -"),
    (Resource::Project, Action::SeeAudit, "- oa-- -- - -"),
    (Resource::Project, Action::Appoint, "- o--- -- - -"),
    (Resource::Project, Action::Delete, "- o--- -- - -"),
];

#[test]
fn every_cell_of_the_table() {
    let mut cells = 0;
    for &resource in Resource::ALL {
        for &action in Action::ALL {
            let decided = DECIDED
                .iter()
                .find(|row| row.0 == resource && row.1 == action);
            let columns: Vec<char> = decided
                .map_or("- ---- -- - -", |row| row.2)
                .chars()
                .filter(|column| *column != ' ')
                .collect();
            assert_eq!(columns.len(), Relation::ALL.len());
            for (&relation, column) in Relation::ALL.iter().zip(columns) {
                assert_eq!(
                    allowed(relation, action, resource),
                    column != '-',
                    "{relation:?} {action:?} {resource:?}"
                );
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 5 * 30 * 9);
}

#[test]
fn a_row_stands_in_the_table_once_and_a_stranger_in_none() {
    let mut rows = BTreeSet::new();
    for (resource, action, relations) in TABLE {
        assert!(rows.insert((resource, action)), "{resource:?} {action:?}");
        assert!(!relations.contains(&Relation::Stranger));
        let nearer = |pair: &[Relation]| pair[0] < pair[1];
        assert!(relations.windows(2).all(nearer), "{relations:?}");
    }
    assert_eq!(rows.len(), DECIDED.len());
}

/// A caller who may change or launch a resource can see it, so a refusal may name it without revealing too much.
#[test]
fn whoever_may_do_anything_may_see() {
    for &resource in Resource::ALL {
        for &relation in Relation::ALL {
            let any = Action::ALL
                .iter()
                .any(|it| allowed(relation, *it, resource));
            let sees = allowed(relation, Action::See, resource);
            assert_eq!(any, sees, "{relation:?} {resource:?}");
        }
    }
}

/// Anyone who may move a template out of a project, or revoke all shares of it, may also delete it there.
#[test]
fn a_move_needs_what_deleting_needs() {
    for &relation in Relation::ALL {
        assert_eq!(
            allowed(relation, Action::Move, Resource::Template),
            allowed(relation, Action::Delete, Resource::Template),
            "{relation:?}"
        );
    }
}
