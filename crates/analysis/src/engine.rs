//! The result of an engine: its status, its score, and the drivers of the score.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Absence, Signal};

/// Whether an engine has a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has a score, which counts.
    Available,
    /// It has no score, and its weight is 0.
    Unavailable,
}

/// One input of an engine's score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Driver {
    /// Name of the metric.
    pub metric: &'static str,
    /// Value of the metric.
    pub value: f64,
    /// The rule that turns the value into the score.
    pub rule: &'static str,
    /// Score of the value, -1 to 1.
    pub score: f64,
    /// Weight among the available drivers; these sum to 1.
    pub weight: f64,
    /// Score times weight; these sum to the engine's score.
    pub contribution: f64,
}

/// A driver that has no part in an engine's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExcludedDriver {
    /// Name of the metric.
    pub metric: &'static str,
    /// Why it has no part in the score.
    pub reason: Absence,
}

/// The result of one engine.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Engine<M> {
    /// Whether it has a score.
    pub status: Status,
    /// Why it has no score.
    pub reason: Option<Absence>,
    /// Band of the score.
    pub signal: Option<Signal>,
    /// Score from -1 (sell) to 1 (buy).
    pub score: Option<f64>,
    /// Parts of the score.
    pub drivers: Vec<Driver>,
    /// Drivers without a part in the score, and why; the others share their weight.
    pub excluded: Vec<ExcludedDriver>,
    /// What it measured, even when that is too little for a score.
    pub metrics: Option<M>,
}

impl<M> Engine<M> {
    pub(crate) fn unavailable(reason: Absence, metrics: Option<M>) -> Self {
        Self {
            status: Status::Unavailable,
            reason: Some(reason),
            signal: None,
            score: None,
            drivers: Vec::new(),
            excluded: Vec::new(),
            metrics,
        }
    }

    /// An engine with a score, which is clamped to -1..1.
    pub(crate) fn available(score: f64, drivers: Vec<Driver>, metrics: M) -> Self {
        let score = score.clamp(-1.0, 1.0) + 0.0;
        Self {
            status: Status::Available,
            reason: None,
            signal: Some(Signal::from_score(score)),
            score: Some(score),
            drivers,
            excluded: Vec::new(),
            metrics: Some(metrics),
        }
    }

    /// An engine whose score is the weighted mean of its drivers; if none counts it is unavailable for `reason`.
    pub(crate) fn from_drivers<const N: usize>(
        drivers: [Result<Driver, ExcludedDriver>; N],
        reason: Absence,
        metrics: M,
    ) -> Self {
        let (mut counted, mut excluded) = (Vec::with_capacity(N), Vec::new());
        for driver in drivers {
            match driver {
                Ok(driver) => counted.push(driver),
                Err(driver) => excluded.push(driver),
            }
        }
        let engine = if counted.is_empty() {
            Self::unavailable(reason, Some(metrics))
        } else {
            let drivers = renormalised(counted);
            Self::available(drivers.iter().map(|driver| driver.contribution).sum(), drivers, metrics)
        };
        Self { excluded, ..engine }
    }
}

impl Driver {
    /// A driver, if there is a value that may count. `score` is the function that `rule` describes; its result is clamped to
    /// -1..1.
    pub(crate) fn new(
        metric: &'static str,
        value: Result<f64, Absence>,
        rule: &'static str,
        weight: f64,
        score: impl FnOnce(f64) -> f64,
    ) -> Result<Self, ExcludedDriver> {
        let value = value.map_err(|reason| ExcludedDriver { metric, reason })?;
        let score = score(value).clamp(-1.0, 1.0) + 0.0;
        if score.is_finite() {
            Ok(Self { metric, value, rule, score, weight, contribution: 0.0 })
        } else {
            Err(ExcludedDriver { metric, reason: Absence::OutOfRange })
        }
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
    fn available_drivers_share_the_weights() {
        let drivers = [
            Driver::new("a", Ok(2.0), "value", 0.5, |value| value),
            Driver::new("b", Err(Absence::Flat), "value", 0.25, |value| value),
            Driver::new("c", Ok(-0.5), "value", 0.25, |value| value),
            Driver::new("d", Ok(f64::NAN), "value", 0.25, |value| value),
        ];
        let engine = Engine::from_drivers(drivers, Absence::Flat, ());
        // (0.5 * 1 + 0.25 * -0.5) / 0.75
        assert!((engine.score.unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(engine.signal, Some(Signal::Buy));
        assert!((engine.drivers.iter().map(|driver| driver.weight).sum::<f64>() - 1.0).abs() < 1e-12);
        let excluded: Vec<_> = engine.excluded.iter().map(|driver| (driver.metric, driver.reason)).collect();
        assert_eq!(excluded, [("b", Absence::Flat), ("d", Absence::OutOfRange)]);
    }

    #[test]
    fn an_engine_without_drivers_has_no_score() {
        let engine = Engine::from_drivers([], Absence::Flat, ());
        assert_eq!(
            (engine.status, engine.score, engine.reason),
            (Status::Unavailable, None, Some(Absence::Flat))
        );
    }
}
