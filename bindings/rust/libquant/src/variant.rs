//! What the catalog knows of its variants.

use std::path::PathBuf;
use std::ptr;

use libquant_sys as sys;

use crate::error::check;
use crate::raw::{borrowed, optional_c_text, pointer, sized};
use crate::{Catalog, Result};

/// A variant of a model, as it was when the list was made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Variant {
    /// "kjv-5m:Q4_K_M".
    pub name: String,
    /// "kjv-5m".
    pub model: String,
    /// "Q4_K_M".
    pub variant: String,
    /// "llama" ...
    pub architecture: String,
    /// Name of the variant it was made from.
    pub base: Option<String>,
    /// Its file or folder.
    pub path: PathBuf,
    /// Whether that is not there now.
    pub file_missing: bool,
    /// Elements of all tensors.
    pub parameters: u64,
    /// Of its files.
    pub bytes: u64,
    /// 8 * tensor bytes / parameters.
    pub bits_per_weight: f64,
    /// Perplexity of the latest measurement; this and what follows is None until measured.
    pub ppl: Option<f64>,
    /// Its standard error.
    pub ppl_se: Option<f64>,
    /// Mean KL divergence from the base, nats a token.
    pub kld_mean: Option<f64>,
    /// Its standard error.
    pub kld_se: Option<f64>,
    /// Share of tokens where it and the base think the same likeliest.
    pub top1: Option<f64>,
    /// Generated tokens a second, the latest on this machine.
    pub decode_per_second: Option<f64>,
    /// Prompt tokens a second.
    pub prefill_per_second: Option<f64>,
}

/// A list of the library's, released when this goes.
struct List(*mut sys::quant_variant_list);

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: it is this one's own, and released once.
        unsafe { sys::quant_variant_list_free(self.0) }
    }
}

impl Catalog {
    /// All variants, ordered by model and size, with their latest measurements; or those of one model, or one alone.
    /// NotFound where the filter matches nothing.
    pub fn list(&self, filter: Option<&str>) -> Result<Vec<Variant>> {
        let filter = optional_c_text(filter, "filter")?;
        let mut list = List(ptr::null_mut());
        // SAFETY: the catalog is open and this thread's; the list lives as long as what is read from it.
        unsafe {
            check(sys::quant_catalog_list(self.raw(), pointer(&filter), &mut list.0))?;
            (0..sys::quant_variant_list_count(list.0)).map(|index| list.variant(index)).collect()
        }
    }
}

impl List {
    fn variant(&self, index: usize) -> Result<Variant> {
        let mut v = sized!(quant_variant_info);
        // SAFETY: the list is open, and the result has its size.
        check(unsafe { sys::quant_variant_list_get(self.0, index, &mut v) })?;
        // SAFETY: strings of the list.
        let text = |text| unsafe { borrowed(text) }.to_owned();
        let measured = |value: f64| (!value.is_nan()).then_some(value);
        Ok(Variant {
            name: text(v.name),
            model: text(v.model),
            variant: text(v.variant),
            architecture: text(v.architecture),
            base: Some(text(v.base)).filter(|base| !base.is_empty()),
            // SAFETY: a string of the list.
            path: unsafe { crate::raw::borrowed_path(v.path) },
            file_missing: v.file_missing != 0,
            parameters: v.parameters,
            bytes: v.bytes,
            bits_per_weight: v.bits_per_weight,
            ppl: measured(v.ppl),
            ppl_se: measured(v.ppl_se),
            kld_mean: measured(v.kld_mean),
            kld_se: measured(v.kld_se),
            top1: measured(v.top1),
            decode_per_second: measured(v.decode_per_second),
            prefill_per_second: measured(v.prefill_per_second),
        })
    }
}
