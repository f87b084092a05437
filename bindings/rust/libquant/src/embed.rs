//! Embeddings: texts as vectors, which lie close where texts mean alike.

use std::fmt;
use std::ptr::{self, NonNull};

use libquant_sys as sys;

use crate::callback::with_progress;
use crate::error::check;
use crate::raw::{options, sized};
use crate::{Activations, Answer, Model, Pooling, Progress, Result, TextFlags};

/// How to embed texts.
///
/// ```
/// # let model = libquant::Model::open(libquant::doc_model())?;
/// let embeddings = model.embed(&["And God said", "And the LORD spake"])?;
/// let (a, b) = (embeddings.values(0), embeddings.values(1));
/// let cosine: f32 = a.iter().zip(b).map(|(x, y)| x * y).sum();
/// assert!(cosine > 0.0 && cosine < 1.0);
/// # Ok::<(), libquant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Embed {
    pooling: Pooling,
    normalize: bool,
    dimensions: u32,
    flags: TextFlags,
    truncate: bool,
    activations: Activations,
}

impl Default for Embed {
    fn default() -> Embed {
        Embed {
            pooling: Pooling::Default,
            normalize: true,
            dimensions: 0,
            flags: TextFlags::ADD_SPECIAL | TextFlags::PARSE_SPECIAL,
            truncate: false,
            activations: Activations::default(),
        }
    }
}

impl Embed {
    /// As [`Model::embed`] does it.
    pub fn new() -> Embed {
        Embed::default()
    }

    /// How tokens' states become a vector.
    pub fn pooling(self, pooling: Pooling) -> Embed {
        Embed { pooling, ..self }
    }

    /// Whether vectors have length 1, so that their product is the cosine; true unless set.
    pub fn normalize(self, normalize: bool) -> Embed {
        Embed { normalize, ..self }
    }

    /// Keep only so many dimensions; all unless set, or 0.
    pub fn dimensions(self, dimensions: u32) -> Embed {
        Embed { dimensions, ..self }
    }

    /// How texts are tokenized; ADD_SPECIAL and PARSE_SPECIAL unless set.
    pub fn text_flags(self, flags: TextFlags) -> Embed {
        Embed { flags, ..self }
    }

    /// Whether a text that is too long loses its end, instead of being an error.
    pub fn truncate(self, truncate: bool) -> Embed {
        Embed { truncate, ..self }
    }

    /// What activations are rounded to.
    pub fn activations(self, activations: Activations) -> Embed {
        Embed { activations, ..self }
    }

    /// Embed texts, which share the reading of weights.
    pub fn texts<T: AsRef<[u8]>>(&self, model: &Model, texts: &[T]) -> Result<Embeddings> {
        self.call(model, &text_inputs(texts), |options, call| check(call(options)))
    }

