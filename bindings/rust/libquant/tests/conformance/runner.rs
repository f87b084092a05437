//! Reads the cases and runs each by its kind.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use libquant::Model;
use serde_json::Value;

use crate::common::{Scratch, base};
use crate::values::text;
use crate::{catalog, encodings, errors, models, quantizing, shared, texts};

/// What cases run on.
pub struct Runner {
    pub scratch: Scratch,
    base: OnceCell<Model>,
    q8: OnceCell<Model>,
}

/// A case as the document has it.
pub struct Case<'a> {
    pub input: &'a Value,
    pub expect: &'a Value,
    /// How far floats may be off.
    pub tolerance: f64,
}

impl Runner {
    pub fn new() -> Runner {
        Runner { scratch: Scratch::new(), base: OnceCell::new(), q8: OnceCell::new() }
    }

    pub fn cases(&self) -> Vec<Value> {
        let path = std::env::var_os("QUANT_CONFORMANCE").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases.json"),
            PathBuf::from,
        );
        let document = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let document: Value = serde_json::from_slice(&document).expect("JSON");
        assert_eq!(document["format"], 1, "{}: of another format", path.display());
        document["cases"].as_array().expect("cases").clone()
    }

    /// The file or folder that a case calls so.
    pub fn path(&self, name: &str) -> PathBuf {
        match name {
            "q8" => self.scratch.q8(),
            "base" => base(),
            other => panic!("no model is called {other}"),
        }
    }

    /// The model that a case names, the base where it names none.
    pub fn model(&self, input: &Value) -> &Model {
        let name = input["model"].as_str().unwrap_or("base");
        let cell = if name == "q8" { &self.q8 } else { &self.base };
        cell.get_or_init(|| Model::open(self.path(name)).expect("a model"))
    }

    /// What is wrong with a case, if anything.
    pub fn failure(&self, case: &Value) -> Option<String> {
        let name = format!("{} ({})", text(&case["name"]), text(&case["kind"]));
        let ran = catch_unwind(AssertUnwindSafe(|| self.run(case)));
        let panic = ran.err()?;
        let sentence = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words");
        Some(format!("{name}: {sentence}"))
    }

    fn run(&self, case: &Value) {
        let tolerance = case["tolerance"].as_f64().unwrap_or(0.0);
        let given = Case { input: &case["input"], expect: &case["expect"], tolerance };
        match case["kind"].as_str().expect("a kind") {
            "version" => texts::version(&given),
            "encoding" => encodings::encoding(&given),
            "encode" => encodings::encode(&given),
            "tokenize" => texts::tokenize(self, &given),
            "detokenize" => texts::detokenize(self, &given),
            "render" => texts::render(&given),
            "generate" => models::generate(self.model(given.input), &given),
            "logits" => models::logits(self, &given),
            "embed" => models::embed(self, &given),
            "perplexity" => models::perplexity(self, &given),
            "callback_fails" => models::callback_fails(self, &given),
            "quantize" => quantizing::quantize(self, &given),
            "quantize_cancelled" => quantizing::cancelled(&given),
            "catalog" => catalog::import(self, &given),
            "error" => errors::error(self, &given),
            "shared" => shared::generate(self, &given),
            other => panic!("this runner does not know the kind {other}"),
        }
    }
}
