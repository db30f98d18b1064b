//! How often the overall signal was right: a measured hit rate, independent of the size of the score.
//!
//! Each band of the score has its own rate, measured on the bundled sample with the same engines, point in time. The rate is
//! shrunk towards the base rate where samples are few, and one standard error is subtracted. A missing engine increases that
//! error, so that confidence always falls.

use domain::Timeframe;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model_card::{ModelCard, ProbabilityScore};
use crate::overall::{EngineName, Overall};
use crate::{Absence, Signal};

/// Bars ahead at which a signal is evaluated.
pub(crate) const HORIZON_BARS: usize = 21;
/// Number of bars of a measured signal: a year, which is the default of the service.
pub(crate) const WINDOW_BARS: usize = 252;
/// A neutral signal is right when the close ahead lies within this share of the close.
const NEUTRAL_WITHIN: f64 = 0.05;
/// Independent samples below which reliability is low.
const SAMPLES_MIN: f64 = 200.0;
/// Samples that the base rate counts for when a band's rate is shrunk towards it.
const PRIOR_SAMPLES: f64 = 20.0;

/// Measured hit rates of the seven bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfidenceModel {
    /// Data, method and limits.
    pub card: ModelCard,
    /// Engines that made the measured signals.
    pub engines: Vec<EngineName>,
    /// Bars between two measured signals of one symbol.
    pub step_bars: usize,
    /// One rate for each band, from sell to buy.
    pub bands: Vec<BandRate>,
    /// Quality of the rates as predictions, each year predicted from earlier ones.
    pub walk_forward: ProbabilityScore,
    /// The same for each test year.
    pub walk_forward_by_year: Vec<ProbabilityScore>,
}

/// How often signals of one band were right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BandRate {
    /// The band that was measured.
    pub signal: Signal,
    /// Number of measured signals.
    pub samples: usize,
    /// Number of independent samples, because horizons overlap: samples × step / horizon.
    pub effective_samples: f64,
    /// Share of signals that were right; null without a sample.
    pub hit_rate: Option<f64>,
    /// Share of **all** days on which this signal would have been right.
    pub base_rate: f64,
    /// The hit rate shrunk towards the base rate, as if 20 more samples had shown the base rate.
    pub shrunk_hit_rate: f64,
}

/// Reliability of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reliability {
    /// Measured with exactly the available engines, on enough independent samples.
    Measured,
    /// Fewer than 200 independent samples, or measured with other engines.
    Low,
}

/// The confidence in an overall signal, and its derivation.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Confidence {
    /// Shrunk hit rate less one standard error, 0 to 1; null when nothing comparable was measured.
    pub value: Option<f64>,
    /// Why the value is null.
    pub reason: Option<Absence>,
    /// Reliability of the value.
    pub reliability: Reliability,
    /// When a signal counts as right.
    pub definition: &'static str,
    /// Measurement of the signal's band.
    pub band: Option<BandRate>,
    /// √(p (1 − p) / (effective samples × coverage + 20)).
    pub standard_error: Option<f64>,
    /// Sum of the base weights of the available engines: missing engines lower it, and therefore the confidence.
    pub coverage: f64,
    /// Engines that made the measured signals.
    pub measured_engines: Vec<EngineName>,
    /// Whether exactly these engines made this signal.
    pub is_same_engines: bool,
    /// Bars ahead at which a signal is evaluated.
    pub horizon_bars: usize,
    /// First date of the measurement.
    #[schema(value_type = String, format = Date)]
    pub first_date: domain::Date,
    /// Last date of the measurement.
    #[schema(value_type = String, format = Date)]
    pub last_date: domain::Date,
    /// Out-of-sample Brier skill of the rates against the base rate; 0 or less means that bands predict no better than it.
    pub brier_skill: f64,
}

const DEFINITION: &str = "share of signals of this band after which the close 21 bars later was higher (buys), lower \
                          (sells) or within 5 % (neutral), shrunk towards the base rate, less one standard error";

impl ConfidenceModel {
    /// Confidence in `overall`, computed from bars of `timeframe`; only daily bars were measured.
    pub(crate) fn confidence(&self, overall: &Overall, timeframe: Timeframe) -> Confidence {
        let is_available = |name: &EngineName| overall.contributions.iter().any(|part| part.engine == *name);
        let coverage = overall.coverage();
        let measured = match overall.signal() {
            None => Err(Absence::Missing { what: "available engine" }),
            Some(_) if timeframe != Timeframe::Day => {
                Err(Absence::Missing { what: "measurement on bars of this timeframe" })
            }
            Some(_) if !self.engines.iter().any(is_available) => {
                Err(Absence::Missing { what: "measurement with these engines" })
            }
            Some(signal) => self.rate(signal).ok_or(Absence::Missing { what: "measurement of this band" }),
        };
        let is_same_engines =
            self.engines.iter().all(is_available) && overall.contributions.len() == self.engines.len();
        let band = measured.ok();
        let error = band.map(|band| band.standard_error(coverage));
        let is_ample = band.is_some_and(|band| band.effective_samples >= SAMPLES_MIN);
        Confidence {
            value: band.zip(error).map(|(band, error)| (band.shrunk_hit_rate - error).clamp(0.0, 1.0)),
            reason: measured.err(),
            reliability: if is_ample && is_same_engines { Reliability::Measured } else { Reliability::Low },
            definition: DEFINITION,
            band: band.cloned(),
            standard_error: error,
            coverage,
            measured_engines: self.engines.clone(),
            is_same_engines,
            horizon_bars: self.card.horizon_bars,
            first_date: self.card.first_date,
            last_date: self.card.last_date,
            brier_skill: self.walk_forward.brier_skill,
        }
    }

    fn rate(&self, signal: Signal) -> Option<&BandRate> {
        self.bands.iter().find(|band| band.signal == signal)
    }
}

impl BandRate {
    /// From `hits` of `samples`, one every `step_bars`, where `base_rate` of all days would have been right.
    pub(crate) fn measured(
        signal: Signal,
        hits: usize,
        samples: usize,
        step_bars: usize,
        base_rate: f64,
    ) -> Self {
        let hit_rate = (samples > 0).then(|| hits as f64 / samples as f64);
        let effective_samples = samples as f64 * (step_bars as f64 / HORIZON_BARS as f64).min(1.0);
        let right = hit_rate.unwrap_or(base_rate) * effective_samples + base_rate * PRIOR_SAMPLES;
        let shrunk_hit_rate = right / (effective_samples + PRIOR_SAMPLES);
        Self { signal, samples, effective_samples, hit_rate, base_rate, shrunk_hit_rate }
    }

    fn standard_error(&self, coverage: f64) -> f64 {
        let rate = self.shrunk_hit_rate;
        (rate * (1.0 - rate) / (self.effective_samples * coverage + PRIOR_SAMPLES)).sqrt()
    }
}

impl Signal {
    /// Whether the signal is right if `change` is the simple return over the horizon.
    pub(crate) fn is_right_about(self, change: f64) -> bool {
        match self {
            Self::StrongBuy | Self::Buy | Self::WeakBuy => change > 0.0,
            Self::Neutral => change.abs() <= NEUTRAL_WITHIN,
            Self::WeakSell | Self::Sell | Self::StrongSell => change < 0.0,
        }
    }
}

#[cfg(test)]
mod tests;
