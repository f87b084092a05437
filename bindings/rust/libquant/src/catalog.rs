//! The catalog: models and their variants on this machine, with their recipes and measured losses.

use std::ffi::c_char;
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use libquant_sys as sys;

use crate::callback::with_progress;
use crate::error::check;
use crate::raw::{Given, c_path, c_text, optional_c_text, pointer};
use crate::{Answer, BenchResult, Evaluated, Plan, Progress, Result};

/// An open catalog: an SQLite file that several processes may use at once. It moves between threads, but is used by
/// one at a time; open another for another thread.
pub struct Catalog(NonNull<sys::quant_catalog>);

// SAFETY: any thread may use it, one at a time; there is no Sync.
unsafe impl Send for Catalog {}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The file or folder.
    pub path: PathBuf,
    /// "model:variant"; None for a path that the catalog does not know.
    pub name: Option<String>,
}

/// A text that belongs to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelText {
    /// Its file.
    pub path: PathBuf,
    /// Whether it is the model's own, and not the shipped one.
    pub own: bool,
}

impl Catalog {
    /// Open the user's catalog, making it where there is none: catalog.db in $QUANT_HOME, else in
    /// $XDG_DATA_HOME/libquant, else in ~/.local/share/libquant.
    pub fn open() -> Result<Catalog> {
        Catalog::call(ptr::null())
    }

    /// Open the catalog in that file, making it where there is none.
    pub fn open_file(path: impl AsRef<Path>) -> Result<Catalog> {
        Catalog::call(c_path(path.as_ref())?.as_ptr())
    }

    fn call(path: *const c_char) -> Result<Catalog> {
        let mut raw = ptr::null_mut();
        // SAFETY: a place for the handle, and a string or NULL.
        check(unsafe { sys::quant_catalog_open(&mut raw, path) })?;
        Ok(Catalog(NonNull::new(raw).expect("a handle after success")))
    }

    pub(crate) fn raw(&self) -> *mut sys::quant_catalog {
        self.0.as_ptr()
    }

    /// Find what a user means by `text`: a path that exists; else "model:variant" or "model" in the catalog, in any
    /// case of letters; else a model shipped with the library. NotFound names what is near.
    pub fn resolve(&self, text: &str) -> Result<Resolved> {
        let text = c_text(text, "name")?;
        let mut name = Given::none();
        // SAFETY: as for all calls here: the catalog is open and this thread's; strings live through the call.
        let path = Given::by(|path| unsafe {
            sys::quant_catalog_resolve(self.raw(), text.as_ptr(), path, name.place())
        })?;
        Ok(Resolved { path: path.into_path(), name: name.text() })
    }

