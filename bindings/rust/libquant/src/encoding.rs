//! Encodings: how a block of weights is stored.

use std::fmt;
use std::str::FromStr;

use libquant_sys as sys;

use crate::error::check;
use crate::raw::{borrowed, c_text, sized};
use crate::{Error, Result};

/// How a block of weights is stored. A number, since newer libraries have more of them than there are names here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoding(pub(crate) sys::quant_encoding);

macro_rules! encodings {
    ($($name:ident = $raw:ident,)*) => {
        #[allow(missing_docs)] // Encoding::info() has a line about each.
        #[allow(non_upper_case_globals)]
        impl Encoding {
            $(pub const $name: Encoding = Encoding(sys::$raw);)*
        }

        /// Those that have a name here.
        #[cfg(test)]
        const NAMED: &[(&str, Encoding)] = &[$((stringify!($name), Encoding::$name),)*];
    };
}

encodings! {
    F32 = QUANT_F32, F16 = QUANT_F16, BF16 = QUANT_BF16,
    Q4_0 = QUANT_Q4_0, Q4_1 = QUANT_Q4_1, Q5_0 = QUANT_Q5_0, Q5_1 = QUANT_Q5_1, Q8_0 = QUANT_Q8_0,
    Q2_K = QUANT_Q2_K, Q3_K = QUANT_Q3_K, Q4_K = QUANT_Q4_K, Q5_K = QUANT_Q5_K, Q6_K = QUANT_Q6_K,
    IQ1_S = QUANT_IQ1_S, IQ1_M = QUANT_IQ1_M,
    IQ2_XXS = QUANT_IQ2_XXS, IQ2_XS = QUANT_IQ2_XS, IQ2_S = QUANT_IQ2_S,
    IQ3_XXS = QUANT_IQ3_XXS, IQ3_S = QUANT_IQ3_S, IQ4_NL = QUANT_IQ4_NL, IQ4_XS = QUANT_IQ4_XS,
    TQ1_0 = QUANT_TQ1_0, TQ2_0 = QUANT_TQ2_0, MXFP4 = QUANT_MXFP4, NVFP4 = QUANT_NVFP4,
    Q1_0 = QUANT_Q1_0, Q2_0 = QUANT_Q2_0,
    INT2_G32 = QUANT_INT2_G32, INT2_G64 = QUANT_INT2_G64, INT2_G128 = QUANT_INT2_G128, INT3_G32 = QUANT_INT3_G32,
    INT3_G64 = QUANT_INT3_G64, INT3_G128 = QUANT_INT3_G128, INT4_G32 = QUANT_INT4_G32, INT4_G64 = QUANT_INT4_G64,
    INT4_G128 = QUANT_INT4_G128, INT8_G32 = QUANT_INT8_G32, INT8_G64 = QUANT_INT8_G64,
    INT8_G128 = QUANT_INT8_G128, AFFINE2_G32 = QUANT_AFFINE2_G32, AFFINE2_G64 = QUANT_AFFINE2_G64,
    AFFINE2_G128 = QUANT_AFFINE2_G128, AFFINE3_G32 = QUANT_AFFINE3_G32, AFFINE3_G64 = QUANT_AFFINE3_G64,
    AFFINE3_G128 = QUANT_AFFINE3_G128, AFFINE4_G32 = QUANT_AFFINE4_G32, AFFINE4_G64 = QUANT_AFFINE4_G64,
    AFFINE4_G128 = QUANT_AFFINE4_G128, AFFINE5_G32 = QUANT_AFFINE5_G32, AFFINE5_G64 = QUANT_AFFINE5_G64,
    AFFINE5_G128 = QUANT_AFFINE5_G128, AFFINE6_G32 = QUANT_AFFINE6_G32, AFFINE6_G64 = QUANT_AFFINE6_G64,
    AFFINE6_G128 = QUANT_AFFINE6_G128, AFFINE8_G32 = QUANT_AFFINE8_G32, AFFINE8_G64 = QUANT_AFFINE8_G64,
    AFFINE8_G128 = QUANT_AFFINE8_G128, NF4_G32 = QUANT_NF4_G32, NF4_G64 = QUANT_NF4_G64, FP4_G32 = QUANT_FP4_G32,
    FP4_G64 = QUANT_FP4_G64, ABSMAX8_G32 = QUANT_ABSMAX8_G32, ABSMAX8_G128 = QUANT_ABSMAX8_G128,
    E4M3_G32 = QUANT_E4M3_G32, E4M3_G128 = QUANT_E4M3_G128, E5M2_G32 = QUANT_E5M2_G32,
    E5M2_G128 = QUANT_E5M2_G128, TQ2_G32 = QUANT_TQ2_G32, TQ2_G128 = QUANT_TQ2_G128, NVFP4_G32 = QUANT_NVFP4_G32,
    NVFP4_G64 = QUANT_NVFP4_G64, NVFP4_G256 = QUANT_NVFP4_G256,
}

