//! Calls that fail: by the right status, and with a sentence that names what is wrong.

use libquant::{Encode, Encoding, Error, Model, Quantize, SharedOptions, Tokenizer};

use crate::encodings::{method, weights};
use crate::runner::{Case, Runner};
use crate::texts::flags;
use crate::values::{bytes, count, ids, text};

pub fn error(runner: &Runner, case: &Case<'_>) {
    let failed = failing(runner, case).expect_err("a call that fails");
    assert_eq!(failed.status().name(), text(&case.expect["status"]), "{failed}");
    let part = text(&case.expect["message_has"]);
    assert!(failed.message().contains(part), "expected {part:?} in: {failed}");
}

fn failing(runner: &Runner, case: &Case<'_>) -> Result<(), Error> {
    let input = case.input;
    let named = |key: &str| text(&input[key]);
    match named("call") {
        "open_model" => Model::open(named("path")).map(drop),
        "open_tokenizer" => Tokenizer::open(named("path")).map(drop),
        "find_encoding" => Encoding::find(named("name")).map(drop),
        "find_model" | "resolve" => {
            let catalog = libquant::Catalog::open_file(runner.scratch.file("none.db"))?;
            catalog.resolve(named("name")).map(drop)
        }
        "open_shared" => {
            let options = SharedOptions::new().socket(named("socket"));
            options.open(input["name"].as_str().unwrap_or("kjv-5m")).map(drop)
        }
        "encode" => {
            let (rows, cols) = (count(&input["rows"]) as usize, count(&input["cols"]) as usize);
            let encode = Encode::new(Encoding::find(named("encoding"))?).method(method(&input["method"]));
            encode.to_vec(&weights(rows * cols), rows, cols).map(drop)
        }
        "tokenize" => {
            let tokenizer = runner.model(input).tokenizer()?;
            tokenizer.tokenize(bytes(&input["text"]), flags(input)).map(drop)
        }
        "detokenize" => {
            let tokenizer = runner.model(input).tokenizer()?;
            tokenizer.detokenize(&ids(&input["ids"]), flags(input)).map(drop)
        }
        "plan" | "quantize" => {
            let quantize = Quantize::to(named("type")).method(method(&input["method"]));
            quantize.plan(runner.path(input["model"].as_str().unwrap_or("base"))).map(drop)
        }
        "render" => {
            let chat = libquant::Chat::from_json(input["messages"].to_string());
            libquant::render_template(named("template"), "case", &chat).map(drop)
        }
        other => panic!("this runner does not know the call {other}"),
    }
}
