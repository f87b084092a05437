//! Values of cases: texts, numbers, floats within a tolerance.

use serde_json::Value;

/// A text, which is no {"hex"}.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected a text, found {value}"))
}

/// A text, or bytes in {"hex"}.
pub fn bytes(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    let hex = text(&value["hex"]);
    assert_eq!(hex.len() % 2, 0, "half a byte: {hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

pub fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("expected a count, found {value}"))
}

pub fn ids(value: &Value) -> Vec<i32> {
    let ids = value.as_array().unwrap_or_else(|| panic!("expected ids, found {value}"));
    ids.iter().map(|id| id.as_i64().expect("an id") as i32).collect()
}

pub fn floats(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().unwrap_or_else(|| panic!("expected numbers, found {value}"));
    numbers.iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// Whether a flag of the input is set.
pub fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

pub fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: expected {expected} +- {tolerance}, found {found}"
    );
}
