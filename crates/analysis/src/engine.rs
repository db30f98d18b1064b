//! What every engine answers: whether it could speak, what it says, and what made it say so.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Absence, Signal};

/// Whether an engine had what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It speaks, and its score counts.
    Available,
    /// It does not; its weight is 0.
    Unavailable,
}

/// One input of an engine's score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Driver {
    /// Name of the metric.
    pub metric: &'static str,
    /// Its value.
    pub value: f64,
    /// The rule from value to score, in words.
    pub rule: &'static str,
    /// What the rule makes of it, -1 to 1.
    pub score: f64,
    /// Its weight among those that are there; they sum to 1.
    pub weight: f64,
    /// Score times weight: these sum to the engine's score.
    pub contribution: f64,
}

/// One engine's answer.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Engine<M> {
    /// Whether it could speak.
    pub status: Status,
    /// Why not.
    pub reason: Option<Absence>,
    /// Its score in words.
    pub signal: Option<Signal>,
    /// -1 (sell) to 1 (buy).
    pub score: Option<f64>,
    /// What the score is made of.
    pub drivers: Vec<Driver>,
    /// What it measured; shown even when that is too little for a score.
    pub metrics: Option<M>,
}

impl<M> Engine<M> {
    /// An engine without a score, and why.
    #[must_use]
    pub fn unavailable(reason: Absence, metrics: Option<M>) -> Self {
        Self {
            status: Status::Unavailable,
            reason: Some(reason),
            signal: None,
            score: None,
            drivers: Vec::new(),
            metrics,
        }
    }

    /// An engine that says `score`, held to -1..1.
    #[must_use]
    pub fn available(score: f64, drivers: Vec<Driver>, metrics: M) -> Self {
        let score = score.clamp(-1.0, 1.0) + 0.0;
        Self {
            status: Status::Available,
            reason: None,
            signal: Some(Signal::of_score(score)),
            score: Some(score),
            drivers,
            metrics: Some(metrics),
        }
    }

    /// An engine whose score is the weighted mean of its drivers; without one, unavailable for `reason`.
    #[must_use]
    pub fn of_drivers(drivers: Vec<Driver>, reason: Absence, metrics: M) -> Self {
        if drivers.is_empty() {
            return Self::unavailable(reason, Some(metrics));
        }
        let drivers = renormalised(drivers);
        Self::available(drivers.iter().map(|driver| driver.contribution).sum(), drivers, metrics)
    }
}

impl Driver {
    /// A driver of `weight` when there is a value; its `rule` turns the value into `score`, held to -1..1.
    #[must_use]
    pub fn new(
        metric: &'static str,
        value: Option<f64>,
        rule: &'static str,
        weight: f64,
        score: impl FnOnce(f64) -> f64,
    ) -> Option<Self> {
        let value = value?;
        let score = score(value).clamp(-1.0, 1.0) + 0.0;
        score.is_finite().then_some(Self { metric, value, rule, score, weight, contribution: 0.0 })
    }
}

fn renormalised(mut drivers: Vec<Driver>) -> Vec<Driver> {
    let total: f64 = drivers.iter().map(|driver| driver.weight).sum();
    for driver in &mut drivers {
        driver.weight /= total;
        driver.contribution = driver.weight * driver.score;
    }
    drivers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_shared_by_the_drivers_that_are_there() {
        let drivers = [
            Driver::new("a", Some(2.0), "value", 0.5, |value| value),
            Driver::new("b", None, "value", 0.25, |value| value),
            Driver::new("c", Some(-0.5), "value", 0.25, |value| value),
            Driver::new("d", Some(f64::NAN), "value", 0.25, |value| value),
        ];
        let engine = Engine::of_drivers(drivers.into_iter().flatten().collect(), Absence::Flat, ());
        // (0.5 * 1 + 0.25 * -0.5) / 0.75
        assert!((engine.score.unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(engine.signal, Some(Signal::Buy));
        assert!((engine.drivers.iter().map(|driver| driver.weight).sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn no_driver_is_no_score() {
        let engine = Engine::of_drivers(Vec::new(), Absence::Flat, ());
        assert_eq!(
            (engine.status, engine.score, engine.reason),
            (Status::Unavailable, None, Some(Absence::Flat))
        );
    }
}
