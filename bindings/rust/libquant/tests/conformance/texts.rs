//! Versions, tokens and templates.

use libquant::{Chat, TextFlags, render_template};
use serde_json::Value;

use crate::runner::{Case, Runner};
use crate::values::{bytes, flag, ids, text};

pub fn version(case: &Case<'_>) {
    assert!(libquant::version().starts_with(text(&case.expect["prefix"])), "{}", libquant::version());
}

/// The flags that an input sets.
pub fn flags(input: &Value) -> TextFlags {
    let named = [
        ("add_special", TextFlags::ADD_SPECIAL),
        ("parse_special", TextFlags::PARSE_SPECIAL),
        ("skip_special", TextFlags::SKIP_SPECIAL),
    ];
    let set = named.iter().filter(|(name, _)| flag(&input[name]));
    set.fold(TextFlags::NONE, |all, &(_, flag)| all | flag)
}

pub fn tokenize(runner: &Runner, case: &Case<'_>) {
    let tokenizer = runner.model(case.input).tokenizer().unwrap();
    let text = bytes(&case.input["text"]);
    let found = tokenizer.tokenize(&text, flags(case.input)).unwrap();
    assert_eq!(found, ids(&case.expect["ids"]));
    assert_eq!(tokenizer.count(&text, flags(case.input)).unwrap(), found.len());
}

pub fn detokenize(runner: &Runner, case: &Case<'_>) {
    let tokenizer = runner.model(case.input).tokenizer().unwrap();
    let found = tokenizer.detokenize_bytes(&ids(&case.input["ids"]), flags(case.input)).unwrap();
    assert_eq!(found, bytes(&case.expect["text"]));
}

pub fn render(case: &Case<'_>) {
    let messages = match &case.input["messages"] {
        Value::String(json) => json.clone(),
        messages => messages.to_string(),
    };
    let chat = Chat::from_json(messages).add_generation_prompt(flag(&case.input["add_generation_prompt"]));
    let found = render_template(text(&case.input["template"]), "template", &chat).unwrap();
    assert_eq!(found, text(&case.expect["text"]));
}
