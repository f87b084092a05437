//! Generating text with a callback, which is the cheap way.

use std::ffi::{c_char, c_int, c_void};

use libquant_sys as sys;

use crate::callback::{Outcome, progress_of};
use crate::raw::{options, sized};
use crate::{Answer, Progress, Result, Sampling, Session, TextFlags};

/// What to generate.
///
/// ```
/// # let model = libquant::Model::open(libquant::doc_model())?;
/// use libquant::Generate;
///
/// let mut text = String::new();
/// let ask = Generate::new("In the beginning God created").max_tokens(8).greedy();
/// let made = model.session()?.generate(&ask, |piece| text.push_str(piece))?;
/// assert_eq!(made.generated_tokens, 8);
/// # Ok::<(), libquant::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Generate {
    prompt: Vec<u8>,
    whole: bool,
    max_tokens: u32,
    sampling: Sampling,
    flags: TextFlags,
}

impl Generate {
    /// What comes behind a prompt, which is appended to the session's sequence. Any bytes will do.
    pub fn new(prompt: impl Into<Vec<u8>>) -> Generate {
        Generate {
            prompt: prompt.into(),
            whole: false,
            max_tokens: 0,
            sampling: Sampling::default(),
            flags: TextFlags::ADD_SPECIAL | TextFlags::PARSE_SPECIAL,
        }
    }

    /// The prompt is the whole sequence, of which the session keeps what it has already: a chat that is rendered
    /// anew for each turn.
    pub fn whole(self, whole: bool) -> Generate {
        Generate { whole, ..self }
    }

    /// At most so many tokens; unless set, or 0, until the end or the context is full.
    pub fn max_tokens(self, max_tokens: u32) -> Generate {
        Generate { max_tokens, ..self }
    }

    /// How tokens are chosen.
    pub fn sampling(self, sampling: Sampling) -> Generate {
        Generate { sampling, ..self }
    }

    /// The likeliest token, always.
    pub fn greedy(self) -> Generate {
        self.sampling(Sampling::greedy())
    }

    /// How the prompt is tokenized; ADD_SPECIAL and PARSE_SPECIAL unless set.
    pub fn text_flags(self, flags: TextFlags) -> Generate {
        Generate { flags, ..self }
    }

    /// Make the C call with the callbacks given.
    ///
    /// # Safety
    /// `session` is open and this thread's alone; `user` is what the callbacks expect.
    pub(crate) unsafe fn call(
        &self,
        session: *mut sys::quant_session,
        on_text: sys::quant_text_fn,
        on_prefill: sys::quant_progress_fn,
        user: *mut c_void,
    ) -> (sys::quant_status, Generated) {
        let biases = self.sampling.biases();
        let sampling = self.sampling.raw(&biases);
        let mut options: sys::quant_generate_options = options!(quant_generate_options_init);
        options.prompt = self.prompt.as_ptr().cast();
        options.prompt_bytes = self.prompt.len();
        options.text_flags = self.flags.0;
        options.whole = self.whole.into();
        options.max_tokens = self.max_tokens;
        options.sampling = &sampling;
        options.on_text = on_text;
        options.on_prefill = on_prefill;
        options.user = user;
        let mut result = sized!(quant_generate_result);
        let status = unsafe { sys::quant_generate(session, &options, &mut result) };
        (status, Generated::of(&result))
    }
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The model said so.
    End,
    /// The tokens asked for are made.
    Length,
    /// The context is full.
    Context,
    /// The callback asked, or the stream was dropped.
    Caller,
    /// A stop string came.
    Text,
}

impl Stop {
    /// Its name in C without `QUANT_STOP_`.
    pub fn name(self) -> &'static str {
        match self {
            Stop::End => "END",
            Stop::Length => "LENGTH",
            Stop::Context => "CONTEXT",
            Stop::Caller => "CALLER",
            Stop::Text => "TEXT",
        }
    }
}

/// What a generation took.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Generated {
    /// Why it ended.
    pub stop: Stop,
    /// Of the prompt, those kept from before included.
    pub prompt_tokens: u32,
    /// Of them, those that had not to be run again.
    pub cached_tokens: u32,
    /// The end token not counted.
    pub generated_tokens: u32,
    /// For the prompt.
    pub prefill_seconds: f64,
    /// For all behind it.
    pub decode_seconds: f64,
    /// That was used.
    pub seed: u64,
    /// Guesses that were run along.
    pub drafted_tokens: u32,
    /// Those of them that were right.
    pub accepted_tokens: u32,
}

