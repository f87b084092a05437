//! Callbacks: what they may answer, and how their errors and panics come out behind the C call.

use std::any::Any;
use std::ffi::{c_int, c_void};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use libquant_sys as sys;

use crate::error::{BoxError, check};
use crate::raw::borrowed;
use crate::{Error, Result};

/// What a callback may return.
///
/// - `()`: go on, always.
/// - [`ControlFlow`]: go on, or stop. A generation that is stopped ends well ([`Stop::Caller`](crate::Stop)); any
///   other call gives [`Status::Cancelled`](crate::Status::Cancelled).
/// - `Result` of one of these: an error stops the call, which gives it back as the
///   [source](std::error::Error::source) of its own.
///
/// A panic stops the call, too, and goes on behind it.
pub trait Answer {
    /// Go on, stop, or stop for an error.
    fn into_flow(self) -> ControlFlow<Option<BoxError>>;
}

impl Answer for () {
    fn into_flow(self) -> ControlFlow<Option<BoxError>> {
        ControlFlow::Continue(())
    }
}

impl Answer for ControlFlow<()> {
    fn into_flow(self) -> ControlFlow<Option<BoxError>> {
        self.map_break(|()| None)
    }
}

impl<A: Answer, E: Into<BoxError>> Answer for std::result::Result<A, E> {
    fn into_flow(self) -> ControlFlow<Option<BoxError>> {
        match self {
            Ok(answer) => answer.into_flow(),
            Err(error) => ControlFlow::Break(Some(error.into())),
        }
    }
}

/// Where a long operation stands.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// What is being done, such as a tensor's name.
    pub stage: &'a str,
    /// Units finished.
    pub done: u64,
    /// Units in all; 0 when not known.
    pub total: u64,
    /// Since the operation began.
    pub seconds: f64,
    /// A running result worth showing ("PPL 17.8"), or "".
    pub detail: &'a str,
}

impl Progress<'_> {
    /// The share that is done, 0 to 1; None where the total is not known.
    pub fn fraction(&self) -> Option<f64> {
        (self.total > 0).then(|| self.done as f64 / self.total as f64)
    }
}

/// How a call's callbacks have ended it, if they have.
#[derive(Default)]
pub(crate) enum Outcome {
    #[default]
    Running,
    Stopped,
    Failed(BoxError),
    Panicked(Box<dyn Any + Send>),
}

impl Outcome {
    /// Run a callback, and turn its answer into C's: 0 to go on. No panic leaves this, for C could not pass it on.
    #[inline]
    pub(crate) fn ask<A: Answer>(&mut self, callback: impl FnOnce() -> A) -> c_int {
        if !matches!(self, Outcome::Running) {
            return 1;
        }
        // What the callback may leave half done is seen only by whom the panic reaches in the end.
        *self = match catch_unwind(AssertUnwindSafe(|| callback().into_flow())) {
            Ok(ControlFlow::Continue(())) => return 0,
            Ok(ControlFlow::Break(None)) => Outcome::Stopped,
            Ok(ControlFlow::Break(Some(error))) => Outcome::Failed(error),
            Err(panic) => Outcome::Panicked(panic),
        };
        1
    }

    /// The end of the call: its status, unless a callback had an error or a panic.
    pub(crate) fn end(self, status: sys::quant_status) -> Result<()> {
        match self {
            Outcome::Running | Outcome::Stopped => check(status),
            Outcome::Failed(error) => Err(Error::of_callback(error)),
            Outcome::Panicked(panic) => resume_unwind(panic),
        }
    }
}

/// A callback of progress during a call.
struct Watched<P> {
    progress: P,
    outcome: Outcome,
}

/// Make a C call with a callback of progress: `call` gets the function and its `user`.
pub(crate) fn with_progress<P, A>(
    progress: P,
    call: impl FnOnce(sys::quant_progress_fn, *mut c_void) -> sys::quant_status,
) -> Result<()>
where
    P: FnMut(&Progress<'_>) -> A,
    A: Answer,
{
    let mut watched = Watched { progress, outcome: Outcome::Running };
    let status = call(Some(on_progress::<P, A>), (&raw mut watched).cast());
    watched.outcome.end(status)
}

unsafe extern "C" fn on_progress<P, A>(user: *mut c_void, progress: *const sys::quant_progress) -> c_int
where
    P: FnMut(&Progress<'_>) -> A,
    A: Answer,
{
    // SAFETY: `user` is what with_progress() gave, which waits for the call; it comes on the same thread.
    let watched = unsafe { &mut *user.cast::<Watched<P>>() };
    let call = &mut watched.progress;
    watched.outcome.ask(|| call(&unsafe { progress_of(progress) }))
}

/// Progress as Rust has it.
///
/// # Safety
/// `progress` is what the library calls back with, and lives for `'a`.
pub(crate) unsafe fn progress_of<'a>(progress: *const sys::quant_progress) -> Progress<'a> {
    let p = unsafe { &*progress };
    let (stage, detail) = unsafe { (borrowed(p.stage), borrowed(p.detail)) };
    Progress { stage, done: p.done, total: p.total, seconds: p.seconds, detail }
}
