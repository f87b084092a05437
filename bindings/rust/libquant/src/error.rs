//! The error of every call.

use std::error::Error as StdError;
use std::ffi::CStr;
use std::fmt;

use libquant_sys as sys;

use crate::Status;

/// What a call of this crate gives.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of any type, as callbacks give it.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call failed: a status for programs, and a sentence for people that names the file, tensor, key or value and
/// says what was expected.
#[derive(Debug)]
pub struct Error {
    status: Status,
    message: String,
    source: Option<BoxError>,
}

impl Error {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Error {
        Error { status, message: message.into(), source: None }
    }

    /// A callback gave an error, and the call ended for it.
    pub(crate) fn of_callback(source: BoxError) -> Error {
        Error { status: Status::Cancelled, message: source.to_string(), source: Some(source) }
    }

    /// The status. [`Status::Cancelled`] where a callback stopped the call, with an error of its own or without.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error that a callback ended the call with, as it was given; `Err(self)` where there is none.
    pub fn into_callback_error(self) -> std::result::Result<BoxError, Error> {
        match self.source {
            Some(source) => Ok(source),
            None => Err(self),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The status of a call as a result. Call it on the thread that made the call, before the next one.
pub(crate) fn check(status: sys::quant_status) -> Result<()> {
    if status == sys::QUANT_OK {
        return Ok(());
    }
    // SAFETY: it is a string, borrowed until this thread's next call that fails.
    let message = unsafe { CStr::from_ptr(sys::quant_error_message()) };
    Err(Error::new(Status::from_raw(status), message.to_string_lossy()))
}
