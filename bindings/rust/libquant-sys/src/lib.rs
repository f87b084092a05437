//! The C interface of libquant, one to one: `include/quant/*.h` as bindgen reads them. Each item has the comment
//! of its header, which says what may be passed, who owns what comes back, and which threads may call.
//!
//! Programs use the crate `libquant`, which is safe; this one is for what that leaves out.
#![allow(missing_docs, non_camel_case_types, non_upper_case_globals)]
// Comments of C headers have <angles> and [brackets] that mean nothing to rustdoc.
#![allow(rustdoc::all, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/quant.rs"));