    /// The same, with progress between batches of tokens.
    pub fn texts_with<T: AsRef<[u8]>, A: Answer>(
        &self,
        model: &Model,
        texts: &[T],
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<Embeddings> {
        self.call(model, &text_inputs(texts), |options, call| {
            with_progress(progress, |watch, user| {
                (options.progress, options.user) = (watch, user);
                call(options)
            })
        })
    }

    /// Embed texts that are tokens already, to which nothing is added.
    pub fn tokens<T: AsRef<[i32]>>(&self, model: &Model, texts: &[T]) -> Result<Embeddings> {
        let input = |ids: &T| {
            let ids = ids.as_ref(); // Once: a second answer may be another slice.
            sys::quant_embedding_input {
                text: ptr::null(),
                text_bytes: 0,
                tokens: ids.as_ptr(),
                token_count: ids.len(),
            }
        };
        let inputs: Vec<_> = texts.iter().map(input).collect();
        self.call(model, &inputs, |options, call| check(call(options)))
    }

    fn call(
        &self,
        model: &Model,
        inputs: &[sys::quant_embedding_input],
        run: impl FnOnce(
            &mut sys::quant_embedding_options,
            &mut dyn FnMut(&sys::quant_embedding_options) -> sys::quant_status,
        ) -> Result<()>,
    ) -> Result<Embeddings> {
        let mut options: sys::quant_embedding_options = options!(quant_embedding_options_init);
        options.pooling = self.pooling.raw();
        options.normalize = self.normalize.into();
        options.dimensions = self.dimensions;
        options.text_flags = self.flags.0;
        options.truncate = self.truncate.into();
        options.activations = self.activations.raw();
        let mut raw = ptr::null_mut();
        run(&mut options, &mut |options| {
            // SAFETY: inputs are told their number, and what they point at is borrowed by the caller of this.
            unsafe { sys::quant_model_embed(&mut raw, model.raw(), inputs.as_ptr(), inputs.len(), options) }
        })?;
        Ok(Embeddings(NonNull::new(raw).expect("a handle after success")))
    }
}

fn text_inputs<T: AsRef<[u8]>>(texts: &[T]) -> Vec<sys::quant_embedding_input> {
    let input = |text: &T| {
        let text = text.as_ref(); // Once: a second answer may be another slice.
        sys::quant_embedding_input {
            text: text.as_ptr().cast(),
            text_bytes: text.len(),
            tokens: ptr::null(),
            token_count: 0,
        }
    };
    texts.iter().map(input).collect()
}

impl Model {
    /// Embed texts with the model's own pooling, each as a vector of length 1.
    pub fn embed<T: AsRef<[u8]>>(&self, texts: &[T]) -> Result<Embeddings> {
        Embed::default().texts(self, texts)
    }
}

/// The embeddings of several texts. Immutable; threads share them freely.
pub struct Embeddings(NonNull<sys::quant_embeddings>);

// SAFETY: the header lets any thread read and release them.
unsafe impl Send for Embeddings {}
unsafe impl Sync for Embeddings {}

/// What a text became.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Embedding<'e> {
    /// `rows` times `dimensions` of them.
    pub values: &'e [f32],
    /// 1; with [`Pooling::None`] one for each token.
    pub rows: usize,
    /// Of a row.
    pub dimensions: usize,
    /// That were read, special ones included.
    pub tokens: u32,
    /// That the text lost to [`Embed::truncate`].
    pub tokens_cut: u32,
}

impl Embeddings {
    /// How many texts there were.
    pub fn len(&self) -> usize {
        // SAFETY: the handle is open as long as self.
        unsafe { sys::quant_embeddings_count(self.0.as_ptr()) }
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the text of that number became; None where there is no such text. Nothing is copied.
    pub fn get(&self, index: usize) -> Option<Embedding<'_>> {
        let mut e = sized!(quant_embedding);
        // SAFETY: the handle is open, and the result has its size.
        check(unsafe { sys::quant_embeddings_get(self.0.as_ptr(), index, &mut e) }).ok()?;
        let (rows, dimensions) = (e.rows as usize, e.dimensions as usize);
        let count = rows * dimensions;
        // SAFETY: so many values are there as long as the embeddings.
        let values = if count == 0 { &[] } else { unsafe { std::slice::from_raw_parts(e.values, count) } };
        Some(Embedding { values, rows, dimensions, tokens: e.tokens, tokens_cut: e.tokens_cut })
    }

    /// The values of the text of that number.
    ///
    /// # Panics
    /// Where there is no such text.
    pub fn values(&self, index: usize) -> &[f32] {
        let Some(embedding) = self.get(index) else {
            panic!("embedding {index}: there are {}", self.len());
        };
        embedding.values
    }

    /// All of them, in the order of the texts.
    pub fn iter(&self) -> impl Iterator<Item = Embedding<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl Drop for Embeddings {
    fn drop(&mut self) {
        // SAFETY: they are this one's own, and released once.
        unsafe { sys::quant_embeddings_free(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embeddings").field("len", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Says something longer each time.
    struct Growing(Cell<usize>);

    impl AsRef<[u8]> for Growing {
        fn as_ref(&self) -> &[u8] {
            self.0.set(self.0.get() + 1);
            &b"In the beginning"[..self.0.get()]
        }
    }

    #[test]
    fn a_text_is_asked_for_its_bytes_once() {
        assert_eq!(text_inputs(&[Growing(Cell::new(0))])[0].text_bytes, 1);
    }
}
