//! Figures as filed, transcribed from the filings listed in `sample/SOURCES.md`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::Filing;

static FILINGS: LazyLock<BTreeMap<String, Vec<Filing>>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../sample/filings.json")).expect("the bundled filings are valid")
});

pub(super) fn for_ticker(ticker: &str) -> Vec<Filing> {
    FILINGS.get(ticker).cloned().unwrap_or_default()
}
