//! Models quantized, and not quantized after all.

use std::ops::ControlFlow;

use libquant::Quantize;

use crate::common::{Scratch, base};
use crate::encodings::method;
use crate::runner::{Case, Runner};
use crate::values::{count, text};

pub fn quantize(runner: &Runner, case: &Case<'_>) {
    let output = runner.scratch.file("case.gguf");
    let quantize = Quantize::to(text(&case.input["type"])).method(method(&case.input["method"]));
    let mut plan = quantize.plan(base()).unwrap();
    let mut calls = 0;
    let watch = |progress: &libquant::Progress<'_>| {
        calls += 1;
        assert!(progress.done <= progress.total, "{} of {}", progress.done, progress.total);
    };
    plan.run_with(&output, watch).unwrap();
    assert_eq!(std::fs::metadata(&output).unwrap().len(), count(&case.expect["bytes"]));
    assert_eq!(case.expect["progress"] == true, calls > 0, "progress was told {calls} times");
    assert!(plan.tensors().unwrap().iter().all(|tensor| tensor.rmse.is_some()));
    std::fs::remove_file(&output).unwrap();
}

pub fn cancelled(case: &Case<'_>) {
    let scratch = Scratch::new();
    let mut plan = Quantize::to(text(&case.input["type"])).plan(base()).unwrap();
    let failed = plan.run_with(scratch.file("out.gguf"), |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(failed.status().name(), text(&case.expect["status"]));
    let left: Vec<String> = std::fs::read_dir(scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let expected = case.expect["left"].as_array().expect("names");
    assert_eq!(left, expected.iter().map(text).collect::<Vec<_>>());
}
