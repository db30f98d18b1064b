//! The overall signal: the weighted mean of the available engines, with its parts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Absence, Engine, Signal, Status};

/// The four engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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
    /// Weight in the overall score when all four engines are available. Chosen, not fitted.
    pub(crate) fn base_weight(self) -> f64 {
        match self {
            Self::Technical => 0.20,
            Self::Fundamental => 0.40,
            Self::Quantitative => 0.15,
            Self::Sentiment => 0.25,
        }
    }
}

/// Contribution of one engine to the overall score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = EngineContribution)]
pub struct Contribution {
    /// The engine.
    pub engine: EngineName,
    /// Its weight when all four engines are available.
    pub base_weight: f64,
    /// Its weight among the available engines; these sum to 1.
    pub weight: f64,
    /// Its score, -1 to 1.
    pub score: f64,
    /// Weight times score; these sum to the overall score.
    pub contribution: f64,
}

/// An unavailable engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingEngine {
    /// The engine.
    pub engine: EngineName,
    /// Why it has no score.
    pub reason: Absence,
}

/// The score of one engine, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EngineScore {
    pub(crate) engine: EngineName,
    pub(crate) score: Result<f64, Absence>,
}

impl EngineScore {
    pub(crate) fn new<M>(name: EngineName, engine: &Engine<M>) -> Self {
        let unspecified = Absence::Missing { what: "score" };
        let score = match engine.status {
            Status::Available => engine.score.ok_or(unspecified),
            Status::Unavailable => Err(engine.reason.unwrap_or(unspecified)),
        };
        Self { engine: name, score }
    }
}

/// The overall score and its parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Overall {
    /// -1 to 1; `None` when no engine is available, which is not the same as neutral.
    pub(crate) score: Option<f64>,
    pub(crate) contributions: Vec<Contribution>,
    pub(crate) missing: Vec<MissingEngine>,
}

impl Overall {
    /// The weighted mean of `scores`; missing engines give their weights to the others.
    pub(crate) fn from_scores(scores: &[EngineScore]) -> Self {
        let available = scores.iter().filter(|one| one.score.is_ok());
        let total: f64 = available.map(|one| one.engine.base_weight()).sum();
        let (mut contributions, mut missing) = (Vec::with_capacity(4), Vec::with_capacity(4));
        for EngineScore { engine, score } in scores.iter().copied() {
            match score {
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

    /// The band of the score.
    pub(crate) fn signal(&self) -> Option<Signal> {
        self.score.map(Signal::from_score)
    }

    /// The same with `engines` alone.
    pub(crate) fn of_engines(&self, engines: &[EngineName]) -> Self {
        let scores: Vec<EngineScore> = self
            .contributions
            .iter()
            .filter(|part| engines.contains(&part.engine))
            .map(|part| EngineScore { engine: part.engine, score: Ok(part.score) })
            .collect();
        Self::from_scores(&scores)
    }

    /// Sum of the base weights of the available engines, 0 to 1.
    pub(crate) fn base_weight(&self) -> f64 {
        self.contributions.iter().map(|part| part.base_weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(engine: EngineName, score: f64) -> EngineScore {
        EngineScore { engine, score: Ok(score) }
    }

    #[test]
    fn available_engines_share_the_weights() {
        let missing = EngineScore {
            engine: EngineName::Sentiment,
            score: Err(Absence::Missing { what: "source of news" }),
        };
        let overall = Overall::from_scores(&[
            score(EngineName::Technical, 0.5),
            score(EngineName::Fundamental, -0.25),
            score(EngineName::Quantitative, 1.0),
            missing,
        ]);
        // (0.20 * 0.5 - 0.40 * 0.25 + 0.15 * 1.0) / 0.75
        assert!((overall.score.unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(overall.signal(), Some(Signal::WeakBuy));
        assert!((overall.base_weight() - 0.75).abs() < 1e-12);
        assert_eq!(overall.missing.len(), 1);
        let weights: f64 = overall.contributions.iter().map(|part| part.weight).sum();
        assert!((weights - 1.0).abs() < 1e-12);
    }

    #[test]
    fn no_score_is_not_neutral() {
        let missing = EngineScore { engine: EngineName::Technical, score: Err(Absence::Flat) };
        let overall = Overall::from_scores(&[missing]);
        assert_eq!((overall.score, overall.signal()), (None, None));
    }

    #[test]
    fn base_weights_sum_to_one() {
        let engines =
            [EngineName::Technical, EngineName::Fundamental, EngineName::Quantitative, EngineName::Sentiment];
        assert!((engines.map(EngineName::base_weight).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
