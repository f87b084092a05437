//! The catalog's work, plans with targets and statistics, and the logger.

mod common;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use common::{Scratch, base};
use libquant::{
    Bench, Catalog, Encoding, Evaluate, Importance, LogLevel, Method, Model, OpenOptions, Quantize, Status,
    Target, TypeMix,
};

fn calibration() -> Vec<u8> {
    std::fs::read(base().join("calibration.txt")).unwrap()
}

#[test]
fn a_variant_is_made_recorded_measured_and_removed() {
    let scratch = Scratch::new();
    let mut catalog = Catalog::open_file(scratch.file("catalog.db")).unwrap();
    let source = catalog.import(base(), Some("small"), |_| ()).unwrap();
    let path = catalog.resolve("small").unwrap().path;
    let mut plan = Quantize::to("Q4_0").method(Method::Round).plan(path).unwrap();
    let output = scratch.file("small-Q4_0.gguf");
    plan.run(&output).unwrap();
    let name = catalog.add_variant(&source, &plan, &output, |_| ()).unwrap();
    assert_eq!(name, "small:Q4_0");
    assert_eq!(catalog.base(&name).unwrap(), source);
    assert!(catalog.eval_text(&name).unwrap().own);
    assert!(catalog.calibration_text(&name).unwrap().path.ends_with("calibration.txt"));

    let text = std::fs::read(catalog.eval_text(&name).unwrap().path).unwrap();
    let (model, reference) = (Model::open(&output).unwrap(), Model::open(base()).unwrap());
    let found = Evaluate::on(text).base(&reference).chunks(1).run(&model, |_| ()).unwrap();
    catalog.record_eval(&name, Some(&source), "heldout.txt", &found).unwrap();
    let speed = Bench::new().prompt_tokens(8).decode_tokens(2).rounds(1).run(&model, |_| ()).unwrap();
    catalog.record_bench(&name, &speed).unwrap();
    catalog.stamp(&name, Some(&source), "heldout.txt", &found, |_| ()).unwrap();

    let variant = catalog.list(Some(&name)).unwrap().remove(0);
    assert_eq!((variant.ppl, variant.kld_mean), (Some(found.ppl()), found.kld_mean()));
    assert_eq!(variant.decode_per_second, Some(speed.decode_per_second()));
    assert_eq!(variant.base.as_deref(), Some(source.as_str()));
    assert!(catalog.show_model("small").unwrap().contains("\"Q4_0\""));

    let copy = catalog.copy(&name, "other:Q4_0").unwrap();
    assert_eq!(catalog.list(None).unwrap().len(), 3);
    assert_eq!(catalog.forget(&copy).unwrap(), 1);
    assert_eq!(catalog.remove("small").unwrap(), 2);
    assert!(output.exists(), "it is not in the catalog's own folder");
    assert_eq!(catalog.remove("small").unwrap_err().status(), Status::NotFound);
    assert_eq!(catalog.clean().unwrap(), 0);
}

#[test]
fn an_import_can_be_cancelled() {
    let scratch = Scratch::new();
    let mut catalog = Catalog::open_file(scratch.file("catalog.db")).unwrap();
    let failed = catalog.import(base(), None, |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(failed.status(), Status::Cancelled);
    assert!(catalog.list(None).unwrap().is_empty());
}

#[test]
fn overrides_and_importance_reach_the_plan() {
    let scratch = Scratch::new();
    let file = scratch.file("importance.gguf");
    Importance::new()
        .tokens(1024)
        .text_name("calibration.txt")
        .gather(base(), calibration(), &file, |_| ())
        .unwrap();
    let plan =
        Quantize::to("q4_k_m").with_override("ffn_down", "Q6_K").importance(&file).plan(base()).unwrap();
    assert_eq!(plan.summary().unwrap().type_name, "Q4_K_M");
    let tensors = plan.tensors().unwrap();
    let down: Vec<_> = tensors.iter().filter(|tensor| tensor.name.contains("ffn_down")).collect();
    assert!(!down.is_empty() && down.iter().all(|tensor| tensor.encoding == Encoding::Q6_K), "{down:?}");
    assert!(down.iter().all(|tensor| tensor.method == Method::Importance && tensor.shape.len() == 2));
}

#[test]
fn a_search_keeps_its_target() {
    let target = Target::bits_per_weight(5.0).method(Method::Round).tokens(512);
    let json = target.search(base(), calibration(), |_| ()).unwrap();
    let plan = Quantize::by_plan(json).method(Method::Round).plan(base()).unwrap();
    let sum = plan.summary().unwrap();
    assert!(sum.bits_per_weight <= 5.0 && sum.predicted_kld.unwrap() > 0.0, "{sum:?}");
    let stopped = target.search(base(), calibration(), |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(stopped.status(), Status::Cancelled);
}

#[test]
fn mixes_and_statuses_have_their_names() {
    assert!(TypeMix::all().any(|mix| mix.name == "Q4_K_M" && mix.encoding == Encoding::Q4_K));
    assert_eq!((Status::NotFound.name(), Status::Other(999).name()), ("NOT_FOUND", "?"));
    assert_eq!("q6_k".parse::<Encoding>().unwrap().to_string(), "Q6_K");
}

#[test]
fn the_logger_gets_lines_until_it_is_cleared() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mine = lines.clone();
    libquant::set_logger(move |level, line| {
        mine.lock().unwrap().push((level, line.to_owned()));
        std::panic::resume_unwind(Box::new("which goes nowhere"));
    });
    // A file that was just made is said to be too fresh for the cache of packs.
    let scratch = Scratch::new();
    let fresh = OpenOptions::new().pack_cache("1M").open(scratch.q8()).unwrap();
    fresh.session().unwrap().logits(&[5]).unwrap();
    libquant::clear_logger();
    assert!(
        lines
            .lock()
            .unwrap()
            .iter()
            .any(|(level, line)| *level == LogLevel::Info && line.contains("no pack is looked for"))
    );
    assert_eq!(Arc::strong_count(&lines), 1, "the logger is released");
}
