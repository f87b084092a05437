//! Which of several texts are closest to the first?
//!
//!     cargo run --example embed -- MODEL TEXT TEXT...

use libquant::Model;

fn main() -> libquant::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, texts @ ..] = &words[..] else {
        eprintln!("usage: embed MODEL TEXT TEXT...");
        std::process::exit(2);
    };
    let embeddings = Model::find(name)?.embed(texts)?;
    // Vectors have length 1, so that their product is the cosine.
    let cosine =
        |index| embeddings.values(0).iter().zip(embeddings.values(index)).map(|(a, b)| a * b).sum::<f32>();
    for (index, text) in texts.iter().enumerate() {
        println!("{:7.4}  {text}", cosine(index));
    }
    Ok(())
}
