//! Tests that the DynamoDB adapter fulfils the table's contract, as far as external emulators can show.
//! `tests/emulators/run` starts one; without it, the test does nothing.
//!
//! No emulator behaves exactly like DynamoDB. The rules that each is known to violate are listed, and the list must be
//! exact: no other rule may be violated, and no listed rule may hold.

use std::cell::Cell;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use prism_functions::aws::{Clients, DynamoTable, Limits, SystemClock};
use prism_tests::contract::table::{Fixture, broken};

fn known_to_break(emulator: &str) -> &'static [&'static str] {
    match emulator {
        "moto" => &[
            // It checks the writes one after another, and stops at the first that fails.
            "a_failed_condition_outweighs_a_change_that_cannot_be_made",
            // It compares a string with a number, and fails.
            "at_most_compares_numbers_alone",
            // It treats a missing attribute as null.
            "equals_compares_type_and_value",
            // It fails to compare a string with numbers here too.
            "only_whole_numbers_are_converted",
        ],
        "ministack" => &[],
        other => panic!("{other} is not a known emulator"),
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the environment says which emulator runs"
)]
async fn the_table_of_dynamodb_keeps_the_contract() {
    let Ok(emulator) = std::env::var("PRISM_EMULATOR") else {
        eprintln!("skipped: no emulator runs (tests/emulators/run starts one)");
        return;
    };
    let clients = Clients::load(Limits::OF_A_STEP).await.unwrap();
    let client = Client::new(clients.config());
    let tables = Cell::new(0);
    let mut broken = broken(async || {
        tables.set(tables.get() + 1);
        let name = format!("contract-{}", tables.get());
        create(&client, &name).await;
        Fixture {
            table: Arc::new(DynamoTable::new(&clients, name)),
            clock: Arc::new(SystemClock),
        }
    })
    .await;
    let mut known = known_to_break(&emulator).to_vec();
    broken.sort_unstable();
    known.sort_unstable();
    assert_eq!(broken, known);
}

async fn create(client: &Client, name: &str) {
    let attributes = ["pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk"];
    let attribute = |name: &str| {
        let text = AttributeDefinition::builder().attribute_type(ScalarAttributeType::S);
        text.attribute_name(name).build().expect("it is complete")
    };
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.map(attribute).into()))
        .set_key_schema(Some(keys("pk", "sk")))
        .global_secondary_indexes(index("gsi1"))
        .global_secondary_indexes(index("gsi2"))
        .send()
        .await
        .expect("the emulator makes tables");
}

fn index(name: &str) -> GlobalSecondaryIndex {
    let all = Projection::builder().projection_type(ProjectionType::All);
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .set_key_schema(Some(keys(&format!("{name}pk"), &format!("{name}sk"))))
        .projection(all.build())
        .build()
        .expect("it is complete")
}

fn keys(pk: &str, sk: &str) -> Vec<KeySchemaElement> {
    [(pk, KeyType::Hash), (sk, KeyType::Range)]
        .map(|(name, kind)| {
            let key = KeySchemaElement::builder().attribute_name(name);
            key.key_type(kind).build().expect("it is complete")
        })
        .into()
}
