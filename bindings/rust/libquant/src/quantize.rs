//! Quantizing a model: a plan (which tensor becomes what), then its execution.

use std::ffi::CString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use libquant_sys as sys;

use crate::callback::with_progress;
use crate::error::check;
use crate::raw::{borrowed, c_path, c_text, optional_c_text, options, pointer, sized};
use crate::{Answer, Encoding, Method, Progress, Result};

/// How to quantize a model.
///
/// ```
/// # let folder = libquant::doc_model();
/// use libquant::{Method, Quantize};
///
/// let mut plan = Quantize::to("Q8_0").method(Method::Round).plan(folder)?;
/// let output = std::env::temp_dir().join(format!("doc-{}.gguf", std::process::id()));
/// plan.run_with(&output, |p| println!("{} of {} weights", p.done, p.total))?;
/// assert_eq!(std::fs::metadata(&output).unwrap().len(), plan.summary()?.output_bytes);
/// # std::fs::remove_file(&output).unwrap();
/// # Ok::<(), libquant::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Quantize {
    type_name: Option<String>,
    plan_json: Option<String>,
    method: Method,
    overrides: Vec<(String, String)>,
    importance: Option<PathBuf>,
    moments: Option<PathBuf>,
    calibration: Option<Vec<u8>>,
    calibration_tokens: u64,
}

impl Quantize {
    /// To a type mix, such as "Q4_K_M": [`TypeMix::all`] lists them.
    pub fn to(type_name: impl Into<String>) -> Quantize {
        Quantize { type_name: Some(type_name.into()), ..Quantize::default() }
    }

    /// By a plan document, which [`Target::search`](crate::Target::search) makes.
    pub fn by_plan(json: impl Into<String>) -> Quantize {
        Quantize { plan_json: Some(json.into()), ..Quantize::default() }
    }

    /// By that method.
    pub fn method(self, method: Method) -> Quantize {
        Quantize { method, ..self }
    }

    /// Give the tensors whose GGUF name a pattern (PCRE2) matches another encoding; the first that matches wins.
    pub fn with_override(mut self, pattern: impl Into<String>, encoding: impl Into<String>) -> Quantize {
        self.overrides.push((pattern.into(), encoding.into()));
        self
    }

    /// With a file of importances, of either kind.
    pub fn importance(self, path: impl Into<PathBuf>) -> Quantize {
        Quantize { importance: Some(path.into()), ..self }
    }

    /// With a file of second moments.
    pub fn moments(self, path: impl Into<PathBuf>) -> Quantize {
        Quantize { moments: Some(path.into()), ..self }
    }

    /// With a text that statistics are gathered on, at most so many tokens of it (0: all).
    pub fn calibration(self, text: impl Into<Vec<u8>>, tokens: u64) -> Quantize {
        Quantize { calibration: Some(text.into()), calibration_tokens: tokens, ..self }
    }

    /// Read the headers of a model (a GGUF file or a Hugging Face folder), and decide. Writes nothing.
    pub fn plan(&self, model: impl AsRef<Path>) -> Result<Plan> {
        let path = c_path(model.as_ref())?;
        let type_name = optional_c_text(self.type_name.as_deref(), "type")?;
        let plan_json = optional_c_text(self.plan_json.as_deref(), "plan_json")?;
        let importance = self.importance.as_deref().map(c_path).transpose()?;
        let moments = self.moments.as_deref().map(c_path).transpose()?;
        let texts = self.override_texts()?;
        let overrides: Vec<_> = texts
            .iter()
            .map(|(pattern, encoding)| sys::quant_override {
                pattern: pattern.as_ptr(),
                encoding: encoding.as_ptr(),
            })
            .collect();
        let mut options: sys::quant_quantize_options = options!(quant_quantize_options_init);
        options.type_ = pointer(&type_name);
        options.plan_json = pointer(&plan_json);
        options.method = self.method.raw();
        (options.overrides, options.override_count) = (overrides.as_ptr(), overrides.len());
        options.importance_path = pointer(&importance);
        options.moments_path = pointer(&moments);
        if let Some(text) = &self.calibration {
            (options.calibration_text, options.calibration_bytes) = (text.as_ptr().cast(), text.len());
        }
        options.calibration_tokens = self.calibration_tokens;
        let mut raw = ptr::null_mut();
        // SAFETY: strings, arrays and options live through the call.
        check(unsafe { sys::quant_plan_new(&mut raw, path.as_ptr(), &options) })?;
        Ok(Plan(NonNull::new(raw).expect("a handle after success")))
    }

    fn override_texts(&self) -> Result<Vec<(CString, CString)>> {
        let both = |(pattern, encoding): &(String, String)| {
            Ok((c_text(pattern, "override pattern")?, c_text(encoding, "override encoding")?))
        };
        self.overrides.iter().map(both).collect()
    }
}

/// What becomes of every tensor of one model. It moves between threads, but is used by one at a time.
pub struct Plan(NonNull<sys::quant_plan>);

// SAFETY: any thread may use it, one at a time; there is no Sync.
unsafe impl Send for Plan {}

impl Plan {
    pub(crate) fn raw(&self) -> *const sys::quant_plan {
        self.0.as_ptr()
    }

