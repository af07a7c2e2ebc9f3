//! The operations that no other part of this test asks for, so that none is left out.

use prism_functions::domain::SaveId;
use prism_functions::domain::session::SessionKind;
use prism_functions::domain::sizes::Size;
use prism_functions::domain::template::TemplateRef;
use prism_functions::operations::parts::{
    InRegion, InstanceName, Json, KeyId, MustMatch, Nothing, Paging, VersionRef,
};
use prism_functions::operations::{
    Asked, CancelSave, ConfirmEmail, DeleteProject, EditVersion, EmailCode, LiftBudget, ListKeys,
    ListRegions, ListVolumes, NewName, NewSize, NotifyRequest, Operation, RecoverSave, RemoveKey,
    RenameInstance, ResizeInstance, SetNotify, ShowInstance, ShowMe, ShowNotify, ShowSave,
    ShowTemplate, ShowVersion, StartInstance, StartSession, StopInstance, TemplateEdit,
    TerminateInstance, TestNotify, TryInRegion,
};
use prism_functions::rules::access::Caller;
use prism_tests::asks::Asks as _;
use prism_tests::world::{ADA, begun, region, save_request};

use super::Most::{self, Few};
use super::{Limits, brain, deep};

/// Asks for an operation. A refusal has its limit too.
pub(super) fn ask<O: Operation>(limits: &mut Limits<'_>, by: &Caller, most: Most, asked: Asked<O>) {
    let call = O::run(&limits.world.service, by, asked);
    let refused = async { Ok(call.await.err()) };
    limits.reads(O::ID, most, refused);
}

fn version(number: u32) -> VersionRef {
    VersionRef {
        template: deep(),
        number,
    }
}

pub(super) fn of_single_things(limits: &mut Limits<'_>) {
    let ada = &ADA;
    ask(limits, ada, Few(1), Asked::<ShowMe>::of(Nothing {}));
    ask(limits, ada, Few(0), Asked::<ListRegions>::of(Nothing {}));
    ask(limits, ada, Few(3), Asked::<ShowTemplate>::of(deep()));
    ask(
        limits,
        ada,
        Few(4),
        Asked::<ShowVersion>::of(version(3).into()),
    );
    let edit = TemplateEdit {
        description: None,
        notes: Some("sand".to_owned()),
    };
    let asked = Asked::<EditVersion> {
        path: version(3),
        query: Nothing {},
        head: MustMatch(None),
        body: Json(edit),
    };
    ask(limits, ada, Few(6), asked);
    let (service, all) = (&limits.world.service, TemplateRef::from(deep()));
    for deprecated in [true, false] {
        let changed = service.deprecate_template(ada, &all, deprecated);
        limits.reads("deprecation of a template", Few(6), changed);
    }
    limits.reads(
        "restoration of a version",
        Few(6),
        service.deprecate_template(ada, &"deep@1".parse().unwrap(), false),
    );
    ask(limits, ada, Few(5), Asked::<LiftBudget>::of(brain()));
    ask(limits, ada, Few(9), Asked::<DeleteProject>::of(brain()));
}

pub(super) fn of_instances(limits: &mut Limits<'_>) {
    let ada = &ADA;
    let again = || InstanceName("again-3".to_owned());
    let there = || InRegion { region: region() };
    let world = limits.world;
    ask(
        limits,
        ada,
        Few(3),
        Asked::<ShowInstance>::by(again(), there()),
    );
    let session = Asked::<StartSession> {
        path: again(),
        query: there(),
        head: Nothing {},
        body: Json((&SessionKind::Ssh).into()),
    };
    ask(limits, ada, Few(3), session);
    ask(
        limits,
        ada,
        Few(3),
        Asked::<ListVolumes>::by(again(), there()),
    );
    ask(
        limits,
        ada,
        Few(5),
        Asked::<StopInstance>::by(again(), there()),
    );
    world.pass(600);
    let resized = Asked::<ResizeInstance> {
        path: again(),
        query: TryInRegion {
            region: region(),
            dry_run: false,
        },
        head: Nothing {},
        body: Json(NewSize { size: Size::L }),
    };
    ask(limits, ada, Few(8), resized);
    let renamed = Asked::<RenameInstance> {
        path: again(),
        query: there(),
        head: Nothing {},
        body: Json(NewName {
            name: "again-3".to_owned(),
        }),
    };
    // Including the caller's schedules, which may follow.
    ask(limits, ada, Few(5 + super::MANY), renamed);
    ask(
        limits,
        ada,
        Few(6),
        Asked::<StartInstance>::by(again(), there()),
    );
    world.pass(600);
    ask(
        limits,
        ada,
        Few(6),
        Asked::<TerminateInstance>::by(again(), there()),
    );
}

pub(super) fn of_keys(limits: &mut Limits<'_>) {
    let (ada, service) = (&ADA, &limits.world.service);
    let key = prism_tests::keys::ed25519(1, "ada@laptop");
    let id = KeyId(key.fingerprint());
    limits.reads("a key is added", Few(1), service.add_key(ada, key));
    let page = Paging::new(None, None);
    ask(limits, ada, Few(1), Asked::<ListKeys>::by(Nothing {}, page));
    ask(limits, ada, Few(1), Asked::<RemoveKey>::of(id));
}

pub(super) fn of_notices(limits: &mut Limits<'_>) {
    let ada = &ADA;
    ask(limits, ada, Few(1), Asked::<ShowNotify>::of(Nothing {}));
    let request = NotifyRequest {
        webhook: Some("https://hooks.example.org/".parse().unwrap()),
        ..NotifyRequest::default()
    };
    ask(
        limits,
        ada,
        Few(1),
        Asked::<SetNotify>::with(Nothing {}, request),
    );
    let code = EmailCode {
        code: "00000000".to_owned(),
    };
    ask(
        limits,
        ada,
        Few(1),
        Asked::<ConfirmEmail>::with(Nothing {}, code),
    );
    // The settings, and again for the notice.
    ask(limits, ada, Few(2), Asked::<TestNotify>::of(Nothing {}));
}

pub(super) fn of_open_saves(limits: &mut Limits<'_>) {
    let (ada, world) = (&ADA, limits.world);
    let id: SaveId = begun(world, save_request("again-4", "kept-4"));
    // Its own steps read too, until they wait.
    world.pass(1);
    ask(limits, ada, Few(2), Asked::<RecoverSave>::of(id.clone()));
    ask(limits, ada, Few(4), Asked::<CancelSave>::of(id.clone()));
    world.clock.run_until_idle().unwrap();
    ask(limits, ada, Few(1), Asked::<ShowSave>::of(id));
    let night = "night-004".parse().unwrap();
    let run = world.service.run_schedule(ada, &night, None);
    limits.reads("run of a schedule", Few(6), run);
    world.clock.run_until_idle().unwrap();
}
