//! Plans within a target, and the statistics that quantizing goes by.

use std::path::Path;

use libquant_sys as sys;

use crate::callback::with_progress;
use crate::raw::{Given, c_path, optional_c_text, options, pointer};
use crate::{Answer, Method, Progress, Result};

/// What a plan is to keep within.
#[derive(Clone, Copy, Debug)]
enum Limit {
    FileBytes(u64),
    BitsPerWeight(f64),
    MaxKld(f64),
}

/// A search for the encoding of every matrix that loses least within a target.
#[derive(Clone, Debug)]
pub struct Target {
    limit: Limit,
    method: Method,
    tokens: Option<u64>,
}

impl Target {
    /// The whole file has so many bytes at most.
    pub fn file_bytes(bytes: u64) -> Target {
        Target::within(Limit::FileBytes(bytes))
    }

    /// The tensors have so many bits a weight at most.
    pub fn bits_per_weight(bits: f64) -> Target {
        Target::within(Limit::BitsPerWeight(bits))
    }

    /// The predicted mean KL divergence is so many nats a token at most.
    pub fn max_kld(nats: f64) -> Target {
        Target::within(Limit::MaxKld(nats))
    }

    fn within(limit: Limit) -> Target {
        Target { limit, method: Method::Default, tokens: None }
    }

    /// By which method the plan will be carried out.
    pub fn method(self, method: Method) -> Target {
        Target { method, ..self }
    }

    /// At most so many tokens of the text; 4096 unless set.
    pub fn tokens(self, tokens: u64) -> Target {
        Target { tokens: Some(tokens), ..self }
    }

    /// Measure on a text how much each matrix of a model matters, and choose: a plan document for
    /// [`Quantize::by_plan`](crate::Quantize::by_plan).
    pub fn search<A: Answer>(
        &self,
        model: impl AsRef<Path>,
        text: impl AsRef<[u8]>,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<String> {
        let (path, text) = (c_path(model.as_ref())?, text.as_ref());
        let mut target: sys::quant_target = options!(quant_target_init);
        match self.limit {
            Limit::FileBytes(bytes) => target.file_bytes = bytes,
            Limit::BitsPerWeight(bits) => target.bits_per_weight = bits,
            Limit::MaxKld(nats) => target.max_kld = nats,
        }
        target.method = self.method.raw();
        (target.text, target.text_bytes) = (text.as_ptr().cast(), text.len());
        target.tokens = self.tokens.unwrap_or(target.tokens);
        let mut json = Given::none();
        with_progress(progress, |watch, user| {
            (target.progress, target.user) = (watch, user);
            // SAFETY: path, text and target live through the call.
            unsafe { sys::quant_plan_search(path.as_ptr(), &target, json.place()) }
        })?;
        Ok(json.into_text())
    }
}

/// The kinds of files that [`Importance::gather`] writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportanceFormat {
    /// GGUF, as today's llama-imatrix writes it.
    #[default]
    Gguf,
    /// The older binary format, ".dat".
    Legacy,
    /// Second moments, for [`Quantize::moments`](crate::Quantize::moments).
    Moments,
}

/// Gathers how large what goes into each matrix of a model is.
#[derive(Clone, Debug, Default)]
pub struct Importance {
    format: ImportanceFormat,
    text_name: Option<String>,
    context_length: u32,
    tokens: u64,
}

impl Importance {
    /// All of a text, in sequences of 512 tokens, as GGUF.
    pub fn new() -> Importance {
        Importance::default()
    }

    /// As a file of that kind.
    pub fn format(self, format: ImportanceFormat) -> Importance {
        Importance { format, ..self }
    }

    /// What the text is called, which the file keeps.
    pub fn text_name(self, name: impl Into<String>) -> Importance {
        Importance { text_name: Some(name.into()), ..self }
    }

    /// Tokens a sequence.
    pub fn context_length(self, context_length: u32) -> Importance {
        Importance { context_length, ..self }
    }

    /// At most so many tokens of the text; 0: all.
    pub fn tokens(self, tokens: u64) -> Importance {
        Importance { tokens, ..self }
    }

    /// Run a text through a model, and write the file, which appears complete or not at all.
    pub fn gather<A: Answer>(
        &self,
        model: impl AsRef<Path>,
        text: impl AsRef<[u8]>,
        output: impl AsRef<Path>,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<()> {
        let (path, output, text) = (c_path(model.as_ref())?, c_path(output.as_ref())?, text.as_ref());
        let name = optional_c_text(self.text_name.as_deref(), "text_name")?;
        let mut options: sys::quant_importance_options = options!(quant_importance_options_init);
        (options.text, options.text_bytes) = (text.as_ptr().cast(), text.len());
        options.text_name = pointer(&name);
        options.context_length = self.context_length;
        options.tokens = self.tokens;
        options.format = match self.format {
            ImportanceFormat::Gguf => sys::QUANT_IMPORTANCE_GGUF,
            ImportanceFormat::Legacy => sys::QUANT_IMPORTANCE_LEGACY,
            ImportanceFormat::Moments => sys::QUANT_IMPORTANCE_MOMENTS,
        };
        with_progress(progress, |watch, user| {
            (options.progress, options.user) = (watch, user);
            // SAFETY: strings, text and options live through the call.
            unsafe { sys::quant_importance_gather(path.as_ptr(), &options, output.as_ptr()) }
        })
    }
}
