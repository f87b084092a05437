//! Sessions: one sequence of tokens being run.

use std::fmt;
use std::ptr::{self, NonNull};

use libquant_sys as sys;

use crate::error::check;
use crate::raw::options;
use crate::{Activations, Encoding, Error, Model, Result, Status};

/// A sequence and its keys and values, whose memory comes as it is needed. It keeps its model alive.
///
/// A session moves between threads, but is used by one at a time:
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<libquant::Session>();
/// ```
pub struct Session {
    /// None while a [`Stream`](crate::Stream) has it.
    handle: Option<SessionHandle>,
    vocabulary: usize,
}

/// The open session itself, which a stream's thread takes along.
pub(crate) struct SessionHandle(NonNull<sys::quant_session>);

// SAFETY: the header lets any thread use and release it, one at a time; there is no Sync.
unsafe impl Send for SessionHandle {}

impl SessionHandle {
    pub(crate) fn raw(&mut self) -> *mut sys::quant_session {
        self.0.as_ptr()
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        // SAFETY: it is this one's own, and released once.
        unsafe { sys::quant_session_free(self.0.as_ptr()) }
    }
}

impl Session {
    /// Begin an empty sequence.
    pub fn new(model: &Model, options: &SessionOptions) -> Result<Session> {
        let vocabulary = model.info()?.vocabulary_size as usize;
        let options = options.raw();
        let mut raw = ptr::null_mut();
        // SAFETY: models are open, and options live through the call.
        check(unsafe { sys::quant_session_new(&mut raw, model.raw(), &options) })?;
        Ok(Session::own(raw, vocabulary))
    }

    fn own(raw: *mut sys::quant_session, vocabulary: usize) -> Session {
        let handle = SessionHandle(NonNull::new(raw).expect("a handle after success"));
        Session { handle: Some(handle), vocabulary }
    }

    /// Begin a sequence with the first `length` tokens of this one, whose keys and values both then share in memory:
    /// as many conversations as one likes go on from one prompt.
    pub fn fork(&self, length: u32) -> Result<Session> {
        let mut raw = ptr::null_mut();
        // SAFETY: this session is open, and not in use, for there is no other thread that has it.
        check(unsafe { sys::quant_session_fork(&mut raw, self.shared()?, length) })?;
        Ok(Session::own(raw, self.vocabulary))
    }

    /// Tokens in the sequence. Busy while a stream that was forgotten has the session.
    pub fn length(&self) -> Result<u32> {
        // SAFETY: this session is open.
        Ok(unsafe { sys::quant_session_length(self.shared()?) })
    }

    /// Tokens it can hold.
    pub fn capacity(&self) -> Result<u32> {
        // SAFETY: this session is open.
        Ok(unsafe { sys::quant_session_capacity(self.shared()?) })
    }

    /// Forget all tokens from `length` on.
    pub fn truncate(&mut self, length: u32) -> Result<()> {
        // SAFETY: this session is open, and this thread's alone.
        check(unsafe { sys::quant_session_truncate(self.raw()?, length) })
    }

    /// Append tokens and run the model on them.
    pub fn run(&mut self, tokens: &[i32]) -> Result<()> {
        self.run_into(tokens, ptr::null_mut(), ptr::null_mut())
    }

    /// Append tokens and get the logits of the last one: a number for each id of the vocabulary.
    ///
    /// ```
    /// # let model = libquant::Model::open(libquant::doc_model())?;
    /// use libquant::TextFlags;
    ///
    /// let ids = model.tokenizer()?.tokenize("In the beginning", TextFlags::ADD_SPECIAL)?;
    /// let logits = model.session()?.logits(&ids)?;
    /// assert_eq!(logits.len(), model.info()?.vocabulary_size as usize);
    /// # Ok::<(), libquant::Error>(())
    /// ```
    pub fn logits(&mut self, tokens: &[i32]) -> Result<Vec<f32>> {
        let mut last = vec![0.0; self.vocabulary];
        self.run_into(tokens, ptr::null_mut(), last.as_mut_ptr())?;
        Ok(last)
    }

