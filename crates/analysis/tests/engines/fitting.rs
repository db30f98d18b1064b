//! Fits every model to the bundled sample, for the trainer and for the test.

use analysis::Benchmark;
use analysis::training::{FitError, Series, fit_fall_risk, fit_volatility, measure_confidence};
use domain::History;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::sample;

/// Name and content of each model file.
pub(crate) fn files() -> Result<Vec<(&'static str, String)>, FitError> {
    let histories = sample::histories();
    let (market, rate) = (sample::market(), sample::rate());
    let market = Benchmark { name: "SPY", returns: &market };
    let data = data_sha256();
    let series: Vec<Series<'_>> = histories.iter().map(series).collect();
    Ok(vec![
        ("fall_risk.json", text(&fit_fall_risk(&series, &data)?)),
        ("volatility.json", text(&fit_volatility(&series, &data)?)),
        ("confidence.json", text(&measure_confidence(&series, market, &rate, &data)?)),
    ])
}

fn series(history: &History) -> Series<'_> {
    Series { symbol: history.symbol().as_str(), bars: history.adjusted().view() }
}

/// SHA-256 of the training data, in a fixed order.
fn data_sha256() -> String {
    let files = sample::FILES.iter().map(|(_, bytes)| *bytes).chain([sample::MARKET, sample::RATE]);
    let bytes: Vec<u8> = files.flatten().copied().collect();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(model: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(model).unwrap();
    text.push('\n');
    text
}
