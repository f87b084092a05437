//! Tokenizers.

use std::fmt;
use std::ops::BitOr;
use std::path::Path;
use std::ptr::{self, NonNull};

use libquant_sys as sys;

use crate::error::check;
use crate::raw::{Given, c_path};
use crate::{Model, Result};

/// What tokenizing and detokenizing do with special tokens; to combine with `|`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextFlags(pub(crate) u32);

impl TextFlags {
    /// Nothing of the below.
    pub const NONE: TextFlags = TextFlags(0);
    /// Tokenize: add the BOS and EOS tokens that the model wants.
    pub const ADD_SPECIAL: TextFlags = TextFlags(sys::QUANT_TEXT_ADD_SPECIAL);
    /// Tokenize: special tokens written in the text become their ids.
    pub const PARSE_SPECIAL: TextFlags = TextFlags(sys::QUANT_TEXT_PARSE_SPECIAL);
    /// Detokenize: leave special tokens out.
    pub const SKIP_SPECIAL: TextFlags = TextFlags(sys::QUANT_TEXT_SKIP_SPECIAL);
}

impl BitOr for TextFlags {
    type Output = TextFlags;

    fn bitor(self, other: TextFlags) -> TextFlags {
        TextFlags(self.0 | other.0)
    }
}

/// A tokenizer: of its own file, or of a model, which it keeps alive. Immutable; threads share it freely.
pub struct Tokenizer {
    raw: NonNull<sys::quant_tokenizer>,
    /// Whose it is; None: its own.
    owner: Option<Model>,
}

// SAFETY: the header lets any thread use and release it, also several at a time.
unsafe impl Send for Tokenizer {}
unsafe impl Sync for Tokenizer {}

impl Tokenizer {
    /// Open the tokenizer of a GGUF file, a tokenizer.json, or a folder that holds one.
    pub fn open(path: impl AsRef<Path>) -> Result<Tokenizer> {
        let path = c_path(path.as_ref())?;
        let mut raw = ptr::null_mut();
        // SAFETY: a place for the handle and a string.
        check(unsafe { sys::quant_tokenizer_open(&mut raw, path.as_ptr()) })?;
        Ok(Tokenizer { raw: NonNull::new(raw).expect("a handle after success"), owner: None })
    }

    /// # Safety
    /// `raw` is of `model`.
    pub(crate) unsafe fn of_model(raw: NonNull<sys::quant_tokenizer>, model: Model) -> Tokenizer {
        Tokenizer { raw, owner: Some(model) }
    }

    /// How many ids it has.
    pub fn size(&self) -> usize {
        // SAFETY: the handle is open as long as self.
        unsafe { sys::quant_tokenizer_size(self.raw.as_ptr()) }
    }

    /// Text, or any bytes, to token ids.
    ///
    /// ```
    /// # let folder = libquant::doc_model();
    /// use libquant::{TextFlags, Tokenizer};
    ///
    /// let tokenizer = Tokenizer::open(folder)?;
    /// let ids = tokenizer.tokenize("In the beginning", TextFlags::NONE)?;
    /// assert_eq!(tokenizer.detokenize(&ids, TextFlags::NONE)?, "In the beginning");
    /// # Ok::<(), libquant::Error>(())
    /// ```
    pub fn tokenize(&self, text: impl AsRef<[u8]>, flags: TextFlags) -> Result<Vec<i32>> {
        let text = text.as_ref();
        // No token is of less than a byte, but for the special ones that may be added.
        let mut ids: Vec<i32> = Vec::with_capacity(text.len() + 8);
        let mut count = 0;
        let mut fill = |ids: &mut Vec<i32>| {
            let (from, bytes) = (text.as_ptr().cast(), text.len());
            // SAFETY: text and ids are told their sizes; what is written are the first `count` ids.
            unsafe {
                let raw = self.raw.as_ptr();
                let room = ids.capacity();
                let status =
                    sys::quant_tokenize(raw, from, bytes, flags.0, ids.as_mut_ptr(), room, &mut count);
                if status == sys::QUANT_OK {
                    ids.set_len(count);
                }
                status
            }
        };
        let mut status = fill(&mut ids);
        if status == sys::QUANT_ERR_LIMIT {
            // A normalizer may make text longer.
            ids.reserve_exact(self.count(text, flags)?);
            status = fill(&mut ids);
        }
        check(status)?;
        ids.shrink_to_fit();
        Ok(ids)
    }

    /// How many ids a text has.
    pub fn count(&self, text: impl AsRef<[u8]>, flags: TextFlags) -> Result<usize> {
        let text = text.as_ref();
        let (from, bytes, mut count) = (text.as_ptr().cast(), text.len(), 0);
        // SAFETY: text is told its size; NULL with no room only counts.
        check(unsafe {
            sys::quant_tokenize(self.raw.as_ptr(), from, bytes, flags.0, ptr::null_mut(), 0, &mut count)
        })?;
        Ok(count)
    }

    /// Token ids to text; bytes that are no UTF-8 become U+FFFD. Argument where an id is none of the vocabulary.
    pub fn detokenize(&self, ids: &[i32], flags: TextFlags) -> Result<String> {
        let bytes = self.detokenize_bytes(ids, flags)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned()))
    }

    /// Token ids to the bytes they stand for, which may be no UTF-8: a token can be a part of a character.
    pub fn detokenize_bytes(&self, ids: &[i32], flags: TextFlags) -> Result<Vec<u8>> {
        let mut bytes = 0;
        // SAFETY: ids are told their number; both results have a place.
        let text = Given::by(|out| unsafe {
            sys::quant_detokenize(self.raw.as_ptr(), ids.as_ptr(), ids.len(), flags.0, out, &mut bytes)
        })?;
        // SAFETY: that is its length.
        Ok(unsafe { text.counted(bytes) }.to_vec())
    }
}

impl Drop for Tokenizer {
    fn drop(&mut self) {
        if self.owner.is_none() {
            // SAFETY: it is this one's own, and released once.
            unsafe { sys::quant_tokenizer_free(self.raw.as_ptr()) }
        }
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer").field("size", &self.size()).finish()
    }
}
