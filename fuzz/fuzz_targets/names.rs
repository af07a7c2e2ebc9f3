//! Parses any text as names, references and rules.
#![no_main]

#[path = "../../tests/properties/names.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|text: &str| property::check(text));
