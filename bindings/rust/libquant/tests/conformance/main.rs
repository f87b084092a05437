//! The cases that all bindings have in common: bindings/conformance/cases.json, or what QUANT_CONFORMANCE names.

#[path = "../common/mod.rs"]
mod common;

mod catalog;
mod encodings;
mod errors;
mod models;
mod quantizing;
mod runner;
mod shared;
mod texts;
mod values;

#[test]
fn every_case_holds() {
    let runner = runner::Runner::new();
    let cases = runner.cases();
    assert!(!cases.is_empty(), "no cases at all");
    let failed: Vec<String> = cases.iter().filter_map(|case| runner.failure(case)).collect();
    println!("{} cases, {} failed", cases.len(), failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
