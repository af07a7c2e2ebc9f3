//! Names, references and rules, of any text.
#![no_main]

#[path = "../../tests/properties/names.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|text: &str| property::check(text));
