//! What an overall signal is made from, so that it counts as measured only where the same was measured.

use domain::{PriceBasis, Timeframe};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::overall::{EngineName, Overall};
use crate::quantitative::Quantitative;
use crate::technical::Technical;
use crate::{AnalysisInput, Engine};

/// Days by which the first bar of a full window may be younger than the window: a weekend and holidays.
const WINDOW_SLACK_DAYS: u32 = 7;

/// What the measured signals were made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalInputs {
    /// Time that one bar covers.
    #[schema(value_type = String)]
    pub timeframe: Timeframe,
    /// What prices are adjusted for.
    #[schema(value_type = String)]
    pub price_basis: PriceBasis,
    /// Days of the window, back from the newest bar.
    pub window_days: u32,
    /// The available engines.
    pub engines: Vec<EngineName>,
    /// Number of votes of the technical engine.
    pub votes: usize,
    /// Drivers of the quantitative engine.
    pub drivers: Vec<String>,
    /// Whether the risk-free rate is known.
    pub has_risk_free_rate: bool,
}

/// An input of a signal that differs from the measured ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputDifference {
    /// Bars of another timeframe.
    #[strum(serialize = "timeframe")]
    Timeframe,
    /// Prices adjusted otherwise.
    #[strum(serialize = "price basis")]
    PriceBasis,
    /// A longer or a shorter window.
    #[strum(serialize = "window")]
    Window,
    /// More or fewer engines.
    #[strum(serialize = "engines")]
    Engines,
    /// Fewer votes, because indicators are absent.
    #[strum(serialize = "votes")]
    Votes,
    /// Fewer drivers of the quantitative engine.
    #[strum(serialize = "drivers")]
    Drivers,
    /// No risk-free rate.
    #[strum(serialize = "risk-free rate")]
    RiskFreeRate,
}

impl SignalInputs {
    /// How the inputs of a signal differ from these.
    pub(crate) fn differences(
        &self,
        input: &AnalysisInput<'_>,
        overall: &Overall,
        technical: &Engine<Technical>,
        quantitative: &Engine<Quantitative>,
    ) -> Vec<InputDifference> {
        let Self { timeframe, price_basis, window_days, engines, votes, drivers, has_risk_free_rate } = self;
        let has_engines = overall.contributions.iter().map(|part| part.engine).eq(engines.iter().copied());
        let cast = technical.metrics.as_ref().map_or(0, |metrics| metrics.rating.cast());
        let has_drivers = quantitative.drivers.iter().map(|driver| driver.metric).eq(drivers.iter());
        let knows_rate = quantitative.metrics.as_ref().is_some_and(Quantitative::has_risk_free_rate);
        [
            (input.timeframe != *timeframe, InputDifference::Timeframe),
            (input.price_basis != *price_basis, InputDifference::PriceBasis),
            (!has_window(input, *window_days), InputDifference::Window),
            (!has_engines, InputDifference::Engines),
            (cast != *votes, InputDifference::Votes),
            (!has_drivers, InputDifference::Drivers),
            (knows_rate != *has_risk_free_rate, InputDifference::RiskFreeRate),
        ]
        .into_iter()
        .filter_map(|(is_different, difference)| is_different.then_some(difference))
        .collect()
    }
}

/// Whether the window is the newest `days` days, all of which are known.
fn has_window(input: &AnalysisInput<'_>, days: u32) -> bool {
    let dates = input.bars.date;
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return false };
    let since = last.minus_days(days - 1);
    let is_full = *first <= last.minus_days(days - 1 - WINDOW_SLACK_DAYS);
    is_full && input.window_start == input.bars.position_since(since)
}