    /// Record a model file or folder where it is, under "model" or "model:variant", or a name from the file's. Gives
    /// its name. Nothing is copied. Progress is in bytes hashed.
    pub fn import<A: Answer>(
        &mut self,
        path: impl AsRef<Path>,
        name: Option<&str>,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<String> {
        let (path, name) = (c_path(path.as_ref())?, optional_c_text(name, "name")?);
        let mut out = Given::none();
        with_progress(progress, |watch, user| unsafe {
            sys::quant_catalog_import(self.raw(), path.as_ptr(), pointer(&name), watch, user, out.place())
        })?;
        Ok(out.into_text())
    }

    /// Record a GGUF file as the catalog's own, by a hard link: it goes with [`remove`](Catalog::remove).
    pub fn adopt<A: Answer>(
        &mut self,
        path: impl AsRef<Path>,
        name: &str,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<String> {
        let (path, name) = (c_path(path.as_ref())?, c_text(name, "name")?);
        let mut out = Given::none();
        with_progress(progress, |watch, user| unsafe {
            sys::quant_catalog_adopt(self.raw(), path.as_ptr(), name.as_ptr(), watch, user, out.place())
        })?;
        Ok(out.into_text())
    }

    /// Where a variant of `source` that is about to be made belongs; its folder is made.
    pub fn output_path(&self, source: &str, type_name: &str) -> Result<PathBuf> {
        let (source, type_name) = (c_text(source, "source")?, c_text(type_name, "type")?);
        let path = Given::by(|out| unsafe {
            sys::quant_catalog_output_path(self.raw(), source.as_ptr(), type_name.as_ptr(), out)
        })?;
        Ok(path.into_path())
    }

    /// The same, for a name of the caller's choice, "model" or "model:variant".
    pub fn named_path(&self, name: &str, type_name: &str) -> Result<PathBuf> {
        let (name, type_name) = (c_text(name, "name")?, c_text(type_name, "type")?);
        let path = Given::by(|out| unsafe {
            sys::quant_catalog_named_path(self.raw(), name.as_ptr(), type_name.as_ptr(), out)
        })?;
        Ok(path.into_path())
    }

    /// Record the file that a plan has made, with its recipe, as a variant of its source. Gives its name.
    pub fn add_variant<A: Answer>(
        &mut self,
        source: &str,
        plan: &Plan,
        output: impl AsRef<Path>,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<String> {
        let (source, output) = (c_text(source, "source")?, c_path(output.as_ref())?);
        let mut out = Given::none();
        with_progress(progress, |watch, user| unsafe {
            let (source, output) = (source.as_ptr(), output.as_ptr());
            sys::quant_catalog_add_variant(self.raw(), source, plan.raw(), output, watch, user, out.place())
        })?;
        Ok(out.into_text())
    }

    /// The same under a name of the caller's choice; without a source, the variant has none.
    pub fn add_named_variant<A: Answer>(
        &mut self,
        name: &str,
        source: Option<&str>,
        plan: &Plan,
        output: impl AsRef<Path>,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<String> {
        let (name, source) = (c_text(name, "name")?, optional_c_text(source, "source")?);
        let output = c_path(output.as_ref())?;
        let mut out = Given::none();
        with_progress(progress, |watch, user| unsafe {
            let (name, source, output) = (name.as_ptr(), pointer(&source), output.as_ptr());
            let place = out.place();
            sys::quant_catalog_add_named_variant(
                self.raw(),
                name,
                source,
                plan.raw(),
                output,
                watch,
                user,
                place,
            )
        })?;
        Ok(out.into_text())
    }

    /// Give a variant a second name, with the same file, recipe, base and measurements.
    pub fn copy(&mut self, source: &str, name: &str) -> Result<String> {
        let (source, name) = (c_text(source, "source")?, c_text(name, "name")?);
        let out = Given::by(|out| unsafe {
            sys::quant_catalog_copy(self.raw(), source.as_ptr(), name.as_ptr(), out)
        })?;
        Ok(out.into_text())
    }

    /// Remove a variant ("model:variant") or a model with all its variants ("model"). Files that the library made are
    /// deleted, unless another variant has the same one; all others stay. Gives the number of variants.
    pub fn remove(&mut self, name: &str) -> Result<u32> {
        self.remove_flagged(name, 0)
    }

    /// Forget a variant or a model, but leave its files.
    pub fn forget(&mut self, name: &str) -> Result<u32> {
        self.remove_flagged(name, sys::QUANT_REMOVE_KEEP_FILE)
    }

    fn remove_flagged(&mut self, name: &str, flags: u32) -> Result<u32> {
        let name = c_text(name, "name")?;
        let mut removed = 0;
        check(unsafe { sys::quant_catalog_remove(self.raw(), name.as_ptr(), flags, &mut removed) })?;
        Ok(removed)
    }

    /// Remove what killed processes have left half-written in the catalog's folder. Gives the number of files.
    pub fn clean(&mut self) -> Result<u32> {
        let mut removed = 0;
        check(unsafe { sys::quant_catalog_clean(self.raw(), &mut removed) })?;
        Ok(removed)
    }

    /// All that is known of a variant, as one JSON object.
    pub fn show(&self, name: &str) -> Result<String> {
        let name = c_text(name, "name")?;
        Ok(Given::by(|out| unsafe { sys::quant_catalog_show(self.raw(), name.as_ptr(), out) })?.into_text())
    }

    /// A model with all its variants, as one JSON object.
    pub fn show_model(&self, name: &str) -> Result<String> {
        let name = c_text(name, "name")?;
        Ok(Given::by(|out| unsafe { sys::quant_catalog_show_model(self.raw(), name.as_ptr(), out) })?
            .into_text())
    }

    /// The name of the base that a variant is measured against.
    pub fn base(&self, name: &str) -> Result<String> {
        let name = c_text(name, "name")?;
        Ok(Given::by(|out| unsafe { sys::quant_catalog_base(self.raw(), name.as_ptr(), out) })?.into_text())
    }

    /// The text that a model is measured on by default.
    pub fn eval_text(&self, name: &str) -> Result<ModelText> {
        self.text_of(name, sys::quant_catalog_eval_text)
    }

    /// The text that a model is calibrated with by default.
    pub fn calibration_text(&self, name: &str) -> Result<ModelText> {
        self.text_of(name, sys::quant_catalog_calibration_text)
    }

    fn text_of(&self, name: &str, call: TextOf) -> Result<ModelText> {
        let name = c_text(name, "name")?;
        let mut own = 0;
        let path = Given::by(|out| unsafe { call(self.raw(), name.as_ptr(), out, &mut own) })?;
        Ok(ModelText { path: path.into_path(), own: own != 0 })
    }

    /// Record a measurement of a variant, on a text of that name, and the perplexity it found for the base.
    pub fn record_eval(
        &mut self,
        name: &str,
        base: Option<&str>,
        text: &str,
        found: &Evaluated,
    ) -> Result<()> {
        let (name, base) = (c_text(name, "name")?, optional_c_text(base, "base")?);
        let (text, raw) = (c_text(text, "text_name")?, self.raw());
        check(unsafe {
            sys::quant_catalog_record_eval(raw, name.as_ptr(), pointer(&base), text.as_ptr(), found.raw())
        })
    }

    /// Write a measurement into the model's own GGUF file, so that it travels with it. Progress is in bytes.
    pub fn stamp<A: Answer>(
        &mut self,
        name: &str,
        base: Option<&str>,
        text: &str,
        found: &Evaluated,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<()> {
        let (name, base) = (c_text(name, "name")?, optional_c_text(base, "base")?);
        let text = c_text(text, "text_name")?;
        with_progress(progress, |watch, user| unsafe {
            let (name, base, text) = (name.as_ptr(), pointer(&base), text.as_ptr());
            sys::quant_catalog_stamp(self.raw(), name, base, text, found.raw(), watch, user)
        })
    }

    /// Record speeds of a variant on this machine.
    pub fn record_bench(&mut self, name: &str, found: &BenchResult) -> Result<()> {
        let name = c_text(name, "name")?;
        check(unsafe { sys::quant_catalog_record_bench(self.raw(), name.as_ptr(), found.raw()) })
    }
}

/// Functions that give the path of a text, and whether it is the model's own.
type TextOf = unsafe extern "C" fn(
    *mut sys::quant_catalog,
    *const c_char,
    *mut *mut c_char,
    *mut i32,
) -> sys::quant_status;

impl Drop for Catalog {
    fn drop(&mut self) {
        // SAFETY: it is this one's own, and released once.
        unsafe { sys::quant_catalog_free(self.raw()) }
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Catalog")
    }
}
