//! The overall signal in plain English, from its numbers alone.

use crate::Absence;
use crate::confidence::{Confidence, Reliability};
use crate::overall::{Contribution, MissingEngine, Overall};

/// The signal in one sentence.
pub(crate) fn recommendation(overall: &Overall) -> String {
    match (overall.score, overall.signal()) {
        (Some(score), Some(signal)) => format!(
            "{signal}: score {score:+.2} on a scale from -1 to 1, from {} of 4 engines.",
            overall.contributions.len()
        ),
        _ => "No signal: no engine has enough data.".to_owned(),
    }
}

/// One sentence for each available engine, for each missing one, and for the confidence.
pub(crate) fn explanation(overall: &Overall, confidence: &Confidence) -> Vec<String> {
    let mut sentences = Vec::with_capacity(6);
    sentences.extend(overall.contributions.iter().map(contribution));
    sentences.extend(overall.missing.iter().map(missing));
    sentences.push(confidence_sentence(confidence));
    sentences
}

fn contribution(part: &Contribution) -> String {
    format!(
        "The {} engine contributes {:+.3}: score {:+.2} at {:.0} % of the weight.",
        part.engine,
        part.contribution,
        part.score,
        part.weight * 100.0
    )
}

fn missing(part: &MissingEngine) -> String {
    let why = because(part.reason);
    format!("The {} engine is unavailable, which lowers the confidence: {why}.", part.engine)
}

fn because(reason: Absence) -> String {
    match reason {
        Absence::InsufficientHistory { need, have } => format!("it needs {need} bars and has {have}"),
        Absence::Flat => "prices do not move".to_owned(),
        Absence::DenominatorNotPositive { what } => format!("{what} is not positive"),
        Absence::Missing { what } => format!("there is no {what}"),
        Absence::OutOfRange => "a figure is out of range".to_owned(),
    }
}

fn confidence_sentence(confidence: &Confidence) -> String {
    let (Some(value), Some(band)) = (confidence.value, confidence.band.as_ref()) else {
        let why = confidence.reason.map(because).unwrap_or_default();
        return format!("No confidence available: {why}.");
    };
    let measured = match band.hit_rate {
        Some(rate) => format!("of {} such signals {:.0} % were right", band.samples, rate * 100.0),
        None => "no such signal was measured".to_owned(),
    };
    let caution = match confidence.reliability {
        Reliability::Measured => "",
        Reliability::Low if confidence.is_same_engines => " Low reliability: few samples.",
        Reliability::Low => " Low reliability: it was measured with other engines.",
    };
    let skill = if confidence.brier_skill > 0.0 {
        ""
    } else {
        " Out of sample, bands predicted no better than that."
    };
    format!(
        "Confidence {value:.2}: {measured} {} bars later, {} to {}, where {:.0} % of all days would have been.{skill}{caution}",
        confidence.horizon_bars,
        confidence.first_date,
        confidence.last_date,
        band.base_rate * 100.0,
    )
}
