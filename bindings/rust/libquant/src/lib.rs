//! Quantize language models, run them, and know what was lost.
//!
//! ```
//! use libquant::{Generate, Model};
//!
//! # let folder = libquant::doc_model();
//! let model = Model::open(folder)?;
//! let mut session = model.session()?;
//! let ask = Generate::new("In the beginning").max_tokens(40);
//! session.generate(&ask, |piece| print!("{piece}"))?;
//! # Ok::<(), libquant::Error>(())
//! ```
//!
//! - [`Model`]: [opened](Model::open) from a file, [found](Model::find) by its name in the [`Catalog`], or
//!   [borrowed](Model::open_shared) from the daemon; shared by threads freely.
//! - [`Session`]: one sequence of tokens. [`Session::generate`] calls back with text, [`Session::stream`] is an
//!   iterator, [`Session::fork`] begins another sequence with the same tokens.
//! - [`Quantize`] makes a [`Plan`], which writes a file; [`Encode`] and [`Encoding::decode`] do buffers.
//! - [`Evaluate`] measures what was lost, [`Bench`] how fast it is; [`Embed`] makes vectors of texts.
//!
//! Callbacks answer with an [`Answer`]: nothing, a [`ControlFlow`](std::ops::ControlFlow), or a `Result`, whose error
//! cancels the call and comes back as the [source](std::error::Error::source) of its [`Error`]. A panic in one
//! cancels the call, too, and goes on behind it.
#![deny(missing_docs)]
#![warn(rust_2018_idioms, unsafe_op_in_unsafe_fn)]

mod bench;
mod buffer;
mod callback;
mod catalog;
mod chat;
mod embed;
mod encoding;
mod error;
mod evaluate;
mod generate;
mod logger;
mod model;
mod open;
mod quantize;
mod raw;
mod sampling;
mod session;
mod status;
mod stream;
mod target;
mod text;
mod threads;
mod variant;

pub use bench::{Bench, BenchResult};
pub use buffer::Encode;
pub use callback::{Answer, Progress};
pub use catalog::{Catalog, ModelText, Resolved};
pub use chat::{Chat, render_template};
pub use embed::{Embed, Embedding, Embeddings};
pub use encoding::{Encoding, EncodingInfo, Method};
pub use error::{BoxError, Error, Result};
pub use evaluate::{Comparison, Evaluate, Evaluated, Verdict};
pub use generate::{Generate, Generated, Stop};
pub use logger::{LogLevel, clear_logger, set_logger};
pub use model::{Activations, Model, ModelInfo, Pooling};
pub use open::{OpenOptions, SharedOptions};
pub use quantize::{Plan, PlanSummary, PlanTensor, Quantize, TypeMix};
pub use sampling::Sampling;
pub use session::{Session, SessionOptions};
pub use status::Status;
pub use stream::Stream;
pub use target::{Importance, ImportanceFormat, Target};
pub use text::{TextFlags, Tokenizer};
pub use variant::Variant;

/// The library's version, "MAJOR.MINOR.PATCH": of the one that runs, which may be later than the one built with.
///
/// ```
/// assert!(libquant::version().starts_with("0."));
/// ```
pub fn version() -> &'static str {
    // SAFETY: a static string.
    unsafe { raw::borrowed(libquant_sys::quant_version()) }
}

/// The README's first program is tested as those in comments are.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The small model that examples in comments open.
#[doc(hidden)]
pub fn doc_model() -> std::path::PathBuf {
    let share = std::env::var_os("QUANT_SHARE")
        .unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../share").into());
    std::path::PathBuf::from(share).join("models/kjv-5m")
}
