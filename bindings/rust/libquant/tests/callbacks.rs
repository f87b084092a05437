//! Callbacks: what they answer, what they fail with, and several threads of them at once.

mod common;

use std::error::Error as _;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use common::{Scratch, base};
use libquant::{Generate, Model, Quantize, Status, Stop};

#[derive(Debug, PartialEq)]
struct Mine(u32);

impl std::fmt::Display for Mine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "my own error {}", self.0)
    }
}

impl std::error::Error for Mine {}

fn ask(tokens: u32) -> Generate {
    Generate::new("In the beginning").max_tokens(tokens).greedy()
}

#[test]
fn a_break_ends_a_generation_well() {
    let mut session = Model::open(base()).unwrap().session().unwrap();
    let mut pieces = 0;
    let made = session
        .generate(&ask(30), |_| {
            pieces += 1;
            if pieces == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((made.stop, pieces), (Stop::Caller, 3));
}

#[test]
fn an_error_comes_back_as_itself() {
    let mut session = Model::open(base()).unwrap().session().unwrap();
    let mut calls = 0;
    let failed = session
        .generate(&ask(30), |_| {
            calls += 1;
            Err::<(), _>(Mine(7))
        })
        .unwrap_err();
    assert_eq!((failed.status(), calls), (Status::Cancelled, 1));
    assert_eq!(failed.source().unwrap().downcast_ref(), Some(&Mine(7)));
    assert_eq!(failed.message(), "my own error 7");
    assert_eq!(*failed.into_callback_error().unwrap().downcast::<Mine>().unwrap(), Mine(7));
    // Nothing is left in the session that would hinder the next generation.
    assert_eq!(session.generate(&ask(2), |_| ()).unwrap().stop, Stop::Length);
}

#[test]
fn a_panic_goes_on_behind_the_call() {
    let mut session = Model::open(base()).unwrap().session().unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        session.generate(&ask(30), |_| -> () { std::panic::panic_any(Mine(9)) })
    }))
    .unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&Mine(9)));
    assert_eq!(session.generate(&ask(2), |_| ()).unwrap().stop, Stop::Length);
}

#[test]
fn a_panic_in_progress_leaves_no_file() {
    let scratch = Scratch::new();
    let mut plan = Quantize::to("Q4_0").plan(base()).unwrap();
    let output = scratch.file("out.gguf");
    let panic = catch_unwind(AssertUnwindSafe(|| {
        plan.run_with(&output, |_| -> () { std::panic::panic_any(Mine(3)) })
    }))
    .unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&Mine(3)));
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    // The same plan runs after it.
    plan.run(&output).unwrap();
    assert_eq!(std::fs::metadata(&output).unwrap().len(), plan.summary().unwrap().output_bytes);
}

#[test]
fn prefill_tells_its_progress_and_can_be_cancelled() {
    let mut session = Model::open(base()).unwrap().session().unwrap();
    let long = Generate::new("And it came to pass. ".repeat(60)).max_tokens(1);
    let failed = session.generate_with(&long, |_| (), |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(failed.status(), Status::Cancelled);
    assert!(failed.source().is_none());
}

#[test]
fn threads_generate_at_once_and_each_stops_where_it_says() {
    let model = Model::open(base()).unwrap();
    thread::scope(|scope| {
        for number in 0..8_usize {
            let model = &model;
            scope.spawn(move || {
                for round in 0..12 {
                    stop_by(model, 1 + number, round);
                }
            });
        }
    });
}

/// Stop after so many pieces, in the three ways there are.
fn stop_by(model: &Model, after: usize, round: usize) {
    let mut session = model.session().unwrap();
    let mut pieces = 0;
    let mut is_last = || {
        pieces += 1;
        pieces == after
    };
    match round % 3 {
        0 => {
            let flow = |stop| if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            assert_eq!(session.generate(&ask(40), |_| flow(is_last())).unwrap().stop, Stop::Caller);
        }
        1 => {
            let failed = session.generate(&ask(40), |_| if is_last() { Err(Mine(1)) } else { Ok(()) });
            assert_eq!(failed.unwrap_err().source().unwrap().downcast_ref(), Some(&Mine(1)));
        }
        _ => {
            let panic = catch_unwind(AssertUnwindSafe(|| {
                session.generate(&ask(40), |_| {
                    if is_last() {
                        std::panic::resume_unwind(Box::new(after))
                    }
                })
            }));
            assert_eq!(panic.unwrap_err().downcast_ref(), Some(&after));
        }
    }
    assert_eq!(pieces, after);
}
