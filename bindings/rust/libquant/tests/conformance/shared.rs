//! A model through the daemon that QUANTD names, on a socket and a catalog of its own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libquant::{Catalog, SharedOptions};

use crate::common::Scratch;
use crate::models;
use crate::runner::{Case, Runner};

/// A daemon that ends with this.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn generate(runner: &Runner, case: &Case<'_>) {
    let Some(program) = std::env::var_os("QUANTD") else {
        println!("shared: skipped, for QUANTD does not name a daemon");
        return;
    };
    let scratch = Scratch::new();
    let path = runner.path(case.input["model"].as_str().unwrap_or("q8"));
    let mut catalog = Catalog::open_file(scratch.file("catalog.db")).unwrap();
    let name = catalog.import(path, Some("lent:Q8_0"), |_| ()).unwrap();
    let socket = scratch.file("quantd.sock");
    let child = Command::new(program)
        .arg("--socket")
        .arg(&socket)
        .env("QUANT_HOME", scratch.path())
        .env("XDG_CONFIG_HOME", scratch.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a daemon");
    let mut daemon = Daemon(child);
    let begun = Instant::now();
    while !socket.exists() {
        assert!(daemon.0.try_wait().unwrap().is_none(), "the daemon has ended");
        assert!(begun.elapsed() < Duration::from_secs(20), "the daemon does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    let model = SharedOptions::new().socket(&socket).open(&name).unwrap();
    // What is borrowed stays when the daemon has gone.
    drop(daemon);
    models::generate(&model, case);
}
