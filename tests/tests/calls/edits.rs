//! What users change about themselves and their instances.

use prism_functions::domain::sizes::Size;
use prism_functions::operations::parts::{InRegion, InstanceName, Json, Nothing};
use prism_functions::operations::{
    Asked, ConfirmEmail, EmailCode, NewName, NewSize, NotifyRequest, Operation as _,
    RenameInstance, ResizeInstance, Service, SetNotify, TestNotify, TryInRegion,
};
use prism_tests::asks::Asks as _;
use prism_tests::recorded::calling;
use prism_tests::world::{ADA, World, region};

use crate::as_api;

/// A user sets an address, and gets a notice.
pub(super) fn reach(world: &World, service: &Service) {
    let request = NotifyRequest {
        email: Some("ada@example.org".parse().unwrap()),
        ..NotifyRequest::default()
    };
    let asked = Asked::<SetNotify>::with(Nothing {}, request);
    as_api(world, service.told(&ADA, asked)).unwrap();
    let mail = world.letters.mails().remove(0).text;
    let (_, code) = mail.split_once("notify confirm ").unwrap();
    let code = code[..8].to_owned();
    let asked = Asked::<ConfirmEmail>::with(Nothing {}, EmailCode { code });
    as_api(world, service.told(&ADA, asked)).unwrap();
    let asked = Asked::<TestNotify>::of(Nothing {});
    as_api(world, service.told(&ADA, asked)).unwrap();
    let delivered = world.run(calling("Deliver", service.deliver_due()));
    assert_eq!(delivered.unwrap().delivered, 1);
}

/// Renames the instance and back, and resizes it.
pub(super) fn edited(world: &World) {
    let query = || InRegion { region: region() };
    for (name, new) in [("work", "other"), ("other", "work")] {
        let asked = Asked::<RenameInstance> {
            path: InstanceName(name.to_owned()),
            query: query(),
            head: Nothing {},
            body: Json(NewName {
                name: new.to_owned(),
            }),
        };
        as_api(world, RenameInstance::run(&world.service, &ADA, asked)).unwrap();
    }
    as_api(world, world.service.stop_instance(&ADA, &region(), "work")).unwrap();
    world.pass(300);
    let asked = Asked::<ResizeInstance> {
        path: InstanceName("work".to_owned()),
        query: TryInRegion {
            region: region(),
            dry_run: false,
        },
        head: Nothing {},
        body: Json(NewSize { size: Size::L }),
    };
    as_api(world, ResizeInstance::run(&world.service, &ADA, asked)).unwrap();
}
