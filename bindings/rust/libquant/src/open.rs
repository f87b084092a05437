//! How models are opened: from files, and through the daemon.

use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::ptr;

use libquant_sys as sys;

use crate::callback::with_progress;
use crate::error::check;
use crate::raw::{c_path, c_text, optional_c_text, options, pointer};
use crate::{Answer, Model, Progress, Result};

/// How to open a model's files.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    prefault: bool,
    numa: Option<String>,
    pack_cache: Option<String>,
}

impl OpenOptions {
    /// As [`Model::open`] does it.
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// Read all of the files before opening returns, so that the first prompt does not wait for the disk.
    pub fn prefault(self, prefault: bool) -> OpenOptions {
        OpenOptions { prefault, ..self }
    }

    /// How workers and weights are spread over memory nodes: "auto", "shard", "mirror", "node=N" or "off". The first
    /// model settles it for the process. Unless set, as QUANT_NUMA in the environment says, else "auto".
    pub fn numa(self, policy: impl Into<String>) -> OpenOptions {
        OpenOptions { numa: Some(policy.into()), ..self }
    }

    /// Whether weights as this CPU reads them are kept on disk: "off", "on", or the size of all at most, such as
    /// "8G". Unless set, as QUANT_PACK_CACHE in the environment says, else "off".
    pub fn pack_cache(self, cache: impl Into<String>) -> OpenOptions {
        OpenOptions { pack_cache: Some(cache.into()), ..self }
    }

    /// Open a GGUF file or a Hugging Face folder.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Model> {
        self.call(path.as_ref(), |open| check(open(None, ptr::null_mut())))
    }

    /// The same, with the progress of [`prefault`](OpenOptions::prefault) in bytes.
    pub fn open_with<A: Answer>(
        &self,
        path: impl AsRef<Path>,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<Model> {
        self.call(path.as_ref(), |open| with_progress(progress, open))
    }

    fn call(&self, path: &Path, run: impl FnOnce(&mut Call<'_>) -> Result<()>) -> Result<Model> {
        let path = c_path(path)?;
        let numa = optional_c_text(self.numa.as_deref(), "numa")?;
        let pack_cache = optional_c_text(self.pack_cache.as_deref(), "pack_cache")?;
        let mut options: sys::quant_open_options = options!(quant_open_options_init);
        options.flags = if self.prefault { sys::QUANT_OPEN_PREFAULT } else { 0 };
        options.numa = pointer(&numa);
        options.pack_cache = pointer(&pack_cache);
        own(run, |out, watch, user| {
            options.progress = watch;
            options.user = user;
            // SAFETY: strings and options live through the call.
            unsafe { sys::quant_model_open(out, path.as_ptr(), &options) }
        })
    }
}

/// How to borrow a model from the daemon, which loads it where it is not resident yet. Its weights are the daemon's
/// memory; all else is a model like any other, also when the daemon dies.
#[derive(Clone, Debug, Default)]
pub struct SharedOptions {
    verify: bool,
    socket: Option<PathBuf>,
    timeout: std::time::Duration,
}

impl SharedOptions {
    /// As [`Model::open_shared`] does it.
    pub fn new() -> SharedOptions {
        SharedOptions::default()
    }

    /// The daemon's socket. Unless set, QUANT_SOCKET in the environment, else quantd.sock in $XDG_RUNTIME_DIR if
    /// there is one, else /run/quantd/quantd.sock.
    pub fn socket(self, path: impl Into<PathBuf>) -> SharedOptions {
        SharedOptions { socket: Some(path.into()), ..self }
    }

    /// How long to wait for the daemon, which answers when it has loaded the model; unless set, or zero, 300 seconds.
    pub fn timeout(self, timeout: std::time::Duration) -> SharedOptions {
        SharedOptions { timeout, ..self }
    }

    /// Compare the packed weights with their checksums before they are used.
    pub fn verify(self, verify: bool) -> SharedOptions {
        SharedOptions { verify, ..self }
    }

    /// Borrow a model by its name in the daemon's catalog. Unavailable where no daemon answers.
    pub fn open(&self, name: &str) -> Result<Model> {
        self.call(name, |open| check(open(None, ptr::null_mut())))
    }

    /// The same, with progress about ten times a second while the daemon loads the model.
    pub fn open_with<A: Answer>(
        &self,
        name: &str,
        progress: impl FnMut(&Progress<'_>) -> A,
    ) -> Result<Model> {
        self.call(name, |open| with_progress(progress, open))
    }

    fn call(&self, name: &str, run: impl FnOnce(&mut Call<'_>) -> Result<()>) -> Result<Model> {
        let name = c_text(name, "name")?;
        let socket = self.socket.as_deref().map(c_path).transpose()?;
        let mut options: sys::quant_shared_options = options!(quant_shared_options_init);
        options.flags = if self.verify { sys::QUANT_SHARED_VERIFY } else { 0 };
        options.socket = pointer(&socket);
        options.timeout_seconds = self.timeout.as_secs_f64();
        own(run, |out, watch, user| {
            options.progress = watch;
            options.user = user;
            // SAFETY: strings and options live through the call.
            unsafe { sys::quant_model_open_shared(out, name.as_ptr(), &options) }
        })
    }
}

/// A C call that still needs to be told of progress.
type Call<'a> = dyn FnMut(sys::quant_progress_fn, *mut c_void) -> sys::quant_status + 'a;

/// The model that `call` makes when `run` runs it.
fn own(
    run: impl FnOnce(&mut Call<'_>) -> Result<()>,
    mut call: impl FnMut(*mut *mut sys::quant_model, sys::quant_progress_fn, *mut c_void) -> sys::quant_status,
) -> Result<Model> {
    let mut raw = ptr::null_mut();
    run(&mut |watch, user| call(&mut raw, watch, user))?;
    // SAFETY: a fresh handle.
    Ok(unsafe { Model::own(raw) })
}