impl Generated {
    fn of(result: &sys::quant_generate_result) -> Generated {
        Generated {
            stop: match result.stop {
                sys::QUANT_STOP_LENGTH => Stop::Length,
                sys::QUANT_STOP_CONTEXT => Stop::Context,
                sys::QUANT_STOP_CALLER => Stop::Caller,
                sys::QUANT_STOP_TEXT => Stop::Text,
                _ => Stop::End,
            },
            prompt_tokens: result.prompt_tokens,
            cached_tokens: result.cached_tokens,
            generated_tokens: result.generated_tokens,
            prefill_seconds: result.prefill_seconds,
            decode_seconds: result.decode_seconds,
            seed: result.seed,
            drafted_tokens: result.drafted_tokens,
            accepted_tokens: result.accepted_tokens,
        }
    }
}

/// The callbacks of a generation.
struct Calls<T, P> {
    text: T,
    prefill: P,
    outcome: Outcome,
}

impl Session {
    /// Run the prompt and generate text behind it. `on_text` gets each piece, whole characters only, as it is made;
    /// what it may answer is an [`Answer`].
    pub fn generate<A: Answer>(
        &mut self,
        ask: &Generate,
        on_text: impl FnMut(&str) -> A,
    ) -> Result<Generated> {
        self.generate_calling(ask, on_text, None::<fn(&Progress<'_>)>)
    }

    /// The same, with progress on a long prompt.
    pub fn generate_with<A: Answer, B: Answer>(
        &mut self,
        ask: &Generate,
        on_text: impl FnMut(&str) -> A,
        on_prefill: impl FnMut(&Progress<'_>) -> B,
    ) -> Result<Generated> {
        self.generate_calling(ask, on_text, Some(on_prefill))
    }

    /// All of the text in one piece.
    pub fn generate_text(&mut self, ask: &Generate) -> Result<String> {
        let mut text = String::new();
        self.generate(ask, |piece| text.push_str(piece))?;
        Ok(text)
    }

    fn generate_calling<T, A, P, B>(
        &mut self,
        ask: &Generate,
        text: T,
        prefill: Option<P>,
    ) -> Result<Generated>
    where
        T: FnMut(&str) -> A,
        A: Answer,
        P: FnMut(&Progress<'_>) -> B,
        B: Answer,
    {
        let on_prefill: sys::quant_progress_fn = match prefill {
            Some(_) => Some(on_prefill::<T, P, B>),
            None => None,
        };
        let session = self.raw()?;
        let mut calls = Calls { text, prefill, outcome: Outcome::Running };
        // SAFETY: the session is open and this thread's; the callbacks are those of `calls`, which lives here.
        let (status, made) =
            unsafe { ask.call(session, Some(on_text::<T, P, A>), on_prefill, (&raw mut calls).cast()) };
        calls.outcome.end(status)?;
        Ok(made)
    }
}

unsafe extern "C" fn on_text<T, P, A>(user: *mut c_void, text: *const c_char, bytes: usize) -> c_int
where
    T: FnMut(&str) -> A,
    A: Answer,
{
    // SAFETY: `user` is the Calls that waits for the call; callbacks come on its thread, one at a time.
    let calls = unsafe { &mut *user.cast::<Calls<T, Option<P>>>() };
    let call = &mut calls.text;
    // SAFETY: so many bytes are there for the call. They are UTF-8; should they ever not be, nothing breaks.
    let text = String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(text.cast(), bytes) });
    calls.outcome.ask(|| call(&text))
}

unsafe extern "C" fn on_prefill<T, P, B>(user: *mut c_void, progress: *const sys::quant_progress) -> c_int
where
    P: FnMut(&Progress<'_>) -> B,
    B: Answer,
{
    // SAFETY: as above; it is set only where there is such a callback.
    let calls = unsafe { &mut *user.cast::<Calls<T, Option<P>>>() };
    let Some(call) = &mut calls.prefill else { return 0 };
    calls.outcome.ask(|| call(&unsafe { progress_of(progress) }))
}
