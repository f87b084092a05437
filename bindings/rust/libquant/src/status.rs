//! What became of a call.

use std::ffi::CStr;
use std::fmt;

use libquant_sys as sys;

/// Makes the enumeration from one list, so that its names and the C interface's numbers stand together once.
macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $raw:ident,)*) => {
        /// Why a call failed: the statuses of the C interface, without their `QUANT_ERR_`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Status {
            $($(#[$doc])* $name,)*
            /// A status that only a newer library has.
            Other(u32),
        }

        impl Status {
            pub(crate) fn from_raw(raw: sys::quant_status) -> Status {
                match raw {
                    $(sys::$raw => Status::$name,)*
                    other => Status::Other(other),
                }
            }

            pub(crate) fn raw(self) -> sys::quant_status {
                match self {
                    $(Status::$name => sys::$raw,)*
                    Status::Other(other) => other,
                }
            }
        }
    };
}

statuses! {
    /// A parameter is outside what its comment allows.
    Argument = QUANT_ERR_ARGUMENT,
    /// No such file, model, variant, tensor or name.
    NotFound = QUANT_ERR_NOT_FOUND,
    /// The operating system refused a read or a write.
    Io = QUANT_ERR_IO,
    /// The bytes break the rules of their format.
    Format = QUANT_ERR_FORMAT,
    /// The file ends before what it announces.
    Truncated = QUANT_ERR_TRUNCATED,
    /// A count, size or depth over a stated limit.
    Limit = QUANT_ERR_LIMIT,
    /// Well formed, but of a kind this version lacks.
    Unsupported = QUANT_ERR_UNSUPPORTED,
    /// Hyperparameters or tensors do not make a model.
    Model = QUANT_ERR_MODEL,
    /// The vocabulary or its description is inconsistent.
    Tokenizer = QUANT_ERR_TOKENIZER,
    /// A chat template failed to parse or to run.
    Template = QUANT_ERR_TEMPLATE,
    /// The file system is full, or over quota.
    NoSpace = QUANT_ERR_NO_SPACE,
    /// An allocation failed.
    NoMemory = QUANT_ERR_NO_MEMORY,
    /// Not allowed to read or write that.
    Permission = QUANT_ERR_PERMISSION,
    /// A callback said stop.
    Cancelled = QUANT_ERR_CANCELLED,
    /// The name or file is there already.
    Exists = QUANT_ERR_EXISTS,
    /// Somebody else holds it; try again.
    Busy = QUANT_ERR_BUSY,
    /// The catalog is damaged or of a newer version.
    Catalog = QUANT_ERR_CATALOG,
    /// A check of content failed (digest, quality gate).
    Verify = QUANT_ERR_VERIFY,
    /// A defect of the library; please report it.
    Internal = QUANT_ERR_INTERNAL,
    /// Nobody serves there: no daemon listens at that socket.
    Unavailable = QUANT_ERR_UNAVAILABLE,
}

impl Status {
    /// Its name in C without `QUANT_ERR_`, such as "NOT_FOUND"; "?" for one that the library does not know.
    pub fn name(self) -> &'static str {
        // SAFETY: any number may be asked for, and what comes is a static string.
        let name = unsafe { CStr::from_ptr(sys::quant_status_name(self.raw())) };
        let name = name.to_str().unwrap_or("?");
        name.strip_prefix("QUANT_ERR_").unwrap_or(name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
