//! How often the overall signal was right: a measured hit rate, independent of the size of the score.
//!
//! Each band of the score has its own rate, measured on the bundled sample from the same inputs, point in time. The rate is
//! shrunk towards the base rate where samples are few, and one standard error is subtracted. A measured engine that is missing
//! increases that error. An engine that was not measured can lower the confidence, but not raise it: the rate is at most that of
//! the signal of the measured engines alone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model_card::{ModelCard, ProbabilityScore};
use crate::overall::Overall;
use crate::signal_inputs::{InputDifference, SignalInputs};
use crate::{Absence, Signal};

/// Bars ahead at which a signal is evaluated.
pub(crate) const HORIZON_BARS: usize = 21;
/// A neutral signal is right when the close ahead lies within this share of the close.
const NEUTRAL_WITHIN: f64 = 0.05;
/// Independent samples below which reliability is low.
const SAMPLES_MIN: f64 = 200.0;
/// Samples that the base rate counts for when a band's rate is shrunk towards it.
const PRIOR_SAMPLES: f64 = 20.0;
/// Standard errors by which a correlation must differ from 0 to count as skill.
const SKILL_ERRORS_MIN: f64 = 2.0;

/// Measured hit rates of the seven bands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfidenceModel {
    /// Data, method and limits.
    pub card: ModelCard,
    /// What the measured signals were made from.
    pub inputs: SignalInputs,
    /// Bars between two measured signals of one symbol.
    pub step_bars: usize,
    /// One rate for each band, from sell to buy.
    pub bands: Vec<BandRate>,
    /// What the score says about the return ahead.
    pub skill: SignalSkill,
    /// Quality of the rates as predictions, each year predicted from earlier ones.
    pub walk_forward: ProbabilityScore,
    /// The same for each test year.
    pub walk_forward_by_year: Vec<ProbabilityScore>,
}

/// Correlation of the overall score with the return ahead. Rules and weights of the score are constants, and not fitted to these
/// data, so that all of them are out of sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalSkill {
    /// Number of measured signals.
    pub samples: usize,
    /// Number of independent samples, because horizons overlap: samples × step / horizon.
    pub effective_samples: f64,
    /// Pearson's correlation of the score with the simple return over the horizon.
    pub correlation: f64,
    /// Standard error of that correlation: (1 − correlation²) / √(effective samples − 2). Symbols move together, so that it is
    /// larger in truth.
    pub standard_error: f64,
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
    /// Measured on signals from exactly the same inputs, on enough independent samples.
    Measured,
    /// Fewer than 200 independent samples, or other inputs.
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
    /// Measurement of the band whose rate is the value: the signal's, or that of the measured engines alone if it is lower.
    pub band: Option<BandRate>,
    /// √(p (1 − p) / (effective samples × coverage + 20)).
    pub standard_error: Option<f64>,
    /// Share of the measured engines that is available, by weight: each that is missing lowers the confidence.
    pub coverage: f64,
    /// What the measured signals were made from.
    pub measured: SignalInputs,
    /// How this signal's inputs differ from the measured ones; empty if it has the same.
    pub differences: Vec<InputDifference>,
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
    /// What the measured scores said about the return ahead.
    pub skill: SignalSkill,
}

const DEFINITION: &str = "share of signals of this band after which the close 21 bars later was higher (buys), lower \
                          (sells) or within 5 % (neutral), shrunk towards the base rate, less one standard error";

impl ConfidenceModel {
    /// Confidence in `overall`, whose inputs differ from the measured ones by `differences`; only daily bars were measured.
    pub(crate) fn confidence(&self, overall: &Overall, differences: Vec<InputDifference>) -> Confidence {
        let engines = &self.inputs.engines;
        let of_measured = overall.of_engines(engines);
        let coverage = of_measured.base_weight() / engines.iter().map(|name| name.base_weight()).sum::<f64>();
        let bands = match (overall.signal(), of_measured.signal()) {
            (None, _) => Err(Absence::Missing { what: "available engine" }),
            (Some(_), _) if differences.contains(&InputDifference::Timeframe) => {
                Err(Absence::Missing { what: "measurement on bars of this timeframe" })
            }
            (Some(_), None) => Err(Absence::Missing { what: "measurement with these engines" }),
            (Some(signal), Some(of_measured)) => self.rates(signal, of_measured),
        };
        let lower = bands.map(|bands| {
            let [signal, of_measured] = bands.map(|band| (band, band.value(coverage)));
            if of_measured.1 < signal.1 { of_measured } else { signal }
        });
        let band = lower.ok().map(|(band, _)| band);
        let is_ample = band.is_some_and(|band| band.effective_samples >= SAMPLES_MIN);
        let is_same = differences.is_empty();
        Confidence {
            value: lower.ok().map(|(_, value)| value),
            reason: lower.err(),
            reliability: if is_ample && is_same { Reliability::Measured } else { Reliability::Low },
            definition: DEFINITION,
            band: band.cloned(),
            standard_error: band.map(|band| band.standard_error(coverage)),
            coverage,
            measured: self.inputs.clone(),
            differences,
            horizon_bars: self.card.horizon_bars,
            first_date: self.card.first_date,
            last_date: self.card.last_date,
            brier_skill: self.walk_forward.brier_skill,
            skill: self.skill,
        }
    }

    fn rates(&self, signal: Signal, of_measured: Signal) -> Result<[&BandRate; 2], Absence> {
        let rate = |signal| self.bands.iter().find(|band| band.signal == signal);
        let bands = rate(signal).zip(rate(of_measured));
        bands.map(|(one, other)| [one, other]).ok_or(Absence::Missing { what: "measurement of this band" })
    }
}

impl SignalSkill {
    /// From `samples` pairs of a score and the return ahead, one pair every `step_bars`.
    pub(crate) fn measured(pairs: &[(f64, f64)], step_bars: usize) -> Self {
        let n = pairs.len() as f64;
        let mean = |value: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(value).sum::<f64>() / n;
        let (score, change) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
        let covariance = mean(&|pair| (pair.0 - score) * (pair.1 - change));
        let (of_score, of_change) =
            (mean(&|pair| (pair.0 - score).powi(2)), mean(&|pair| (pair.1 - change).powi(2)));
        let correlation = covariance / (of_score * of_change).sqrt();
        let effective_samples = effective(pairs.len(), step_bars);
        let standard_error = (1.0 - correlation * correlation) / (effective_samples - 2.0).sqrt();
        Self { samples: pairs.len(), effective_samples, correlation, standard_error }
    }
}

impl Confidence {
    /// Whether measured scores rose with the return ahead, and their bands predicted better than the base rate.
    pub(crate) fn has_skill(&self) -> bool {
        self.skill.correlation > SKILL_ERRORS_MIN * self.skill.standard_error && self.brier_skill > 0.0
    }
}

/// Independent samples among `samples`, one every `step_bars`, because horizons overlap.
fn effective(samples: usize, step_bars: usize) -> f64 {
    samples as f64 * (step_bars as f64 / HORIZON_BARS as f64).min(1.0)
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
        let effective_samples = effective(samples, step_bars);
        let right = hit_rate.unwrap_or(base_rate) * effective_samples + base_rate * PRIOR_SAMPLES;
        let shrunk_hit_rate = right / (effective_samples + PRIOR_SAMPLES);
        Self { signal, samples, effective_samples, hit_rate, base_rate, shrunk_hit_rate }
    }

    /// The rate less one standard error.
    fn value(&self, coverage: f64) -> f64 {
        (self.shrunk_hit_rate - self.standard_error(coverage)).clamp(0.0, 1.0)
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
