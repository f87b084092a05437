//! Sessions, forks and chats; objects that outlive what they came from; threads.

mod common;

use std::thread;

use common::{Scratch, base};
use libquant::{Chat, Embed, Generate, Model, Pooling, SessionOptions, Status, TextFlags, Tokenizer};

fn ask() -> Generate {
    Generate::new("And the LORD").max_tokens(12).greedy()
}

#[test]
fn forks_go_on_like_the_first() {
    let mut first = Model::open(base()).unwrap().session().unwrap();
    first.generate(&Generate::new("In the beginning").max_tokens(1).greedy(), |_| ()).unwrap();
    let length = first.length().unwrap();
    let go_on = Generate::new(" God").text_flags(TextFlags::NONE).max_tokens(10).greedy();
    let mut fork = first.fork(length).unwrap();
    assert_eq!(fork.length().unwrap(), length);
    let expected = first.generate_text(&go_on).unwrap();
    // The fork is its own, on another thread, when the first has gone.
    drop(first);
    let found = thread::spawn(move || fork.generate_text(&go_on).unwrap()).join().unwrap();
    assert_eq!(found, expected);
}

#[test]
fn a_fork_of_more_than_there_is_fails() {
    let session = Model::open(base()).unwrap().session().unwrap();
    assert_eq!(session.fork(1).unwrap_err().status(), Status::Argument);
}

#[test]
fn a_whole_prompt_keeps_what_it_has_in_common() {
    let mut session = Model::open(base()).unwrap().session().unwrap();
    let turn = |text: &str| Generate::new(text).whole(true).max_tokens(2).greedy();
    session.generate(&turn("In the beginning God created"), |_| ()).unwrap();
    let made = session.generate(&turn("In the beginning God created the heaven"), |_| ()).unwrap();
    assert!(made.cached_tokens > 0, "{made:?}");
}

#[test]
fn sessions_and_tokenizers_keep_their_model() {
    let model = Model::open(base()).unwrap();
    let (mut session, tokenizer) = (model.session().unwrap(), model.tokenizer().unwrap());
    drop(model);
    let ids = tokenizer.tokenize("And God said", TextFlags::ADD_SPECIAL).unwrap();
    assert_eq!(session.logits(&ids).unwrap().len(), tokenizer.size());
}

#[test]
fn one_model_serves_many_threads() {
    let model = Model::open(base()).unwrap();
    let expected = model.session().unwrap().generate_text(&ask()).unwrap();
    let threads: Vec<_> = (0..6)
        .map(|_| {
            let model = model.clone();
            thread::spawn(move || model.session().unwrap().generate_text(&ask()).unwrap())
        })
        .collect();
    drop(model);
    for thread in threads {
        assert_eq!(thread.join().unwrap(), expected);
    }
}

#[test]
fn a_context_that_is_full_ends_a_generation() {
    let model = Model::open(base()).unwrap();
    let options = SessionOptions::new().context_length(16).lookup(true);
    let mut session = libquant::Session::new(&model, &options).unwrap();
    assert_eq!(session.capacity().unwrap(), 16);
    let made = session.generate(&ask().max_tokens(0), |_| ()).unwrap();
    assert_eq!(made.stop, libquant::Stop::Context);
}

#[test]
fn bytes_and_nul_are_text_like_any() {
    let tokenizer = Tokenizer::open(base()).unwrap();
    for text in [&b"a\0b"[..], b"\xff\xfe", b"", "Grüße 🌍".as_bytes()] {
        let ids = tokenizer.tokenize(text, TextFlags::NONE).unwrap();
        assert_eq!(tokenizer.detokenize_bytes(&ids, TextFlags::NONE).unwrap(), text);
    }
    let mut session = Model::open(base()).unwrap().session().unwrap();
    session.generate(&Generate::new(b"In\0the\xff").max_tokens(2), |_| ()).unwrap();
    // Where C would see the end of a name, there is an error.
    let cut = Model::open("a\0b").unwrap_err();
    assert_eq!((cut.status(), cut.message().contains("byte 1")), (Status::Argument, true));
}

