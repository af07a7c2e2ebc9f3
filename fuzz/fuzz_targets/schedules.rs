//! Parses any text as a schedule rule, and computes when it is due.
#![no_main]

#[path = "../../tests/properties/schedules.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|text: &str| property::check(text));
