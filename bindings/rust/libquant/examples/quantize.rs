//! Quantize a model with a line of progress, and record the new variant.
//!
//!     cargo run --example quantize -- MODEL TYPE        such as: kjv-5m Q4_K_M

use libquant::{Catalog, Progress, Quantize};

fn show(progress: &Progress<'_>) {
    eprint!("\r{:5.1} %  {:<40.40}", 100.0 * progress.fraction().unwrap_or(0.0), progress.stage);
}

fn main() -> libquant::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [source, type_name] = &words[..] else {
        eprintln!("usage: quantize MODEL TYPE");
        std::process::exit(2);
    };
    let mut catalog = Catalog::open()?;
    let mut plan = Quantize::to(type_name).plan(catalog.resolve(source)?.path)?;
    let sum = plan.summary()?;
    println!(
        "{} bytes to {}: {:.2} bits per weight",
        sum.source_bytes, sum.output_bytes, sum.bits_per_weight
    );

    let output = catalog.output_path(source, type_name)?;
    plan.run_with(&output, show)?;
    let name = catalog.add_variant(source, &plan, &output, show)?;
    eprintln!();
    println!("{name} is in {}", output.display());
    Ok(())
}
