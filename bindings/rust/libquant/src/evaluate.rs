//! Measuring what quantization cost.

use std::fmt;
use std::path::PathBuf;
use std::ptr;

use libquant_sys as sys;

use crate::callback::with_progress;
use crate::raw::{c_path, held, options, pointer, sized};
use crate::{Activations, Answer, Encoding, Model, Progress, Result};

/// What to measure on.
///
/// ```
/// # let folder = libquant::doc_model();
/// # let text = std::fs::read(folder.join("heldout.txt")).unwrap();
/// use libquant::{Evaluate, Model};
///
/// let model = Model::open(&folder)?;
/// let found = Evaluate::on(text).chunks(1).run(&model, |p| println!("{}", p.detail))?;
/// assert!(found.ppl() > 1.0 && found.kld_mean().is_none());
/// # Ok::<(), libquant::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Evaluate {
    text: Option<Vec<u8>>,
    context_length: u32,
    chunks: u32,
    activations: Activations,
    base: Option<Model>,
    base_logits: Option<PathBuf>,
    save_logits: Option<PathBuf>,
    types: Option<(Encoding, Encoding)>,
}

impl Evaluate {
    /// On a text.
    pub fn on(text: impl Into<Vec<u8>>) -> Evaluate {
        Evaluate { text: Some(text.into()), ..Evaluate::default() }
    }

    /// On the tokens of a file of log-probabilities, as llama-perplexity writes it, which stands for the base.
    pub fn on_base_logits(path: impl Into<PathBuf>) -> Evaluate {
        Evaluate { base_logits: Some(path.into()), ..Evaluate::default() }
    }

    /// Measure the divergence from this model, too.
    pub fn base(self, base: &Model) -> Evaluate {
        Evaluate { base: Some(base.clone()), ..self }
    }

    /// Tokens a chunk; 512 unless set, or what the model has where that is less.
    pub fn context_length(self, context_length: u32) -> Evaluate {
        Evaluate { context_length, ..self }
    }

    /// At most so many chunks; unless set, or 0, all whole chunks of the text.
    pub fn chunks(self, chunks: u32) -> Evaluate {
        Evaluate { chunks, ..self }
    }

    /// What activations of all models are rounded to.
    pub fn activations(self, activations: Activations) -> Evaluate {
        Evaluate { activations, ..self }
    }

    /// Write the model's log-probabilities to a file.
    pub fn save_logits(self, path: impl Into<PathBuf>) -> Evaluate {
        Evaluate { save_logits: Some(path.into()), ..self }
    }

    /// What the model's keys and values are kept as; F32 unless set.
    pub fn key_value_types(self, keys: Encoding, values: Encoding) -> Evaluate {
        Evaluate { types: Some((keys, values)), ..self }
    }

