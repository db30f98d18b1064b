//! Figures as filed, typed in from the filings that `sample/SOURCES.md` names.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::Filing;

static FILINGS: LazyLock<BTreeMap<String, Vec<Filing>>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../sample/filings.json")).expect("a test reads the bundled filings")
});

pub(super) fn for_ticker(ticker: &str) -> Vec<Filing> {
    FILINGS.get(ticker).cloned().unwrap_or_default()
}
