//! Where log lines go.

use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Arc, PoisonError, RwLock};

use libquant_sys as sys;

use crate::raw::borrowed;

/// How serious a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogLevel {
    /// For who looks for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is not as it should be.
    Warning,
    /// Something failed.
    Error,
}

type Logger = dyn Fn(LogLevel, &str) + Send + Sync;

/// The one logger of the process. C is given no pointer to it, so that a line which another thread is just writing
/// never meets a logger that has gone.
static LOGGER: RwLock<Option<Arc<Logger>>> = RwLock::new(None);

/// Set where the library's log lines go: a function that any thread calls, maybe several at a time. There is none
/// until this is called. A panic in it is dropped, for there is no call that it could come out of.
///
/// ```
/// libquant::set_logger(|level, line| eprintln!("{level:?}: {line}"));
/// libquant::clear_logger();
/// ```
pub fn set_logger(logger: impl Fn(LogLevel, &str) + Send + Sync + 'static) {
    replace(Some(Arc::new(logger)));
    // SAFETY: the function is there for as long as the program.
    unsafe { sys::quant_set_logger(Some(on_line), ptr::null_mut()) }
}

/// No log lines any more.
pub fn clear_logger() {
    // SAFETY: NULL means silence.
    unsafe { sys::quant_set_logger(None, ptr::null_mut()) }
    replace(None);
}

fn replace(logger: Option<Arc<Logger>>) {
    let old = std::mem::replace(&mut *LOGGER.write().unwrap_or_else(PoisonError::into_inner), logger);
    // Behind the lock, for what the old one owns may log as it goes.
    drop(old);
}

unsafe extern "C" fn on_line(_: *mut c_void, level: sys::quant_log_level, text: *const c_char) {
    let logger = LOGGER.read().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(logger) = logger else { return };
    let level = match level {
        sys::QUANT_LOG_DEBUG => LogLevel::Debug,
        sys::QUANT_LOG_INFO => LogLevel::Info,
        sys::QUANT_LOG_WARNING => LogLevel::Warning,
        _ => LogLevel::Error,
    };
    // SAFETY: the text is there for the call.
    let panicked = catch_unwind(AssertUnwindSafe(move || logger(level, unsafe { borrowed(text) }))).err();
    // What a panic carries may itself panic as it goes, which must not reach C.
    std::mem::forget(panicked);
}
