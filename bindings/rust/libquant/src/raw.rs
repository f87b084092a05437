//! Strings, sizes and handles on their way to C and back.

use std::ffi::{CStr, CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use libquant_sys as sys;

use crate::error::check;
use crate::{Error, Result, Status};

/// A string for a parameter that ends at its NUL; `what` names the parameter if the text holds one.
pub(crate) fn c_text(text: impl AsRef<[u8]>, what: &str) -> Result<CString> {
    CString::new(text.as_ref()).map_err(|error| {
        Error::new(
            Status::Argument,
            format!("{what}: expected text without NUL, found one at byte {}", error.nul_position()),
        )
    })
}

/// The same of a parameter that may be left out.
pub(crate) fn optional_c_text<T: AsRef<[u8]>>(text: Option<T>, what: &str) -> Result<Option<CString>> {
    text.map(|text| c_text(text, what)).transpose()
}

/// NULL where there is nothing. The pointer is good for as long as `text`.
pub(crate) fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

/// A path, whose bytes go as they are.
pub(crate) fn c_path(path: &Path) -> Result<CString> {
    c_text(path.as_os_str().as_bytes(), "path")
}

/// Text of the library that lives as long as `'a`; "" for NULL.
///
/// # Safety
/// `text` is NULL or a string that stays as it is for `'a`.
pub(crate) unsafe fn borrowed<'a>(text: *const c_char) -> &'a str {
    if text.is_null() {
        return "";
    }
    // The library writes UTF-8; what a file has made it say otherwise is cut off before the first bad byte.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().unwrap_or_else(|bad| {
        let good = &text.to_bytes()[..bad.valid_up_to()];
        std::str::from_utf8(good).unwrap_or_default()
    })
}

/// A path that the library tells.
///
/// # Safety
/// As for [`borrowed`].
pub(crate) unsafe fn borrowed_path(path: *const c_char) -> PathBuf {
    if path.is_null() {
        return PathBuf::new();
    }
    PathBuf::from(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()))
}

/// The array of characters that a struct holds, up to its NUL.
pub(crate) fn held(text: &[c_char]) -> String {
    text.iter().take_while(|&&c| c != 0).map(|&c| c as u8 as char).collect()
}

/// A string that the library hands over, released when this goes.
pub(crate) struct Given(*mut c_char);

impl Given {
    /// None yet.
    pub(crate) fn none() -> Given {
        Given(ptr::null_mut())
    }

    /// Where one call puts it.
    pub(crate) fn place(&mut self) -> *mut *mut c_char {
        &mut self.0
    }

    /// Have `call` fill it in; its status is that of the result.
    pub(crate) fn by(call: impl FnOnce(*mut *mut c_char) -> sys::quant_status) -> Result<Given> {
        let mut given = Given::none();
        check(call(given.place()))?;
        Ok(given)
    }

    /// Its bytes up to the first NUL; nothing if the library gave no string.
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.0.is_null() {
            return &[];
        }
        // SAFETY: the library ends its strings with NUL, and this one lives as long as self.
        unsafe { CStr::from_ptr(self.0) }.to_bytes()
    }

    /// The first `count` bytes.
    ///
    /// # Safety
    /// The string has that many.
    pub(crate) unsafe fn counted(&self, count: usize) -> &[u8] {
        if self.0.is_null() {
            return &[];
        }
        unsafe { std::slice::from_raw_parts(self.0.cast(), count) }
    }

    /// As text; None if the library gave no string.
    pub(crate) fn text(&self) -> Option<String> {
        (!self.0.is_null()).then(|| String::from_utf8_lossy(self.bytes()).into_owned())
    }

    /// As text, "" where there is none.
    pub(crate) fn into_text(self) -> String {
        self.text().unwrap_or_default()
    }

    pub(crate) fn into_path(self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(self.bytes()))
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        // SAFETY: the string is the library's to release, once.
        unsafe { sys::quant_string_free(self.0) }
    }
}

/// A struct of parameters with its defaults, by its init function.
macro_rules! options {
    ($init:ident) => {{
        let mut options = Default::default();
        // SAFETY: the function writes as many bytes as it is told that there are.
        unsafe { libquant_sys::$init(&mut options, std::mem::size_of_val(&options)) };
        options
    }};
}

/// A struct of results with its size set.
macro_rules! sized {
    ($name:ident) => {
        libquant_sys::$name { size: std::mem::size_of::<libquant_sys::$name>(), ..Default::default() }
    };
}

pub(crate) use {options, sized};
