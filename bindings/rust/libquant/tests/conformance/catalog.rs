//! The catalog: imported, listed, resolved, shown and removed.

use libquant::Catalog;

use crate::common::Scratch;
use crate::runner::{Case, Runner};
use crate::values::text;

pub fn import(runner: &Runner, case: &Case<'_>) {
    let scratch = Scratch::new();
    let mut catalog = Catalog::open_file(scratch.file("catalog.db")).unwrap();
    let path = runner.path(case.input["model"].as_str().unwrap_or("q8"));
    let name = catalog.import(&path, case.input["name"].as_str(), |_| ()).unwrap();
    let row = catalog.list(None).unwrap().pop().expect("a variant");
    assert_eq!((row.name.as_str(), name.as_str()), (text(&case.expect["name"]), text(&case.expect["name"])));
    assert_eq!(
        (row.model.as_str(), row.variant.as_str()),
        (text(&case.expect["model"]), text(&case.expect["variant"]))
    );
    assert_eq!(row.bytes, std::fs::metadata(&path).unwrap().len());
    assert!(!row.file_missing && row.ppl.is_none() && row.base.is_none());
    let resolved = catalog.resolve(&name).unwrap();
    assert_eq!((resolved.path, resolved.name.as_deref()), (row.path, Some(name.as_str())));
    let shown: serde_json::Value = serde_json::from_str(&catalog.show(&name).unwrap()).unwrap();
    assert_eq!(shown["name"], name);
    assert_eq!(catalog.remove(&name).unwrap(), 1);
    assert!(path.exists(), "a file that was imported stays");
    assert!(catalog.list(None).unwrap().is_empty());
}
