//! The overall signal: the weighted mean of the engines that can speak, with everything that went into it.

mod explanation;

pub use explanation::{explanation, recommendation};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Absence, Engine, Signal, Status};

/// The four engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineName {
    /// Indicators and their votes.
    Technical,
    /// What the company filed.
    Fundamental,
    /// Return and risk.
    Quantitative,
    /// Tones of news.
    Sentiment,
}

impl EngineName {
    /// Its share of the overall score when all four speak. Chosen, not fitted: what users of the API know.
    #[must_use]
    pub fn base_weight(self) -> f64 {
        match self {
            Self::Technical => 0.20,
            Self::Fundamental => 0.40,
            Self::Quantitative => 0.15,
            Self::Sentiment => 0.25,
        }
    }

    /// The spelling that the API uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Technical => "technical",
            Self::Fundamental => "fundamental",
            Self::Quantitative => "quantitative",
            Self::Sentiment => "sentiment",
        }
    }
}

/// What one engine adds to the overall score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Contribution {
    /// Which engine.
    pub engine: EngineName,
    /// Its share when all four speak.
    pub base_weight: f64,
    /// Its share among those that do; these sum to 1.
    pub weight: f64,
    /// Its score, -1 to 1.
    pub score: f64,
    /// Weight times score; these sum to the overall score.
    pub contribution: f64,
}

/// An engine that did not speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingEngine {
    /// Which.
    pub engine: EngineName,
    /// Why.
    pub reason: Absence,
}

/// One engine's word, whatever it measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voice {
    /// Which engine.
    pub engine: EngineName,
    /// Its score, or why there is none.
    pub outcome: Result<f64, Absence>,
}

impl Voice {
    /// What `engine` says.
    #[must_use]
    pub fn of<M>(name: EngineName, engine: &Engine<M>) -> Self {
        let unspecified = Absence::Missing { what: "score" };
        let outcome = match engine.status {
            Status::Available => engine.score.ok_or(unspecified),
            Status::Unavailable => Err(engine.reason.unwrap_or(unspecified)),
        };
        Self { engine: name, outcome }
    }
}

/// The overall score and its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Overall {
    /// -1 to 1; `None` when no engine speaks, which is not the same as neutral.
    pub score: Option<f64>,
    /// What each engine adds.
    pub contributions: Vec<Contribution>,
    /// Engines that did not speak.
    pub missing: Vec<MissingEngine>,
}

impl Overall {
    /// The weighted mean of `voices`, base weights shared out among those that speak.
    #[must_use]
    pub fn of(voices: &[Voice]) -> Self {
        let speaks = |voice: &&Voice| voice.outcome.is_ok();
        let total: f64 = voices.iter().filter(speaks).map(|voice| voice.engine.base_weight()).sum();
        let (mut contributions, mut missing) = (Vec::with_capacity(4), Vec::with_capacity(4));
        for Voice { engine, outcome } in voices.iter().copied() {
            match outcome {
                Ok(score) => {
                    let base_weight = engine.base_weight();
                    let weight = base_weight / total;
                    let contribution = weight * score + 0.0;
                    contributions.push(Contribution { engine, base_weight, weight, score, contribution });
                }
                Err(reason) => missing.push(MissingEngine { engine, reason }),
            }
        }
        let sum: f64 = contributions.iter().map(|part| part.contribution).sum();
        let score = (!contributions.is_empty()).then(|| sum.clamp(-1.0, 1.0) + 0.0);
        Self { score, contributions, missing }
    }

    /// The score in words.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        self.score.map(Signal::of_score)
    }

    /// Share of the base weights that spoke, 0 to 1.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        self.contributions.iter().map(|part| part.base_weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(engine: EngineName, score: f64) -> Voice {
        Voice { engine, outcome: Ok(score) }
    }

    #[test]
    fn weights_are_shared_among_those_that_speak() {
        let silent = Voice {
            engine: EngineName::Sentiment,
            outcome: Err(Absence::Missing { what: "source of news" }),
        };
        let overall = Overall::of(&[
            voice(EngineName::Technical, 0.5),
            voice(EngineName::Fundamental, -0.25),
            voice(EngineName::Quantitative, 1.0),
            silent,
        ]);
        // (0.20 * 0.5 - 0.40 * 0.25 + 0.15 * 1.0) / 0.75
        assert!((overall.score.unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(overall.signal(), Some(Signal::WeakBuy));
        assert!((overall.coverage() - 0.75).abs() < 1e-12);
        assert_eq!(overall.missing.len(), 1);
        let weights: f64 = overall.contributions.iter().map(|part| part.weight).sum();
        assert!((weights - 1.0).abs() < 1e-12);
    }

    #[test]
    fn silence_is_not_neutral() {
        let silent = Voice { engine: EngineName::Technical, outcome: Err(Absence::Flat) };
        let overall = Overall::of(&[silent]);
        assert_eq!((overall.score, overall.signal()), (None, None));
    }

    #[test]
    fn base_weights_sum_to_one() {
        let engines =
            [EngineName::Technical, EngineName::Fundamental, EngineName::Quantitative, EngineName::Sentiment];
        assert!((engines.map(EngineName::base_weight).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
