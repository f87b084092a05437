//! Open a model and stream the text it continues a prompt with.
//!
//!     cargo run --example generate -- MODEL PROMPT
//!
//! MODEL is a GGUF file, a Hugging Face folder, or a name that `quantctl list` shows.

use std::io::Write;

use libquant::{Generate, Model, Sampling};

fn main() -> libquant::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, prompt] = &words[..] else {
        eprintln!("usage: generate MODEL PROMPT");
        std::process::exit(2);
    };
    let mut session = Model::find(name)?.session()?;
    // The same seed gives the same text.
    let sampling = Sampling { temperature: 0.7, seed: 42, ..Sampling::default() };
    let ask = Generate::new(prompt.as_str()).max_tokens(48).sampling(sampling);

    // A pipe that closes is an error of the callback, which ends the generation.
    let mut out = std::io::stdout();
    let made = session.generate(&ask, |piece| write!(out, "{piece}").and_then(|()| out.flush()))?;
    println!();
    eprintln!(
        "{} tokens read, {} generated in {:.2} s",
        made.prompt_tokens, made.generated_tokens, made.decode_seconds
    );
    Ok(())
}
