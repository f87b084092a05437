//! What this crate costs over the C interface, which is called here as C would call it:
//!
//!     cargo bench --bench overhead -- [TOKENS [ROUNDS]]
//!
//! Run on one core (taskset -c 0) the whole of a generation is on the calling thread, whose own time other programs
//! do not change: that is what the callbacks are compared by. Streams use two threads, and are timed by the clock.
//!
//! Prints, as JSON, (1) microseconds that a token's callback costs more by Session::generate and by Session::stream,
//! (2) how fast 16 Mi floats are encoded, C's speed being 1. Both sides alternate; medians of the rounds.

use std::ffi::{c_char, c_int, c_void};
use std::time::Instant;

use libquant::{Encode, Encoding, Generate, Method, Model, Session, doc_model};
use libquant_sys as sys;

const ROWS: usize = 4096;
const COLS: usize = 4096;

fn main() {
    // Cargo adds --bench.
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let tokens = numbers.next().unwrap_or(100);
    let rounds = numbers.next().unwrap_or(101) as usize;
    let [c, called, streamed] = callbacks(tokens, rounds);
    println!("{{\"tokens\": {tokens}, \"rounds\": {rounds},");
    println!(" \"c_us_per_token\": {:.3},", c * 1e6);
    println!(" \"callback_overhead_us\": {:.3},", called * 1e6);
    println!(" \"stream_overhead_us\": {:.3},", streamed * 1e6);
    let q8 = encoding(Encoding::Q8_0, rounds.min(9));
    let q4 = encoding(Encoding::Q4_0, rounds.min(9));
    println!(" \"encode_speed\": {{\"Q8_0\": {q8:.4}, \"Q4_0\": {q4:.4}}}}}");
}

/// Seconds a token by C, and what generate() and stream() take more in the same round: medians. The first two are
/// of this thread, the last is by the clock.
fn callbacks(tokens: u32, rounds: usize) -> [f64; 3] {
    let model = Model::open(doc_model()).expect("the small model");
    let mut session = model.session().expect("a session");
    let ask = Generate::new("In the beginning").max_tokens(tokens).greedy();
    let mut seconds = [const { Vec::new() }; 3];
    for round in 0..rounds {
        // Who runs first finds other things in the caches.
        let first = (round % 2 == 1).then(|| timed(|| by_callback(&mut session, &ask)));
        let c = timed(|| by_c(&mut session, tokens));
        let called = first.unwrap_or_else(|| timed(|| by_callback(&mut session, &ask)));
        let streamed = timed(|| by_stream(&mut session, &ask));
        for (all, one) in seconds.iter_mut().zip([c.own, called.own - c.own, streamed.clock - c.clock]) {
            all.push(one / f64::from(tokens));
        }
    }
    seconds.map(median)
}

fn by_callback(session: &mut Session, ask: &Generate) {
    session.truncate(0).unwrap();
    session.generate(ask, |_| ()).unwrap();
}

fn by_stream(session: &mut Session, ask: &Generate) {
    session.truncate(0).unwrap();
    assert!(session.stream(ask).unwrap().all(|piece| piece.is_ok()));
}

/// As a C program calls it, on the same session, so that the same memory is read.
fn by_c(session: &mut Session, tokens: u32) {
    let prompt = "In the beginning";
    let raw = session.as_ptr().unwrap();
    let mut sampling = sys::quant_sampling::default();
    let mut options = sys::quant_generate_options::default();
    let mut made =
        sys::quant_generate_result { size: size_of::<sys::quant_generate_result>(), ..Default::default() };
    unsafe {
        sys::quant_session_truncate(raw, 0);
        sys::quant_sampling_init(&mut sampling, size_of_val(&sampling));
        sys::quant_generate_options_init(&mut options, size_of_val(&options));
        sampling.temperature = 0.0;
        options.sampling = &sampling;
        (options.prompt, options.prompt_bytes) = (prompt.as_ptr().cast(), prompt.len());
        options.max_tokens = tokens;
        options.on_text = Some(nothing);
        assert_eq!(sys::quant_generate(raw, &options, &mut made), sys::QUANT_OK);
    }
}

unsafe extern "C" fn nothing(_: *mut c_void, _: *const c_char, _: usize) -> c_int {
    0
}

/// The speed of Encode::into_slice, C's being 1.
fn encoding(encoding: Encoding, rounds: usize) -> f64 {
    let weights: Vec<f32> =
        (0..(ROWS * COLS) as u64).map(|i| (((i * 7919 + 13) % 2001) as f32 - 1000.0) / 1024.0).collect();
    let mut out = vec![0; encoding.encoded_size(ROWS, COLS).unwrap()];
    let encode = Encode::new(encoding).method(Method::Round);
    let (mut c, mut rust) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        c.push(timed(|| encode_in_c(encoding, &weights, &mut out)).own);
        rust.push(timed(|| encode.into_slice(&weights, ROWS, COLS, &mut out).unwrap()).own);
    }
    median(c) / median(rust)
}

fn encode_in_c(encoding: Encoding, weights: &[f32], out: &mut [u8]) {
    let mut options = sys::quant_encode_options::default();
    let (to, bytes) = (out.as_mut_ptr().cast(), out.len() as u64);
    unsafe {
        sys::quant_encode_options_init(&mut options, size_of_val(&options));
        options.method = sys::QUANT_METHOD_ROUND;
        let (from, rows, cols) = (weights.as_ptr(), ROWS as u64, COLS as u64);
        assert_eq!(sys::quant_encode(encoding.id(), from, rows, cols, &options, to, bytes), sys::QUANT_OK);
    }
}

/// Seconds that something took.
struct Took {
    clock: f64,
    /// Of this thread on a core.
    own: f64,
}

fn timed(work: impl FnOnce()) -> Took {
    let (begun, own) = (Instant::now(), own_seconds());
    work();
    Took { clock: begun.elapsed().as_secs_f64(), own: own_seconds() - own }
}

/// What this thread has had of a core, as the system counts it.
fn own_seconds() -> f64 {
    #[repr(C)]
    struct Time {
        seconds: std::ffi::c_long,
        nanoseconds: std::ffi::c_long,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: c_int, time: *mut Time) -> c_int;
    }
    const THREAD: c_int = 3; // CLOCK_THREAD_CPUTIME_ID
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    assert_eq!(unsafe { clock_gettime(THREAD, &mut time) }, 0);
    time.seconds as f64 + time.nanoseconds as f64 * 1e-9
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
