//! Models, ready to run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use libquant_sys as sys;

use crate::error::{Result, check};
use crate::raw::{borrowed, sized};
use crate::{Catalog, Error, OpenOptions, Session, SharedOptions, Status, Tokenizer};

/// An open model. Immutable; threads share it freely, and a clone is the same model, not another copy in memory.
/// Weights stay in their mapped file.
#[derive(Clone)]
pub struct Model(Arc<Handle>);

struct Handle(NonNull<sys::quant_model>);

// SAFETY: the header lets any thread use and release it, also several at a time.
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: this is the only hold on it, and released once.
        unsafe { sys::quant_model_free(self.0.as_ptr()) }
    }
}

impl Model {
    /// Open a GGUF file or a Hugging Face folder. [`OpenOptions`] has more.
    pub fn open(path: impl AsRef<Path>) -> Result<Model> {
        OpenOptions::new().open(path)
    }

    /// Open what a user means by `name`: a path that exists; else "model:variant" or "model" in the user's catalog;
    /// else a model shipped with the library.
    ///
    /// ```
    /// # libquant::doc_model();
    /// let model = libquant::Model::find("kjv-5m")?;
    /// assert_eq!(model.info()?.architecture, "llama");
    /// # Ok::<(), libquant::Error>(())
    /// ```
    pub fn find(name: &str) -> Result<Model> {
        Model::open(find_path(name)?)
    }

    /// Borrow a model from the daemon. [`SharedOptions`] has more.
    pub fn open_shared(name: &str) -> Result<Model> {
        SharedOptions::new().open(name)
    }

    /// # Safety
    /// `raw` is a handle that nobody else releases.
    pub(crate) unsafe fn own(raw: *mut sys::quant_model) -> Model {
        Model(Arc::new(Handle(NonNull::new(raw).expect("a handle after success"))))
    }

    pub(crate) fn raw(&self) -> *const sys::quant_model {
        self.0.0.as_ptr()
    }

    /// The C handle, for calls of `libquant-sys` that this crate leaves out; good for as long as a clone of self.
    pub fn as_ptr(&self) -> *const libquant_sys::quant_model {
        self.raw()
    }

    /// What it is.
    pub fn info(&self) -> Result<ModelInfo> {
        let mut info = sized!(quant_model_info);
        // SAFETY: the model is open, and info has its size.
        check(unsafe { sys::quant_model_get_info(self.raw(), &mut info) })?;
        Ok(ModelInfo::of(&info))
    }

    /// Its tokenizer. Fails only for models of a daemon that turn out to be none.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        // SAFETY: the model is open.
        let raw = unsafe { sys::quant_model_tokenizer(self.raw()) };
        match NonNull::new(raw.cast_mut()) {
            // SAFETY: it is of this model.
            Some(raw) => Ok(unsafe { Tokenizer::of_model(raw, self.clone()) }),
            None => {
                // SAFETY: a string, borrowed until this thread's next call that fails.
                let message = unsafe { borrowed(sys::quant_error_message()) };
                Err(Error::new(Status::Tokenizer, message))
            }
        }
    }

    /// Begin an empty sequence. [`SessionOptions`](crate::SessionOptions) has more.
    pub fn session(&self) -> Result<Session> {
        Session::new(self, &Default::default())
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info() {
            Ok(info) => {
                f.debug_struct("Model").field("name", &info.name).field("type", &info.type_name).finish()
            }
            Err(_) => f.write_str("Model"),
        }
    }
}

/// The path of what a user means by `name`.
fn find_path(name: &str) -> Result<PathBuf> {
    Ok(Catalog::open()?.resolve(name)?.path)
}

/// What a model is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ModelInfo {
    /// The name in its file, or the file's.
    pub name: String,
    /// "llama" ...
    pub architecture: String,
    /// The type mix or encoding of most weights: "Q4_K_M", "BF16".
    pub type_name: String,
    /// Elements of all tensors.
    pub parameters: u64,
    /// Of all its files.
    pub file_bytes: u64,
    /// 8 * tensor bytes / parameters.
    pub bits_per_weight: f64,
    /// Tokens that it was trained for.
    pub context_length: u32,
    /// Ids of its tokenizer.
    pub vocabulary_size: u32,
    /// Values of a token's state.
    pub embedding_length: u32,
    /// Layers.
    pub layers: u32,
    /// Heads of attention.
    pub heads: u32,
    /// Heads of keys and values.
    pub kv_heads: u32,
    /// Whether [`Model::render_chat`] will do.
    pub has_chat_template: bool,
    /// That a session keeps of each token of its context.
    pub kv_bytes_per_token: u64,
    /// Whether it generates text; an encoder makes embeddings only.
    pub generates: bool,
    /// What [`Pooling::Default`] means for it; never that itself.
    pub pooling: Pooling,
    /// Tokens of a text that its embeddings were trained with at most.
    pub embedding_context_length: u32,
}

impl ModelInfo {
    fn of(info: &sys::quant_model_info) -> ModelInfo {
        // SAFETY: strings of the model, which is open.
        let text = |text| unsafe { borrowed(text) }.to_owned();
        ModelInfo {
            name: text(info.name),
            architecture: text(info.architecture),
            type_name: text(info.type_name),
            parameters: info.parameters,
            file_bytes: info.file_bytes,
            bits_per_weight: info.bits_per_weight,
            context_length: info.context_length,
            vocabulary_size: info.vocabulary_size,
            embedding_length: info.embedding_length,
            layers: info.layers,
            heads: info.heads,
            kv_heads: info.kv_heads,
            has_chat_template: info.has_chat_template != 0,
            kv_bytes_per_token: info.kv_bytes_per_token,
            generates: info.generates != 0,
            pooling: Pooling::from_raw(info.pooling),
            embedding_context_length: info.embedding_context_length,
        }
    }
}

/// What activations are rounded to before a product with quantized weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activations {
    /// Not at all.
    F32,
    /// To 8 bits with a scale for each block, as CPU runtimes of GGUF files do.
    #[default]
    Int8,
}

impl Activations {
    pub(crate) fn raw(self) -> sys::quant_activations {
        match self {
            Activations::F32 => sys::QUANT_ACTIVATIONS_F32,
            Activations::Int8 => sys::QUANT_ACTIVATIONS_INT8,
        }
    }
}

/// How the states of a text's tokens become its embedding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pooling {
    /// As the model was trained.
    #[default]
    Default,
    /// Not at all: one embedding for each token.
    None,
    /// Their mean, special tokens included.
    Mean,
    /// The last token's.
    Last,
    /// The first token's, which encoders put in front.
    Cls,
}

impl Pooling {
    pub(crate) fn raw(self) -> sys::quant_pooling {
        match self {
            Pooling::Default => sys::QUANT_POOLING_DEFAULT,
            Pooling::None => sys::QUANT_POOLING_NONE,
            Pooling::Mean => sys::QUANT_POOLING_MEAN,
            Pooling::Last => sys::QUANT_POOLING_LAST,
            Pooling::Cls => sys::QUANT_POOLING_CLS,
        }
    }

    fn from_raw(raw: sys::quant_pooling) -> Pooling {
        match raw {
            sys::QUANT_POOLING_NONE => Pooling::None,
            sys::QUANT_POOLING_MEAN => Pooling::Mean,
            sys::QUANT_POOLING_LAST => Pooling::Last,
            sys::QUANT_POOLING_CLS => Pooling::Cls,
            _ => Pooling::Default,
        }
    }
}
