//! What models make: text, logits, embeddings, perplexity.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libquant::{Evaluate, Generate, Model};

use crate::runner::{Case, Runner};
use crate::values::{assert_close, bytes, count, floats, ids, text};

/// The generation that a case asks for.
fn ask(case: &Case<'_>) -> Generate {
    let tokens = case.input["max_tokens"].as_u64().unwrap_or(8);
    Generate::new(bytes(&case.input["prompt"])).max_tokens(tokens as u32).greedy()
}

pub fn generate(model: &Model, case: &Case<'_>) {
    let stop_after = case.input["stop_after"].as_u64();
    let (mut found, mut pieces) = (String::new(), 0);
    let made = model.session().unwrap().generate(&ask(case), |piece| {
        found.push_str(piece);
        pieces += 1;
        if stop_after == Some(pieces) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let made = made.unwrap();
    assert_eq!(found, String::from_utf8(bytes(&case.expect["text"])).expect("UTF-8"));
    assert_eq!(made.stop.name(), text(&case.expect["stop"]));
    assert_eq!(u64::from(made.prompt_tokens), count(&case.expect["prompt_tokens"]));
    assert_eq!(u64::from(made.generated_tokens), count(&case.expect["generated_tokens"]));
    streamed(model, case, stop_after, &found);
}

/// A stream tells the same.
fn streamed(model: &Model, case: &Case<'_>, stop_after: Option<u64>, expected: &str) {
    let mut session = model.session().unwrap();
    let mut stream = session.stream(&ask(case)).unwrap();
    let take = stop_after.map_or(usize::MAX, |pieces| pieces as usize);
    let found: String = stream.by_ref().take(take).map(Result::unwrap).collect();
    assert_eq!(found, expected, "as a stream");
    let made = stream.finish().unwrap();
    assert_eq!(made.stop.name(), text(&case.expect["stop"]), "as a stream");
    assert_eq!(u64::from(made.generated_tokens), count(&case.expect["generated_tokens"]), "as a stream");
}

pub fn logits(runner: &Runner, case: &Case<'_>) {
    let ids = ids(&case.input["ids"]);
    let found = runner.model(case.input).session().unwrap().logits(&ids).unwrap();
    let argmax = (0..found.len()).max_by(|&a, &b| found[a].total_cmp(&found[b])).unwrap();
    assert_eq!(argmax as u64, count(&case.expect["argmax"]));
    let places = case.expect["at"].as_array().expect("indices").iter().map(count);
    for (at, expected) in places.zip(floats(&case.expect["values"])) {
        assert_close(f64::from(found[at as usize]), expected, case.tolerance, &format!("logit {at}"));
    }
    // Rows of all tokens end with the same one.
    let all = runner.model(case.input).session().unwrap().all_logits(&ids).unwrap();
    assert_eq!(all.len(), ids.len() * found.len());
    let last = &all[all.len() - found.len()..];
    assert_close(f64::from(last[argmax]), f64::from(found[argmax]), case.tolerance.max(1e-4), "the last row");
}

pub fn embed(runner: &Runner, case: &Case<'_>) {
    let texts: Vec<Vec<u8>> = case.input["texts"].as_array().expect("texts").iter().map(bytes).collect();
    let embeddings = runner.model(case.input).embed(&texts).unwrap();
    assert_eq!(embeddings.len(), texts.len());
    let first = case.expect["first"].as_array().expect("first values of each");
    assert_eq!(first.len(), texts.len());
    for (embedding, first) in embeddings.iter().zip(first) {
        assert_eq!(embedding.dimensions as u64, count(&case.expect["dimensions"]));
        for (at, expected) in floats(first).into_iter().enumerate() {
            assert_close(f64::from(embedding.values[at]), expected, case.tolerance, &format!("value {at}"));
        }
    }
}

pub fn perplexity(runner: &Runner, case: &Case<'_>) {
    let mut evaluate = Evaluate::on(bytes(&case.input["text"]));
    if let Some(tokens) = case.input["context_length"].as_u64() {
        evaluate = evaluate.context_length(tokens as u32);
    }
    if let Some(chunks) = case.input["chunks"].as_u64() {
        evaluate = evaluate.chunks(chunks as u32);
    }
    let found = evaluate.run(runner.model(case.input), |_| ()).unwrap();
    let expected = case.expect["perplexity"].as_f64().expect("a perplexity");
    assert_close(found.ppl(), expected, case.tolerance * expected, "perplexity");
    assert_eq!(found.tokens(), count(&case.expect["tokens"]));
}

/// The language's own: a panic, and an error of a type that is this program's.
pub fn callback_fails(runner: &Runner, case: &Case<'_>) {
    assert_eq!(case.expect["propagates"], true);
    let mut session = runner.model(case.input).session().unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        session.generate(&ask(case), |_| -> () { std::panic::resume_unwind(Box::new("mine")) })
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"mine"));
    session.truncate(0).unwrap();
    let failed = session.generate(&ask(case), |_| Err::<(), _>(std::fmt::Error)).unwrap_err();
    assert!(failed.into_callback_error().unwrap().is::<std::fmt::Error>());
}
