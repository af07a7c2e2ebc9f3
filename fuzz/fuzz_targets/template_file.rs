//! A template as a YAML file, of any text.
#![no_main]

#[path = "../../tests/properties/template_file.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|text: &str| property::check(text));
