//! How the next token is chosen.

use libquant_sys as sys;

use crate::raw::options;

/// How the next token is chosen. Fields have the library's defaults until they are set:
///
/// ```
/// use libquant::Sampling;
///
/// let sampling = Sampling { temperature: 0.7, seed: 42, ..Sampling::default() };
/// assert_eq!(sampling.top_k, 40);
/// ```
///
/// The steps: biases are added; the repeat penalty, then those of presence and frequency; top_k, typical_p, top_p,
/// min_p, each on what the one before has kept; temperature; a draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// 0 to 100; 0: greedy, which takes the likeliest token after biases and penalties.
    pub temperature: f32,
    /// Keep the k likeliest; 0: all.
    pub top_k: u32,
    /// Keep the likeliest whose sum reaches p, over 0 to 1; 1: all.
    pub top_p: f32,
    /// Drop what is less likely than this times the likeliest.
    pub min_p: f32,
    /// Divides positive and multiplies negative logits of recent tokens; 1: off.
    pub repeat_penalty: f32,
    /// How many recent tokens count as such; 0: none, `u32::MAX`: the whole context.
    pub repeat_last_n: u32,
    /// The same seed gives the same text; 0: a random one.
    pub seed: u64,
    /// Keep those whose surprise is nearest to the expected, until their sum reaches p; 1: all.
    pub typical_p: f32,
    /// -2 to 2, subtracted from the logits of recent tokens.
    pub presence_penalty: f32,
    /// -2 to 2, subtracted as often as the token occurs.
    pub frequency_penalty: f32,
    /// Whether the prompt's tokens are recent ones, too.
    pub penalize_prompt: bool,
    /// 1 or 2: keep surprise near `mirostat_tau` by that version of Mirostat; 0: off.
    pub mirostat: u32,
    /// Bits of surprise a token, over 0 to 100.
    pub mirostat_tau: f32,
    /// How fast it corrects itself, 0 to 1.
    pub mirostat_eta: f32,
    /// What is added to tokens' logits, -100 to 100; -100 forbids the token.
    pub logit_bias: Vec<(i32, f32)>,
}

impl Default for Sampling {
    fn default() -> Sampling {
        let s: sys::quant_sampling = options!(quant_sampling_init);
        Sampling {
            temperature: s.temperature,
            top_k: s.top_k,
            top_p: s.top_p,
            min_p: s.min_p,
            repeat_penalty: s.repeat_penalty,
            repeat_last_n: s.repeat_last_n,
            seed: s.seed,
            typical_p: s.typical_p,
            presence_penalty: s.presence_penalty,
            frequency_penalty: s.frequency_penalty,
            penalize_prompt: s.penalize_prompt != 0,
            mirostat: s.mirostat,
            mirostat_tau: s.mirostat_tau,
            mirostat_eta: s.mirostat_eta,
            logit_bias: Vec::new(),
        }
    }
}

impl Sampling {
    /// The likeliest token, always.
    pub fn greedy() -> Sampling {
        Sampling { temperature: 0.0, ..Sampling::default() }
    }

    /// The biases as C has them.
    pub(crate) fn biases(&self) -> Vec<sys::quant_logit_bias> {
        self.logit_bias.iter().map(|&(token, bias)| sys::quant_logit_bias { token, bias }).collect()
    }

    /// For a call during which `biases`, from [`Sampling::biases`], live.
    pub(crate) fn raw(&self, biases: &[sys::quant_logit_bias]) -> sys::quant_sampling {
        let mut s: sys::quant_sampling = options!(quant_sampling_init);
        s.temperature = self.temperature;
        s.top_k = self.top_k;
        s.top_p = self.top_p;
        s.min_p = self.min_p;
        s.repeat_penalty = self.repeat_penalty;
        s.repeat_last_n = self.repeat_last_n;
        s.seed = self.seed;
        s.typical_p = self.typical_p;
        s.presence_penalty = self.presence_penalty;
        s.frequency_penalty = self.frequency_penalty;
        s.penalize_prompt = self.penalize_prompt.into();
        s.mirostat = self.mirostat;
        s.mirostat_tau = self.mirostat_tau;
        s.mirostat_eta = self.mirostat_eta;
        if !biases.is_empty() {
            (s.logit_bias, s.logit_bias_count) = (biases.as_ptr(), biases.len());
        }
        s
    }
}