    /// Measure a model. Progress is in chunks; its detail shows running values.
    pub fn run<A: Answer>(
        &self,
        model: &Model,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<Evaluated> {
        let mut found = sized!(quant_eval_result);
        self.call(progress, |options| {
            // SAFETY: models are open; options live through the call; the result has its size.
            unsafe { sys::quant_evaluate(model.raw(), self.base_raw(), options, &mut found) }
        })?;
        Ok(Evaluated(found))
    }

    /// Measure two models on the same tokens, token by token.
    pub fn compare<A: Answer>(
        &self,
        model: &Model,
        against: &Model,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<Comparison> {
        let (mut of_model, mut of_against) = (sized!(quant_eval_result), sized!(quant_eval_result));
        let mut both = sized!(quant_comparison);
        self.call(progress, |options| {
            let (model, against, base) = (model.raw(), against.raw(), self.base_raw());
            // SAFETY: as above.
            unsafe {
                sys::quant_compare(model, against, base, options, &mut of_model, &mut of_against, &mut both)
            }
        })?;
        Ok(Comparison::of(&both, Evaluated(of_model), Evaluated(of_against)))
    }

    fn base_raw(&self) -> *const sys::quant_model {
        self.base.as_ref().map_or(ptr::null(), Model::raw)
    }

    fn call<A: Answer>(
        &self,
        progress: impl FnMut(&Progress<'_>) -> A,
        mut call: impl FnMut(&sys::quant_eval_options) -> sys::quant_status,
    ) -> Result<()> {
        let base_logits = self.base_logits.as_deref().map(c_path).transpose()?;
        let save_logits = self.save_logits.as_deref().map(c_path).transpose()?;
        let mut options: sys::quant_eval_options = options!(quant_eval_options_init);
        if let Some(text) = &self.text {
            (options.text, options.text_bytes) = (text.as_ptr().cast(), text.len());
        }
        options.context_length = self.context_length;
        options.chunks = self.chunks;
        options.activations = self.activations.raw();
        options.base_logits = pointer(&base_logits);
        options.save_logits = pointer(&save_logits);
        if let Some((keys, values)) = self.types {
            (options.key_type, options.value_type) = (keys.0, values.0);
        }
        with_progress(progress, |watch, user| {
            (options.progress, options.user) = (watch, user);
            call(&options)
        })
    }
}

/// A measurement. Probabilities are fractions, divergences are in nats a token; what is measured against a base is
/// None where there was none.
#[derive(Clone)]
pub struct Evaluated(sys::quant_eval_result);

/// Values that are always there, and those that need a base or enough tokens.
macro_rules! values {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)* ; $($(#[$measured_doc:meta])* $measured:ident,)*) => {
        impl Evaluated {
            $($(#[$doc])* pub fn $name(&self) -> $type { self.0.$name })*
            $($(#[$measured_doc])* pub fn $measured(&self) -> Option<f64> {
                (!self.0.$measured.is_nan()).then_some(self.0.$measured)
            })*
        }

        impl fmt::Debug for Evaluated {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Evaluated")
                    $(.field(stringify!($name), &self.$name()))*
                    $(.field(stringify!($measured), &self.$measured()))*
                    .finish()
            }
        }
    };
}

values! {
    /// Tokens a chunk.
    context_length: u32,
    /// Chunks that were run.
    chunks: u32,
    /// Scored tokens.
    tokens: u64,
    /// Perplexity of the model.
    ppl: f64,
    /// Its standard error.
    ppl_se: f64,
    /// That it took.
    seconds: f64,
    ;
    /// Perplexity of the base.
    base_ppl,
    /// Its standard error.
    base_ppl_se,
    /// ln(ppl / base_ppl).
    ln_ratio,
    /// Its standard error, paired.
    ln_ratio_se,
    /// KL divergence of the model from the base.
    kld_mean,
    /// Its standard error.
    kld_se,
    /// Its median.
    kld_median,
    /// Standard error of the median.
    kld_median_se,
    /// Its 99th percentile.
    kld_p99,
    /// Standard error of that.
    kld_p99_se,
    /// Its 99.9th percentile.
    kld_p999,
    /// Standard error of that.
    kld_p999_se,
    /// Its largest value.
    kld_max,
    /// Share of tokens where both think the same token likeliest.
    top1,
    /// Its standard error.
    top1_se,
    /// Mean change of the right token's probability.
    dp_mean,
    /// Its standard error.
    dp_mean_se,
    /// Root mean square of that change.
    dp_rms,
    /// Its standard error.
    dp_rms_se,
}

impl Evaluated {
    /// SHA-256 of the text's bytes; "" where a file of base logits brought tokens alone.
    pub fn text_sha256(&self) -> String {
        held(&self.0.text_sha256)
    }

    pub(crate) fn raw(&self) -> &sys::quant_eval_result {
        &self.0
    }
}

/// Which of two models is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The difference is within two standard errors.
    Undecided,
    /// The first one.
    Model,
    /// The one that it was compared with.
    Against,
}

/// Two models measured on the same tokens. Differences are the first one's value less the other's, so that below 0
/// the first is the better one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// Of the first model.
    pub model: Evaluated,
    /// Of the other.
    pub against: Evaluated,
    /// By the difference of divergences, or by `ln_ratio` where there is no base.
    pub verdict: Verdict,
    /// ln(perplexity of the first / perplexity of the other).
    pub ln_ratio: f64,
    /// Its standard error over tokens.
    pub ln_ratio_se: f64,
    /// Its standard error over chunks; None for one chunk.
    pub ln_ratio_chunk_se: Option<f64>,
    /// Of the mean KL divergences from the base.
    pub kld_difference: Option<f64>,
    /// Its standard error over tokens.
    pub kld_difference_se: Option<f64>,
    /// Its standard error over chunks.
    pub kld_difference_chunk_se: Option<f64>,
    /// Mean divergence of the first over that of the other.
    pub kld_ratio: Option<f64>,
    /// Its standard error, to first order.
    pub kld_ratio_se: Option<f64>,
    /// Share of tokens where the first is closer to the base.
    pub closer: Option<f64>,
    /// Share where it is farther away.
    pub farther: Option<f64>,
}

impl Comparison {
    fn of(both: &sys::quant_comparison, model: Evaluated, against: Evaluated) -> Comparison {
        let measured = |value: f64| (!value.is_nan()).then_some(value);
        Comparison {
            model,
            against,
            verdict: match both.verdict {
                sys::QUANT_VERDICT_MODEL => Verdict::Model,
                sys::QUANT_VERDICT_AGAINST => Verdict::Against,
                _ => Verdict::Undecided,
            },
            ln_ratio: both.ln_ratio,
            ln_ratio_se: both.ln_ratio_se,
            ln_ratio_chunk_se: measured(both.ln_ratio_chunk_se),
            kld_difference: measured(both.kld_difference),
            kld_difference_se: measured(both.kld_difference_se),
            kld_difference_chunk_se: measured(both.kld_difference_chunk_se),
            kld_ratio: measured(both.kld_ratio),
            kld_ratio_se: measured(both.kld_ratio_se),
            closer: measured(both.closer),
            farther: measured(both.farther),
        }
    }
}