    /// Append tokens and get the logits of each: a row of the vocabulary's size for every token.
    pub fn all_logits(&mut self, tokens: &[i32]) -> Result<Vec<f32>> {
        let mut rows = vec![0.0; self.vocabulary * tokens.len()];
        self.run_into(tokens, rows.as_mut_ptr(), ptr::null_mut())?;
        Ok(rows)
    }

    /// Both pointers are NULL or have room as the header says.
    fn run_into(&mut self, tokens: &[i32], logits: *mut f32, last: *mut f32) -> Result<()> {
        // SAFETY: tokens are told their number; this session is this thread's alone.
        check(unsafe { sys::quant_session_run(self.raw()?, tokens.as_ptr(), tokens.len(), logits, last) })
    }

    /// The C handle, for calls of `libquant-sys` that this crate leaves out; good for as long as self.
    pub fn as_ptr(&mut self) -> Result<*mut libquant_sys::quant_session> {
        self.raw()
    }

    /// The handle, for calls that change the session.
    pub(crate) fn raw(&mut self) -> Result<*mut sys::quant_session> {
        self.handle.as_mut().map(SessionHandle::raw).ok_or_else(taken)
    }

    /// The handle, for calls that do not.
    fn shared(&self) -> Result<*const sys::quant_session> {
        self.handle.as_ref().map(|handle| handle.0.as_ptr().cast_const()).ok_or_else(taken)
    }

    /// Give the handle away.
    pub(crate) fn take(&mut self) -> Result<SessionHandle> {
        self.handle.take().ok_or_else(taken)
    }

    /// Have it back.
    pub(crate) fn put_back(&mut self, handle: SessionHandle) {
        self.handle = Some(handle);
    }
}

fn taken() -> Error {
    Error::new(Status::Busy, "session: a stream that was forgotten, instead of dropped, still has it")
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("length", &self.length().ok()).finish()
    }
}

/// How to begin a session.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    context_length: u32,
    activations: Activations,
    types: Option<(Encoding, Encoding)>,
    draft_model: Option<Model>,
    lookup: bool,
    draft_tokens: Option<u32>,
}

impl SessionOptions {
    /// As [`Model::session`] does it.
    pub fn new() -> SessionOptions {
        SessionOptions::default()
    }

    /// Tokens it can hold; the model's own length unless set, or 0.
    pub fn context_length(self, context_length: u32) -> SessionOptions {
        SessionOptions { context_length, ..self }
    }

    /// What activations are rounded to.
    pub fn activations(self, activations: Activations) -> SessionOptions {
        SessionOptions { activations, ..self }
    }

    /// What keys and values are kept as: F32, F16 (both unless set), BF16, Q8_0 or Q4_0.
    pub fn key_value_types(self, keys: Encoding, values: Encoding) -> SessionOptions {
        SessionOptions { types: Some((keys, values)), ..self }
    }

    /// A smaller model of the same vocabulary, which guesses at what comes next.
    pub fn draft_model(self, model: &Model) -> SessionOptions {
        SessionOptions { draft_model: Some(model.clone()), ..self }
    }

    /// Guess what followed when the sequence's end last occurred in it.
    pub fn lookup(self, lookup: bool) -> SessionOptions {
        SessionOptions { lookup, ..self }
    }

    /// Guesses at a time, 1 to 7; 4 unless set.
    pub fn draft_tokens(self, tokens: u32) -> SessionOptions {
        SessionOptions { draft_tokens: Some(tokens), ..self }
    }

    /// For a call during which self lives.
    fn raw(&self) -> sys::quant_session_options {
        let mut options: sys::quant_session_options = options!(quant_session_options_init);
        options.context_length = self.context_length;
        options.activations = self.activations.raw();
        if let Some((keys, values)) = self.types {
            (options.key_type, options.value_type) = (keys.0, values.0);
        }
        options.draft_model = self.draft_model.as_ref().map_or(ptr::null(), Model::raw);
        options.lookup = self.lookup.into();
        if let Some(tokens) = self.draft_tokens {
            options.draft_tokens = tokens;
        }
        options
    }
}
