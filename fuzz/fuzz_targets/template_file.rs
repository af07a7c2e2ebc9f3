//! Parses any text as a template's YAML file.
#![no_main]

#[path = "../../tests/properties/template_file.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|text: &str| property::check(text));
