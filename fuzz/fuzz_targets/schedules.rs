//! When schedules are due, of any text.
#![no_main]

#[path = "../../tests/properties/schedules.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|text: &str| property::check(text));
