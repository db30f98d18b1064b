//! The overall signal in plain English, from its numbers alone.

use crate::confidence::{Confidence, Reliability};
use crate::overall::{Contribution, MissingEngine, Overall};
use crate::signal_inputs::InputDifference;

/// The signal, and what is known of the skill of such signals.
pub(crate) fn recommendation(overall: &Overall, confidence: &Confidence) -> String {
    match (overall.score, overall.signal()) {
        (Some(score), Some(signal)) => format!(
            "{signal}: score {score:+.2} on a scale from -1 to 1, from {} of 4 engines. {}",
            overall.contributions.len(),
            skill(confidence),
        ),
        _ => "No signal: no engine has enough data.".to_owned(),
    }
}

/// What was measured of the score's relation to the return ahead, and whether this signal is such a one.
fn skill(confidence: &Confidence) -> String {
    let Confidence { skill, horizon_bars, first_date, last_date, differences, .. } = confidence;
    let found = if confidence.has_skill() { "Some skill" } else { "No skill" };
    let measured = format!(
        "{found} was found out of sample: over {} signals, {first_date} to {last_date}, the correlation of the score with the \
         return of the next {horizon_bars} bars was {:+.2} (standard error {:.2}).",
        skill.samples, skill.correlation, skill.standard_error
    );
    if differences.is_empty() {
        return measured;
    }
    let differences: Vec<String> = differences.iter().map(InputDifference::to_string).collect();
    format!(
        "{measured} This signal was not measured itself: it has other inputs ({}).",
        differences.join(", ")
    )
}

/// One sentence for each available engine, for each missing one, and for the confidence.
pub(crate) fn explanation(overall: &Overall, confidence: &Confidence) -> Vec<String> {
    let mut sentences = Vec::with_capacity(6);
    sentences.extend(overall.contributions.iter().map(|part| contribution(part, confidence)));
    sentences.extend(overall.missing.iter().map(|part| missing(part, confidence)));
    sentences.push(confidence_sentence(overall, confidence));
    sentences
}

fn contribution(part: &Contribution, confidence: &Confidence) -> String {
    let unmeasured = match confidence.measured.engines.contains(&part.engine) {
        true => "",
        false => " Signals with this engine were not measured, so that it cannot raise the confidence.",
    };
    format!(
        "The {} engine contributes {:+.3}: score {:+.2} at {:.0} % of the weight.{unmeasured}",
        part.engine,
        part.contribution,
        part.score,
        part.weight * 100.0
    )
}

fn missing(part: &MissingEngine, confidence: &Confidence) -> String {
    let why = part.reason;
    let effect = match confidence.measured.engines.contains(&part.engine) {
        true => ", which lowers the confidence",
        false => "",
    };
    format!("The {} engine is unavailable{effect}: {why}.", part.engine)
}

fn confidence_sentence(overall: &Overall, confidence: &Confidence) -> String {
    let (Some(value), Some(band)) = (confidence.value, confidence.band.as_ref()) else {
        let why = confidence.reason.map(|reason| reason.to_string()).unwrap_or_default();
        return format!("No confidence available: {why}.");
    };
    let measured = match band.hit_rate {
        Some(rate) => {
            format!("of {} signals \"{}\" {:.0} % were right", band.samples, band.signal, rate * 100.0)
        }
        None => format!("no signal \"{}\" was measured", band.signal),
    };
    let measured = match overall.signal() {
        Some(signal) if signal != band.signal => {
            format!("the measured engines alone say \"{}\", and {measured}", band.signal)
        }
        Some(_) | None => measured,
    };
    let caution = match confidence.reliability {
        Reliability::Measured => "",
        Reliability::Low if confidence.differences.is_empty() => " Low reliability: few samples.",
        Reliability::Low => " Low reliability: it was measured with other inputs.",
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
