//! Encodings, and buffers of weights.

use libquant::{Encode, Encoding, Method};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::runner::Case;
use crate::values::{assert_close, count, text};

pub fn encoding(case: &Case<'_>) {
    let info = Encoding::find(text(&case.input["name"])).unwrap().info().expect("an encoding of the list");
    assert_eq!(u64::from(info.encoding.id()), count(&case.expect["id"]));
    assert_eq!(u64::from(info.block_weights), count(&case.expect["block_weights"]));
    assert_eq!(u64::from(info.block_bytes), count(&case.expect["block_bytes"]));
    assert_close(info.bits_per_weight, case.expect["bits_per_weight"].as_f64().unwrap(), 1e-9, "bits");
}

pub fn encode(case: &Case<'_>) {
    let encoding = Encoding::find(text(&case.input["encoding"])).unwrap();
    let (rows, cols) = (count(&case.input["rows"]) as usize, count(&case.input["cols"]) as usize);
    let weights = weights(rows * cols);
    let mut encoded = vec![0; encoding.encoded_size(rows, cols).unwrap()];
    let encode = Encode::new(encoding).method(method(&case.input["method"]));
    encode.into_slice(&weights, rows, cols, &mut encoded).unwrap();
    assert_eq!(encoded.len() as u64, count(&case.expect["bytes"]));
    assert_eq!(sha256(&encoded), text(&case.expect["sha256"]), "encoded");
    let decoded = encoding.decode_to_vec(&encoded, rows, cols).unwrap();
    let decoded: Vec<u8> = decoded.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(sha256(&decoded), text(&case.expect["decoded_sha256"]), "decoded");
}

/// The weights that the cases have in common.
pub fn weights(count: usize) -> Vec<f32> {
    (0..count as u64).map(|i| (((i * 7919 + 13) % 2001) as f32 - 1000.0) / 1024.0).collect()
}

pub fn method(value: &Value) -> Method {
    match value.as_str().unwrap_or("DEFAULT").to_ascii_uppercase().as_str() {
        "DEFAULT" => Method::Default,
        "ROUND" => Method::Round,
        "SEARCH" => Method::Search,
        "IMPORTANCE" => Method::Importance,
        "FEEDBACK" => Method::Feedback,
        "BEST" => Method::Best,
        other => panic!("no method is called {other}"),
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
