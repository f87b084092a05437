//! Finds the library and its headers, and has bindgen write them down in Rust.
//!
//! LIBQUANT_INCLUDE_DIR and LIBQUANT_LIB_DIR name the folders (include/ and the one with libquant.so), both or none;
//! without them pkg-config is asked, which PKG_CONFIG, PKG_CONFIG_PATH and PKG_CONFIG_SYSROOT_DIR direct.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The library's version that this crate was written for; a later one of the same soname will do.
const LEAST_VERSION: &str = "0.1";

/// Where the library is.
struct Place {
    includes: Vec<PathBuf>,
    libraries: Vec<PathBuf>,
}

fn main() {
    let place = named_place().unwrap_or_else(asked_place);
    for folder in &place.libraries {
        println!("cargo::rustc-link-search=native={}", folder.display());
        // Dependents see it as DEP_QUANT_LIBDIR.
        println!("cargo::metadata=libdir={}", folder.display());
    }
    println!("cargo::rustc-link-lib=dylib=quant");
    println!("cargo::rerun-if-changed=build.rs");
    write_bindings(&place.includes);
}

/// The place that the environment names, if it does.
fn named_place() -> Option<Place> {
    let folder = |name: &str| {
        println!("cargo::rerun-if-env-changed={name}");
        env::var_os(name).map(PathBuf::from)
    };
    match (folder("LIBQUANT_INCLUDE_DIR"), folder("LIBQUANT_LIB_DIR")) {
        (Some(include), Some(library)) => Some(Place { includes: vec![include], libraries: vec![library] }),
        (None, None) => None,
        _ => stop("LIBQUANT_INCLUDE_DIR and LIBQUANT_LIB_DIR: expected both or none, found one"),
    }
}

/// The place that pkg-config knows.
fn asked_place() -> Place {
    for name in ["PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    Place { includes: flags("--cflags-only-I", "-I"), libraries: flags("--libs-only-L", "-L") }
}

/// What pkg-config answers to `question`, each without its `prefix`.
fn flags(question: &str, prefix: &str) -> Vec<PathBuf> {
    let program = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let asked = Command::new(&program)
        .args([question, &format!("libquant >= {LEAST_VERSION}")])
        .output()
        .unwrap_or_else(|error| stop(&format!("{}: {error}", program.to_string_lossy())));
    if !asked.status.success() {
        stop(&format!(
            "libquant was not found; set PKG_CONFIG_PATH, or LIBQUANT_INCLUDE_DIR and LIBQUANT_LIB_DIR. {}",
            String::from_utf8_lossy(&asked.stderr).trim()
        ));
    }
    words(&String::from_utf8_lossy(&asked.stdout))
        .iter()
        .filter_map(|word| word.strip_prefix(prefix).map(PathBuf::from))
        .collect()
}

/// The words of a line in which a backslash keeps a blank, as pkg-config writes it.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut word, mut kept) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '\\' if !kept => kept = true,
            c if c.is_whitespace() && !kept => all.push(std::mem::take(&mut word)),
            c => {
                word.push(c);
                kept = false;
            }
        }
    }
    all.push(word);
    all.retain(|word| !word.is_empty());
    all
}

/// All functions, structs and numbers of the headers, into OUT_DIR.
fn write_bindings(includes: &[PathBuf]) {
    let folders = includes.iter().map(|folder| format!("-I{}", folder.display()));
    let bindings = bindgen::Builder::default()
        .header_contents("all_of_quant.h", "#include <quant/quant.h>\n")
        .clang_args(folders)
        // Headers in system folders (no -I) are to cause a new build as well.
        .parse_callbacks(Box::new(bindgen::CargoCallbacks::new().rerun_on_header_files(true)))
        .parse_callbacks(Box::new(Comments))
        .allowlist_function("quant_.*")
        .allowlist_type("quant_.*")
        .allowlist_var("QUANT_.*")
        // An enumeration of C may hold any int, so a newer library's value must be no undefined behaviour.
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .derive_default(true)
        .generate_comments(true)
        .generate()
        .unwrap_or_else(|error| stop(&format!("bindgen: {error}")));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("quant.rs");
    bindings.write_to_file(&out).unwrap_or_else(|error| stop(&format!("{}: {error}", out.display())));
}

/// Turns the headers' comments into Markdown.
#[derive(Debug)]
struct Comments;

impl bindgen::callbacks::ParseCallbacks for Comments {
    /// Each "@param" and "@retval" becomes an item of a list, and no line is indented, which would make it code.
    fn process_comment(&self, comment: &str) -> Option<String> {
        let lines = comment.trim_start().trim_start_matches('<').lines().map(|line| match line.trim() {
            item if item.starts_with('@') => format!("- {}", item.trim_start_matches('@')),
            text => text.to_owned(),
        });
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}

/// End the build with a sentence.
fn stop(sentence: &str) -> ! {
    println!("cargo::error={sentence}");
    std::process::exit(1)
}