/// What an encoding is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EncodingInfo {
    /// The encoding.
    pub encoding: Encoding,
    /// "Q4_K".
    pub name: &'static str,
    /// "uniform", "table16", "float8", "grid", "ternary" or "floats".
    pub family: &'static str,
    /// One line for a person.
    pub summary: &'static str,
    /// Weights in a block; a row is a whole number of blocks.
    pub block_weights: u32,
    /// Bytes of a block.
    pub block_bytes: u32,
    /// `8 * block_bytes / block_weights`.
    pub bits_per_weight: f64,
}

impl Encoding {
    /// All encodings of the library.
    ///
    /// ```
    /// assert!(libquant::Encoding::all().any(|encoding| encoding.name == "Q4_K"));
    /// ```
    pub fn all() -> impl Iterator<Item = EncodingInfo> {
        // SAFETY: it has no parameters.
        let count = unsafe { sys::quant_encoding_count() };
        (0..count).filter_map(|index| {
            let mut info = sized!(quant_encoding_info);
            // SAFETY: info has its size.
            check(unsafe { sys::quant_encoding_get(index, &mut info) }).ok()?;
            Some(EncodingInfo::of(&info))
        })
    }

    /// The encoding of that name, in any case of letters. NotFound, with the names there are, where there is none.
    pub fn find(name: &str) -> Result<Encoding> {
        let name = c_text(name, "name")?;
        let mut found = 0;
        // SAFETY: a string and a place for the result.
        check(unsafe { sys::quant_encoding_find(name.as_ptr(), &mut found) })?;
        Ok(Encoding(found))
    }

    /// What it is; None if the library does not know its number.
    pub fn info(self) -> Option<EncodingInfo> {
        Encoding::all().find(|info| info.encoding == self)
    }

    /// Its number: below 256 the one that GGUF files use.
    pub fn id(self) -> u32 {
        self.0
    }

    /// The encoding of that number, whether the library knows it or not.
    pub fn from_id(id: u32) -> Encoding {
        Encoding(id)
    }

    /// Bytes of `rows` rows of `cols` weights. Argument where `cols` is no multiple of the block.
    pub fn encoded_size(self, rows: usize, cols: usize) -> Result<usize> {
        let mut bytes = 0;
        // SAFETY: numbers and a place for the result.
        check(unsafe { sys::quant_encoded_size(self.0, rows as u64, cols as u64, &mut bytes) })?;
        Ok(bytes as usize)
    }
}

impl EncodingInfo {
    fn of(info: &sys::quant_encoding_info) -> EncodingInfo {
        // SAFETY: its strings are static.
        let (name, family, summary) =
            unsafe { (borrowed(info.name), borrowed(info.family), borrowed(info.summary)) };
        EncodingInfo {
            encoding: Encoding(info.id),
            name,
            family,
            summary,
            block_weights: info.block_weights,
            block_bytes: info.block_bytes,
            bits_per_weight: info.bits_per_weight,
        }
    }
}

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Encoding> {
        Encoding::find(name)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info() {
            Some(info) => f.pad(info.name),
            None => write!(f, "encoding {}", self.0),
        }
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How codes and scales are chosen when encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Importance where that is given, else Search.
    #[default]
    Default,
    /// Scales from the extremes, codes to nearest. Fastest.
    Round,
    /// Scale, min and codes searched for the least squared error.
    Search,
    /// The same by a longer search, weighed by importance, which must be given.
    Importance,
    /// Error feedback with second moments of the inputs; for models, with a calibration text or a file of moments.
    Feedback,
    /// For each matrix what does best on held-out inputs; needs the same.
    Best,
}

impl Method {
    pub(crate) fn raw(self) -> sys::quant_method {
        match self {
            Method::Default => sys::QUANT_METHOD_DEFAULT,
            Method::Round => sys::QUANT_METHOD_ROUND,
            Method::Search => sys::QUANT_METHOD_SEARCH,
            Method::Importance => sys::QUANT_METHOD_IMPORTANCE,
            Method::Feedback => sys::QUANT_METHOD_FEEDBACK,
            Method::Best => sys::QUANT_METHOD_BEST,
        }
    }

    pub(crate) fn from_raw(raw: sys::quant_method) -> Method {
        match raw {
            sys::QUANT_METHOD_ROUND => Method::Round,
            sys::QUANT_METHOD_SEARCH => Method::Search,
            sys::QUANT_METHOD_IMPORTANCE => Method::Importance,
            sys::QUANT_METHOD_FEEDBACK => Method::Feedback,
            sys::QUANT_METHOD_BEST => Method::Best,
            _ => Method::Default,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_here_are_the_library_s_and_all_of_them() {
        for &(name, encoding) in NAMED {
            assert_eq!(Encoding::find(name).unwrap(), encoding, "{name}");
        }
        assert_eq!(Encoding::all().count(), NAMED.len());
    }
}
