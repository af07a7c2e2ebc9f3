//! Compares the recorded costs of templates and projects with the actual ones.

use prism_functions::domain::save::SaveRecord;
use prism_functions::domain::{ProjectName, TemplateName};
use prism_functions::ports::{Change, Condition, Key, Table as _, Write};

use crate::world::World;

pub fn wrong(world: &World, record: &SaveRecord) -> Vec<String> {
    let registry = &world.service.env.registry;
    let name = &record.request.template;
    let mut wrong = Vec::new();
    let costs = world.clock.run(registry.wrong_costs(name));
    if let Some(costs) = costs.expect("the registry answers") {
        let (kept, counted) = (costs.kept.usd(), costs.counted.usd());
        wrong.push(format!(
            "{name} is said to cost {kept}, and costs {counted}"
        ));
    }
    let template = world.clock.run(registry.template(name));
    let template = template.expect("the registry answers");
    let of_template = template.and_then(|stored| stored.value.project);
    let payer = record.plan.as_ref().and_then(|plan| plan.paid_by.clone());
    let projects = [of_template, payer, record.request.project.clone()];
    for project in projects.into_iter().flatten() {
        let sums = world.clock.run(registry.wrong_sums(&project));
        if let Some(sums) = sums.expect("the registry answers") {
            wrong.push(format!("{project}: {sums:?}"));
        }
    }
    wrong
}

/// Resets a project and a template to the format before costs were summed up.
pub fn forget(world: &World, project: &ProjectName, template: &TemplateName) {
    let places = [
        Key::new(format!("PROJECT#{project}"), "PLEDGES"),
        Key::new(format!("TEMPLATE#{template}"), "META"),
    ];
    let attributes = ["costs_micro_usd", "pledged_micro_usd"];
    for key in places {
        let there = world.clock.run(world.table.get(&key));
        if there.expect("the table answers").is_none() {
            continue;
        }
        let gone = attributes.map(|name| Change::Remove(name.to_owned()));
        let write = Write::Update(key, gone.into(), Condition::ItemPresent);
        let done = world.clock.run(world.table.transact(&[write]));
        done.expect("the table does it");
    }
}
