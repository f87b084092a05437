//! Streams: the same text as by a callback, stopped anywhere, dropped and forgotten.

mod common;

use common::base;
use libquant::{Generate, Model, Sampling, Session, SessionOptions, Status, Stop};

fn ask(tokens: u32) -> Generate {
    Generate::new("And God said, Let there be").max_tokens(tokens).greedy()
}

fn session() -> Session {
    Model::open(base()).unwrap().session().unwrap()
}

#[test]
fn a_stream_tells_what_a_callback_gets() {
    let sampling = Sampling { seed: 11, ..Sampling::default() };
    let ask = ask(40).sampling(sampling);
    let (mut called, mut session) = (Vec::new(), session());
    session.generate(&ask, |piece| called.push(piece.to_owned())).unwrap();
    session.truncate(0).unwrap();
    let mut stream = session.stream(&ask).unwrap();
    let streamed: Vec<String> = stream.by_ref().map(Result::unwrap).collect();
    assert_eq!(streamed, called);
    assert!(stream.next().is_none());
    let made = stream.finish().unwrap();
    assert_eq!((made.stop, made.generated_tokens, made.seed), (Stop::Length, 40, 11));
}

#[test]
fn a_stream_makes_no_token_that_was_not_asked_for() {
    let (mut called, mut streamed) = (session(), session());
    let mut pieces = 0;
    let by_callback = called
        .generate(&ask(40), |_| {
            pieces += 1;
            if pieces == 5 { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        })
        .unwrap();
    let mut stream = streamed.stream(&ask(40)).unwrap();
    assert_eq!(stream.by_ref().take(5).filter(Result::is_ok).count(), 5);
    let by_stream = stream.finish().unwrap();
    assert_eq!(by_stream.stop, Stop::Caller);
    assert_eq!(by_stream.generated_tokens, by_callback.generated_tokens);
    assert_eq!(streamed.length().unwrap(), called.length().unwrap());
}

#[test]
fn a_dropped_stream_gives_its_session_back() {
    let mut session = session();
    for taken in 0..4 {
        let pieces: Vec<_> = session.stream(&ask(30)).unwrap().take(taken).collect();
        assert_eq!(pieces.len(), taken);
        session.truncate(0).unwrap();
    }
    assert!(!session.generate_text(&ask(4)).unwrap().is_empty());
}

#[test]
fn a_stream_that_was_not_begun_has_run_nothing() {
    let mut session = session();
    let unbegun = session.stream(&ask(4)).unwrap().finish().unwrap_err();
    assert_eq!(unbegun.status(), Status::Cancelled);
    assert_eq!(session.length().unwrap(), 0);
}

#[test]
fn a_forgotten_stream_leaves_an_error_and_no_crash() {
    let mut session = session();
    let mut stream = session.stream(&ask(30)).unwrap();
    stream.next().unwrap().unwrap();
    std::mem::forget(stream);
    assert_eq!(session.length().unwrap_err().status(), Status::Busy);
    assert_eq!(session.generate(&ask(1), |_| ()).unwrap_err().status(), Status::Busy);
    assert_eq!(session.fork(0).unwrap_err().status(), Status::Busy);
    assert_eq!(session.stream(&ask(1)).unwrap_err().status(), Status::Busy);
}

#[test]
fn the_error_of_a_generation_is_the_stream_s_last_item() {
    let model = Model::open(base()).unwrap();
    let mut session = Session::new(&model, &SessionOptions::new().context_length(8)).unwrap();
    let long = Generate::new("And it came to pass. ".repeat(20));
    let mut stream = session.stream(&long).unwrap();
    assert_eq!(stream.next().unwrap().unwrap_err().status(), Status::Limit);
    assert!(stream.next().is_none());
    assert!(stream.finish().is_err());
    assert!(!session.generate_text(&Generate::new("And").max_tokens(2)).unwrap().is_empty());
}
