//! Ten thousand tokenizers and three hundred models opened and closed: memory and descriptors stay as they were.

mod common;

use common::{Scratch, base, held};
use libquant::{Generate, Model, TextFlags, Tokenizer};

/// Growth that is none: what allocators and pools keep for themselves.
const SLACK: usize = 8 << 20;

/// A tokenizer of few tokens, so that opening it is quick.
const SMALL: &str = r#"{"version":"1.0","added_tokens":[],"normalizer":null,
"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
"decoder":{"type":"ByteLevel"},
"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}"#;

// One test, for what runs beside it would be counted.
#[test]
fn what_is_opened_and_closed_leaves_nothing() {
    let scratch = Scratch::new();
    let small = scratch.file("tokenizer.json");
    std::fs::write(&small, SMALL).unwrap();
    assert_flat("tokenizers", 500, 10_000, || {
        let tokenizer = Tokenizer::open(&small).unwrap();
        assert_eq!(tokenizer.tokenize("abab", TextFlags::NONE).unwrap(), [2, 2]);
        assert_eq!(tokenizer.detokenize(&[2, 0], TextFlags::NONE).unwrap(), "aba");
    });

    let q8 = scratch.q8();
    assert_flat("models", 30, 300, || {
        let mut session = Model::open(&q8).unwrap().session().unwrap();
        session.generate(&Generate::new("And").max_tokens(2), |_| ()).unwrap();
    });
    assert_flat("streams", 30, 300, || {
        let mut session = Model::open(&q8).unwrap().session().unwrap();
        let stream = session.stream(&Generate::new("And").max_tokens(8)).unwrap();
        assert_eq!(stream.take(2).filter(Result::is_ok).count(), 2);
    });
    assert_flat("errors", 100, 2_000, || {
        Model::open(base().join("none")).unwrap_err();
        Tokenizer::open(&q8).unwrap().tokenize("a", TextFlags::SKIP_SPECIAL).unwrap_err();
    });
}

fn assert_flat(what: &str, warm: usize, rounds: usize, mut round: impl FnMut()) {
    (0..warm).for_each(|_| round());
    let before = held();
    (0..rounds).for_each(|_| round());
    let after = held();
    println!(
        "{what}: {rounds} rounds, RSS {} to {} KiB, {} to {} descriptors",
        before.0 >> 10,
        after.0 >> 10,
        before.1,
        after.1
    );
    assert_eq!(after.1, before.1, "{what}: descriptors");
    assert!(after.0 < before.0 + SLACK, "{what}: {} bytes became {}", before.0, after.0);
}
