//! Weights in memory: encoded and decoded.

use std::ffi::c_void;
use std::ptr;

use libquant_sys as sys;

use crate::callback::with_progress;
use crate::error::check;
use crate::raw::options;
use crate::{Answer, Encoding, Error, Method, Progress, Result, Status};

/// How to encode a matrix of weights.
///
/// ```
/// use libquant::{Encode, Encoding, Method};
///
/// let weights: Vec<f32> = (0..4 * 256).map(|i| (i % 17) as f32 / 17.0).collect();
/// let encode = Encode::new(Encoding::Q4_K).method(Method::Round);
/// let bytes = encode.to_vec(&weights, 4, 256)?;
/// assert_eq!(bytes.len(), 4 * 144);
/// let decoded = Encoding::Q4_K.decode_to_vec(&bytes, 4, 256)?;
/// assert!((decoded[5] - weights[5]).abs() < 0.1);
/// # Ok::<(), libquant::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Encode<'a> {
    encoding: Encoding,
    method: Method,
    importance: Option<&'a [f32]>,
}

impl<'a> Encode<'a> {
    /// Into that encoding, by [`Method::Default`].
    pub fn new(encoding: Encoding) -> Encode<'a> {
        Encode { encoding, method: Method::Default, importance: None }
    }

    /// By that method. Feedback and Best need more than a matrix has.
    pub fn method(self, method: Method) -> Encode<'a> {
        Encode { method, ..self }
    }

    /// How much the weights of each column matter: one number, at least 0, a column.
    pub fn importance(self, importance: &'a [f32]) -> Encode<'a> {
        Encode { importance: Some(importance), ..self }
    }

    /// Encode `rows` rows of `cols` finite weights into `out`, which has exactly
    /// [`encoded_size`](Encoding::encoded_size) bytes. Nothing is copied.
    pub fn into_slice(&self, weights: &[f32], rows: usize, cols: usize, out: &mut [u8]) -> Result<()> {
        self.check_shape(weights, rows, cols)?;
        check(self.call(weights, rows, cols, out, None, ptr::null_mut()))
    }

    /// The same, with progress in weights; where it stops the call, a part of `out` is written.
    pub fn into_slice_with<A: Answer>(
        &self,
        weights: &[f32],
        rows: usize,
        cols: usize,
        out: &mut [u8],
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<()> {
        self.check_shape(weights, rows, cols)?;
        with_progress(progress, |watch, user| self.call(weights, rows, cols, out, watch, user))
    }

    /// Encode into new memory.
    pub fn to_vec(&self, weights: &[f32], rows: usize, cols: usize) -> Result<Vec<u8>> {
        self.check_shape(weights, rows, cols)?;
        let mut out = vec![0; self.encoding.encoded_size(rows, cols)?];
        self.into_slice(weights, rows, cols, &mut out)?;
        Ok(out)
    }

    /// C is told of pointers and the shape: that the slices hold as much is known only here.
    fn check_shape(&self, weights: &[f32], rows: usize, cols: usize) -> Result<()> {
        expect_count("weights", weights.len(), rows, cols)?;
        match self.importance {
            Some(importance) => expect_count("importance", importance.len(), 1, cols),
            None => Ok(()),
        }
    }

    fn call(
        &self,
        weights: &[f32],
        rows: usize,
        cols: usize,
        out: &mut [u8],
        watch: sys::quant_progress_fn,
        user: *mut c_void,
    ) -> sys::quant_status {
        let mut options: sys::quant_encode_options = options!(quant_encode_options_init);
        options.method = self.method.raw();
        options.importance = self.importance.map_or(ptr::null(), |importance| importance.as_ptr());
        options.progress = watch;
        options.user = user;
        let (to, bytes) = (out.as_mut_ptr().cast(), out.len() as u64);
        // SAFETY: weights and importance have the shape's sizes, and `out` is told its own.
        unsafe {
            sys::quant_encode(
                self.encoding.0,
                weights.as_ptr(),
                rows as u64,
                cols as u64,
                &options,
                to,
                bytes,
            )
        }
    }
}

impl Encoding {
    /// Decode `rows` rows of `cols` weights, row-major, into `out`. Nothing is copied. Any bytes decode to something;
    /// Argument where there are not exactly [`encoded_size`](Encoding::encoded_size) of them.
    pub fn decode(self, bytes: &[u8], rows: usize, cols: usize, out: &mut [f32]) -> Result<()> {
        expect_count("out", out.len(), rows, cols)?;
        let (from, count) = (bytes.as_ptr().cast(), bytes.len() as u64);
        // SAFETY: `bytes` is told its size, and `out` has the shape's.
        check(unsafe { sys::quant_decode(self.0, from, count, rows as u64, cols as u64, out.as_mut_ptr()) })
    }

    /// Decode into new memory.
    pub fn decode_to_vec(self, bytes: &[u8], rows: usize, cols: usize) -> Result<Vec<f32>> {
        // Before memory is taken for whatever shape was asked for.
        let expected = self.encoded_size(rows, cols)?;
        if expected != bytes.len() {
            return Err(Error::new(
                Status::Argument,
                format!("bytes: expected {expected} of {rows} x {cols} weights, found {}", bytes.len()),
            ));
        }
        let mut out = vec![0.0; rows * cols];
        self.decode(bytes, rows, cols, &mut out)?;
        Ok(out)
    }
}

/// That a slice has the elements of its shape.
fn expect_count(what: &str, found: usize, rows: usize, cols: usize) -> Result<()> {
    if rows.checked_mul(cols) == Some(found) {
        return Ok(());
    }
    Err(Error::new(Status::Argument, format!("{what}: expected {rows} x {cols} values, found {found}")))
}
