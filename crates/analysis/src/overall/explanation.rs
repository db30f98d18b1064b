//! The overall signal in plain English, made of the numbers and nothing else.

use super::{Contribution, MissingEngine, Overall};
use crate::Absence;
use crate::confidence::{Confidence, Reliability};

/// The signal in one sentence.
#[must_use]
pub fn recommendation(overall: &Overall) -> String {
    match (overall.score, overall.signal()) {
        (Some(score), Some(signal)) => format!(
            "{}: score {score:+.2} on a scale from -1 to 1, from {} of 4 engines.",
            signal.as_str(),
            overall.contributions.len()
        ),
        _ => "No signal: no engine has what it needs.".to_owned(),
    }
}

/// One sentence for each part: what each engine adds, which are missing, what the confidence rests on.
#[must_use]
pub fn explanation(overall: &Overall, confidence: &Confidence) -> Vec<String> {
    let mut sentences = Vec::with_capacity(6);
    sentences.extend(overall.contributions.iter().map(contribution));
    sentences.extend(overall.missing.iter().map(missing));
    sentences.push(confidence_sentence(confidence));
    sentences
}

fn contribution(part: &Contribution) -> String {
    format!(
        "The {} engine adds {:+.3}: its score {:+.2} at {:.0} % of the weight.",
        part.engine.as_str(),
        part.contribution,
        part.score,
        part.weight * 100.0
    )
}

fn missing(part: &MissingEngine) -> String {
    let why = because(part.reason);
    format!("The {} engine is missing, which lowers the confidence: {why}.", part.engine.as_str())
}

fn because(reason: Absence) -> String {
    match reason {
        Absence::InsufficientHistory { need, have } => format!("it needs {need} bars and has {have}"),
        Absence::Flat => "the series does not move".to_owned(),
        Absence::DenominatorNotPositive { what } => format!("{what} is not positive"),
        Absence::Missing { what } => format!("there is no {what}"),
        Absence::OutOfRange => "a figure leaves the range of numbers".to_owned(),
    }
}

fn confidence_sentence(confidence: &Confidence) -> String {
    let (Some(value), Some(band)) = (confidence.value, confidence.band.as_ref()) else {
        let why = confidence.reason.map(because).unwrap_or_default();
        return format!("No confidence can be told: {why}.");
    };
    let measured = match band.hit_rate {
        Some(rate) => format!("of {} such signals {:.0} % were right", band.samples, rate * 100.0),
        None => "no such signal was measured".to_owned(),
    };
    let caution = match confidence.reliability {
        Reliability::Measured => "",
        Reliability::Low if confidence.is_same_engines => " Few samples: low reliability.",
        Reliability::Low => " It was measured with other engines: low reliability.",
    };
    let skill =
        if confidence.brier_skill > 0.0 { "" } else { " Out of sample, bands told no more than that." };
    format!(
        "Confidence {value:.2}: {measured} {} bars later, {} to {}, where {:.0} % of all days would have been.{skill}{caution}",
        confidence.horizon_bars,
        confidence.first_date,
        confidence.last_date,
        band.base_rate * 100.0,
    )
}