    /// Sums over the plan.
    pub fn summary(&self) -> Result<PlanSummary<'_>> {
        let mut summary = sized!(quant_plan_summary);
        // SAFETY: the plan is open, and summary has its size.
        check(unsafe { sys::quant_plan_get_summary(self.raw(), &mut summary) })?;
        Ok(PlanSummary {
            // SAFETY: the plan's string, which stays while self is borrowed.
            type_name: unsafe { borrowed(summary.type_) },
            tensors: summary.tensors,
            parameters: summary.parameters,
            source_bytes: summary.source_bytes,
            output_bytes: summary.output_bytes,
            bits_per_weight: summary.bits_per_weight,
            fallbacks: summary.fallbacks,
            requantizes: summary.requantizes != 0,
            predicted_kld: (summary.predicted_kld >= 0.0).then_some(summary.predicted_kld),
        })
    }

    /// What becomes of each tensor, in the order of the file to be.
    pub fn tensors(&self) -> Result<Vec<PlanTensor<'_>>> {
        (0..self.summary()?.tensors).map(|index| self.tensor(index)).collect()
    }

    fn tensor(&self, index: usize) -> Result<PlanTensor<'_>> {
        let mut tensor = sized!(quant_plan_tensor);
        // SAFETY: the plan is open, and tensor has its size.
        check(unsafe { sys::quant_plan_get_tensor(self.raw(), index, &mut tensor) })?;
        // SAFETY: the plan's strings, which stay while self is borrowed.
        let text = |text| unsafe { borrowed(text) };
        let dims = (tensor.dims as usize).min(tensor.shape.len());
        Ok(PlanTensor {
            name: text(tensor.name),
            source_name: text(tensor.source_name),
            source_type: text(tensor.source_type),
            shape: tensor.shape[..dims].to_vec(),
            encoding: Encoding(tensor.encoding),
            fallback: tensor.fallback != 0,
            method: Method::from_raw(tensor.method),
            bytes: tensor.bytes,
            rmse: (tensor.rmse >= 0.0).then_some(tensor.rmse),
            relative: (tensor.relative >= 0.0).then_some(tensor.relative),
        })
    }

    /// Carry it out: write a GGUF file, which appears complete or not at all. Fills in each tensor's error.
    pub fn run(&mut self, output: impl AsRef<Path>) -> Result<()> {
        let output = c_path(output.as_ref())?;
        // SAFETY: the plan is open and this thread's alone.
        check(unsafe { sys::quant_plan_run(self.0.as_ptr(), output.as_ptr(), None, ptr::null_mut()) })
    }

    /// The same, with progress in weights, which may cancel it.
    pub fn run_with<A: Answer>(
        &mut self,
        output: impl AsRef<Path>,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<()> {
        let output = c_path(output.as_ref())?;
        with_progress(progress, |watch, user| {
            // SAFETY: the plan is open and this thread's alone, since it is borrowed as mutable.
            unsafe { sys::quant_plan_run(self.0.as_ptr(), output.as_ptr(), watch, user) }
        })
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: it is this one's own, and released once.
        unsafe { sys::quant_plan_free(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plan").field(&self.summary().ok()).finish()
    }
}

/// Sums over a plan.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PlanSummary<'p> {
    /// The mix, as the library spells it.
    pub type_name: &'p str,
    /// How many there are.
    pub tensors: usize,
    /// Elements of all of them.
    pub parameters: u64,
    /// Of the source's files.
    pub source_bytes: u64,
    /// Of the file to be, exactly.
    pub output_bytes: u64,
    /// 8 * tensor bytes / parameters.
    pub bits_per_weight: f64,
    /// Tensors that did not get what the mix wants.
    pub fallbacks: u32,
    /// Whether the source itself is quantized, so that losses add up.
    pub requantizes: bool,
    /// Mean KL divergence, nats a token, where a plan document says it.
    pub predicted_kld: Option<f64>,
}

/// A tensor of a plan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlanTensor<'p> {
    /// In the GGUF file to be.
    pub name: &'p str,
    /// In the source.
    pub source_name: &'p str,
    /// Its type there.
    pub source_type: &'p str,
    /// Row-major.
    pub shape: Vec<u64>,
    /// What it becomes.
    pub encoding: Encoding,
    /// Whether the row length forced another encoding than the mix wants.
    pub fallback: bool,
    /// How; once the plan was run, what Best chose.
    pub method: Method,
    /// Encoded.
    pub bytes: u64,
    /// Root mean squared error, once the plan was run.
    pub rmse: Option<f64>,
    /// The same divided by the root mean square of the weights.
    pub relative: Option<f64>,
}

/// A type mix: a name that users know, and the rule that gives each tensor its encoding.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TypeMix {
    /// "Q4_K_M".
    pub name: &'static str,
    /// One line for a person.
    pub summary: &'static str,
    /// Of most tensors.
    pub encoding: Encoding,
    /// Of that encoding; a mix comes out a little higher.
    pub bits_per_weight: f64,
}

impl TypeMix {
    /// All type mixes, smallest first.
    pub fn all() -> impl Iterator<Item = TypeMix> {
        // SAFETY: it has no parameters.
        let count = unsafe { sys::quant_type_count() };
        (0..count).filter_map(|index| {
            let mut info = sized!(quant_type_info);
            // SAFETY: info has its size.
            check(unsafe { sys::quant_type_get(index, &mut info) }).ok()?;
            // SAFETY: its strings are static.
            let (name, summary) = unsafe { (borrowed(info.name), borrowed(info.summary)) };
            Some(TypeMix {
                name,
                summary,
                encoding: Encoding(info.encoding),
                bits_per_weight: info.bits_per_weight,
            })
        })
    }
}