#[test]
fn text_of_a_chat_is_json_whatever_is_in_it() {
    let content = "\"quoted\" \\ back\nline\ttab\u{1} {{ x }} é";
    let chat = Chat::new().system("s").user(content).add_generation_prompt(false);
    let text = libquant::render_template("{{ messages[1].content }}", "t", &chat).unwrap();
    assert_eq!(text, content);
    let none = Model::open(base()).unwrap().render_chat(&chat).unwrap_err();
    assert_eq!(none.status(), Status::NotFound);
}

#[test]
fn embeddings_are_of_texts_or_tokens() {
    let model = Model::open(base()).unwrap();
    let ids = model.tokenizer().unwrap().tokenize("And God said", TextFlags::ADD_SPECIAL).unwrap();
    let embed = Embed::new().pooling(Pooling::Mean);
    let of_text = embed.texts(&model, &["And God said"]).unwrap();
    let of_ids = embed.tokens(&model, &[&ids]).unwrap();
    assert_eq!(of_text.values(0), of_ids.values(0));
    let rows = Embed::new().pooling(Pooling::None).tokens(&model, &[&ids]).unwrap();
    assert_eq!(rows.get(0).unwrap().rows, ids.len());
    assert!(rows.get(1).is_none());
    let stop = |_: &libquant::Progress<'_>| std::ops::ControlFlow::Break(());
    assert_eq!(embed.texts_with(&model, &["x"], stop).unwrap_err().status(), Status::Cancelled);
    assert_eq!(embed.texts::<&str>(&model, &[]).unwrap_err().status(), Status::Argument);
}

#[test]
fn slices_of_another_shape_are_refused_before_c_sees_them() {
    use libquant::{Encode, Encoding};
    let encode = Encode::new(Encoding::Q8_0);
    assert_eq!(encode.to_vec(&[0.0; 63], 2, 32).unwrap_err().status(), Status::Argument);
    assert_eq!(encode.to_vec(&[], usize::MAX, 32).unwrap_err().status(), Status::Argument);
    assert_eq!(encode.into_slice(&[0.0; 64], 2, 32, &mut [0; 67]).unwrap_err().status(), Status::Argument);
    let short = encode.importance(&[1.0; 31]).to_vec(&[0.0; 64], 2, 32).unwrap_err();
    assert!(short.message().starts_with("importance"), "{short}");
    assert_eq!(
        Encoding::Q8_0.decode(&[0; 68], 2, 32, &mut [0.0; 63]).unwrap_err().status(),
        Status::Argument
    );
    assert_eq!(Encoding::Q8_0.decode_to_vec(&[0; 67], 2, 32).unwrap_err().status(), Status::Argument);
    assert_eq!(Encoding::Q8_0.decode_to_vec(&[0; 1], usize::MAX, 32).unwrap_err().status(), Status::Argument);
    assert_eq!(Encoding::from_id(9999).encoded_size(1, 32).unwrap_err().status(), Status::Unsupported);
}

#[test]
fn what_is_quantized_is_measured_against_its_base() {
    let scratch = Scratch::new();
    let (model, base_model) = (scratch.q8_model(), Model::open(base()).unwrap());
    let text = std::fs::read(base().join("heldout.txt")).unwrap();
    let evaluate = libquant::Evaluate::on(text).base(&base_model).chunks(2);
    let mut told = 0;
    let found = evaluate.run(&model, |progress| told += u32::from(progress.total > 0)).unwrap();
    assert!(told > 0 && found.chunks() == 2 && found.text_sha256().len() == 64);
    assert!(found.kld_mean().unwrap() > 0.0 && found.kld_mean().unwrap() < 0.01, "{found:?}");
    let both = evaluate.compare(&model, &base_model, |_| ()).unwrap();
    assert!(both.kld_difference.unwrap() > 0.0, "{both:?}");
    let timed =
        libquant::Bench::new().prompt_tokens(16).decode_tokens(4).rounds(1).run(&model, |_| ()).unwrap();
    assert!(timed.decode_per_second() > 0.0 && !timed.tier().is_empty(), "{timed:?}");
}
