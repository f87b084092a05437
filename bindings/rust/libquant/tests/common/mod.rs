//! What all tests use: the small model, a scratch folder, and the quantized model in it.
#![allow(dead_code)] // Each test program uses a part.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use libquant::{Method, Model, Quantize};

/// The small model's folder: QUANT_SHARE/models/kjv-5m.
pub fn base() -> PathBuf {
    libquant::doc_model()
}

/// A folder of this test's own, removed when it goes.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("libquant-rust-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a scratch folder");
        Scratch(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The small model in Q8_0, made by rounding.
    pub fn q8(&self) -> PathBuf {
        let output = self.file("q8.gguf");
        if !output.exists() {
            let mut plan = Quantize::to("Q8_0").method(Method::Round).plan(base()).expect("a plan");
            plan.run(&output).expect("a quantized model");
        }
        output
    }

    pub fn q8_model(&self) -> Model {
        Model::open(self.q8()).expect("the quantized model")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Resident bytes and open descriptors of this process.
pub fn held() -> (usize, usize) {
    let status = std::fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: usize =
        status.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a number of pages");
    (pages * 4096, std::fs::read_dir("/proc/self/fd").expect("/proc").count())
}
