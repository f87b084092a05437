//! How fast a model runs here.

use std::fmt;

use libquant_sys as sys;

use crate::callback::with_progress;
use crate::raw::{held, options, sized};
use crate::{Answer, Encoding, Model, Progress, Result};

/// What to time. Fewer tokens than asked for are timed where the model's context is shorter.
#[derive(Clone, Debug, Default)]
pub struct Bench {
    prompt_tokens: Option<u32>,
    decode_tokens: Option<u32>,
    rounds: Option<u32>,
    sequences: Option<u32>,
    types: Option<(Encoding, Encoding)>,
}

impl Bench {
    /// 256 tokens of prompt and 32 generated ones, three times.
    pub fn new() -> Bench {
        Bench::default()
    }

    /// Tokens of the prompt.
    pub fn prompt_tokens(self, tokens: u32) -> Bench {
        Bench { prompt_tokens: Some(tokens), ..self }
    }

    /// Tokens to generate.
    pub fn decode_tokens(self, tokens: u32) -> Bench {
        Bench { decode_tokens: Some(tokens), ..self }
    }

    /// How often; medians are given.
    pub fn rounds(self, rounds: u32) -> Bench {
        Bench { rounds: Some(rounds), ..self }
    }

    /// Sequences that generate at once, all behind the prompt.
    pub fn sequences(self, sequences: u32) -> Bench {
        Bench { sequences: Some(sequences), ..self }
    }

    /// What keys and values are kept as; F16 unless set.
    pub fn key_value_types(self, keys: Encoding, values: Encoding) -> Bench {
        Bench { types: Some((keys, values)), ..self }
    }

    /// Time a model. Progress is in rounds.
    pub fn run<A: Answer>(
        &self,
        model: &Model,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<BenchResult> {
        let mut options: sys::quant_bench_options = options!(quant_bench_options_init);
        options.prompt_tokens = self.prompt_tokens.unwrap_or(options.prompt_tokens);
        options.decode_tokens = self.decode_tokens.unwrap_or(options.decode_tokens);
        options.rounds = self.rounds.unwrap_or(options.rounds);
        options.sequences = self.sequences.unwrap_or(options.sequences);
        if let Some((keys, values)) = self.types {
            (options.key_type, options.value_type) = (keys.0, values.0);
        }
        let mut found = sized!(quant_bench_result);
        with_progress(progress, |watch, user| {
            (options.progress, options.user) = (watch, user);
            // SAFETY: the model is open, options live through the call, and the result has its size.
            unsafe { sys::quant_bench(model.raw(), &options, &mut found) }
        })?;
        Ok(BenchResult(found))
    }
}

/// Speeds here and now.
#[derive(Clone)]
pub struct BenchResult(sys::quant_bench_result);

impl BenchResult {
    /// Workers.
    pub fn threads(&self) -> u32 {
        self.0.threads
    }

    /// Instruction tier, "avx512".
    pub fn tier(&self) -> String {
        held(&self.0.tier)
    }

    /// Prompt tokens a second: the median of the rounds.
    pub fn prefill_per_second(&self) -> f64 {
        self.0.prefill_per_second
    }

    /// The slowest and the fastest round.
    pub fn prefill_range(&self) -> (f64, f64) {
        (self.0.prefill_low, self.0.prefill_high)
    }

    /// Generated tokens a second, of all sequences: the median of the rounds.
    pub fn decode_per_second(&self) -> f64 {
        self.0.decode_per_second
    }

    /// The slowest and the fastest round.
    pub fn decode_range(&self) -> (f64, f64) {
        (self.0.decode_low, self.0.decode_high)
    }

    /// Bytes of weights that generating a token reads.
    pub fn decode_bytes_per_token(&self) -> f64 {
        self.0.decode_bytes_per_token
    }

    /// Products of activations with weights that a token of the prompt takes.
    pub fn products_per_token(&self) -> f64 {
        self.0.products_per_token
    }

    /// Tokens of the prompt that were timed.
    pub fn prompt_tokens(&self) -> u32 {
        self.0.prompt_tokens
    }

    /// Tokens that each sequence generated.
    pub fn decode_tokens(&self) -> u32 {
        self.0.decode_tokens
    }

    pub(crate) fn raw(&self) -> &sys::quant_bench_result {
        &self.0
    }
}

impl fmt::Debug for BenchResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BenchResult")
            .field("tier", &self.tier())
            .field("threads", &self.threads())
            .field("prefill_per_second", &self.prefill_per_second())
            .field("decode_per_second", &self.decode_per_second())
            .finish()
    }
}
