//! Newest values by name, each with its definition and the bars it was computed from.

use domain::{BarsView, PriceBasis, Timeframe, VolumeBasis};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::trend::{Trend, TrendDirection};
use crate::latest::{IndicatorResult, IndicatorValue, LatestIndicators, enough, rolling, votable};
use crate::{Absence, AnalysisInput, DroppedRows, Figure, Span};

/// Number of metrics, so that the list is allocated once.
const METRICS: usize = 36;
/// Bars whose lowest low is support and whose highest high is resistance.
const LEVEL_BARS: usize = 20;
/// Days that the 52-week figures look back.
const YEAR_DAYS: u32 = 365;
/// Days that the first bar may be missing from a full year: a weekend and holidays.
const YEAR_SLACK_DAYS: u32 = 7;

/// A number or a direction.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Metric {
    /// A number.
    Figure(Figure),
    /// A trend.
    Trend(Trend),
}

/// Newest values by name, such as `rsi`, `macd_histogram` or `week52_high`.
#[derive(Clone, Debug)]
pub struct Metrics(Vec<(&'static str, Metric)>);

impl Metrics {
    /// Every name with its value, in the order of the response.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, Metric)> {
        self.0.iter()
    }

    /// The figure named `name`.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.0.iter().find_map(|(candidate, metric)| match metric {
            Metric::Figure(figure) if *candidate == name => Some(figure),
            Metric::Figure(_) | Metric::Trend(_) => None,
        })
    }

    /// The trend named `name`.
    #[must_use]
    pub fn trend(&self, name: &str) -> Option<&Trend> {
        self.0.iter().find_map(|(candidate, metric)| match metric {
            Metric::Trend(trend) if *candidate == name => Some(trend),
            Metric::Figure(_) | Metric::Trend(_) => None,
        })
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, metric)| (name, metric)))
    }
}

/// Collects figures over bars of one price basis.
struct Collector<'a> {
    bars: BarsView<'a>,
    basis: PriceBasis,
    dropped: DroppedRows<'a>,
    out: Vec<(&'static str, Metric)>,
}

impl Collector<'_> {
    fn span(&self, window: usize) -> Span {
        Span::newest(self.bars, window, self.basis, self.dropped)
    }

    /// Adds a value of the newest `window` bars.
    fn push(
        &mut self,
        name: &'static str,
        window: usize,
        definition: &'static str,
        outcome: IndicatorResult,
    ) {
        let figure = self.figure(window, definition, outcome);
        self.out.push((name, Metric::Figure(figure)));
    }

    /// Adds a value of the newest `window` bars that depends on their volumes.
    fn push_of_volume(
        &mut self,
        name: &'static str,
        window: usize,
        definition: &'static str,
        basis: VolumeBasis,
        outcome: IndicatorResult,
    ) {
        let figure = self.figure(window, definition, outcome).with_volume(basis);
        self.out.push((name, Metric::Figure(figure)));
    }

    fn figure(&self, window: usize, definition: &'static str, outcome: IndicatorResult) -> Figure {
        let figure = Figure::new(definition, self.span(window), outcome.map(|reading| reading.value));
        let is_flat = outcome.is_ok_and(|reading| reading.is_flat);
        if is_flat { figure.flat() } else { figure }
    }

    /// Adds a value of all bars.
    fn push_all(&mut self, name: &'static str, definition: &'static str, outcome: IndicatorResult) {
        self.push(name, usize::MAX, definition, outcome);
    }

    fn push_trend(
        &mut self,
        name: &'static str,
        window: usize,
        definition: &'static str,
        volume: Option<VolumeBasis>,
        outcome: Result<TrendDirection, Absence>,
    ) {
        let trend = Trend::new(definition, self.span(window), volume, outcome);
        self.out.push((name, Metric::Trend(trend)));
    }
}

/// All figures of the newest bar.
pub(super) fn metrics(latest: &LatestIndicators<'_>, input: &AnalysisInput<'_>) -> Metrics {
    let (dropped, basis) = (input.dropped, input.price_basis);
    let mut out = Collector { bars: latest.bars, basis, dropped, out: Vec::with_capacity(METRICS) };
    averages(latest, &mut out);
    oscillators(latest, &mut out);
    ranges(latest, &mut out);
    volumes(latest, input.volume_basis, &mut out);
    let mut out = Collector { bars: input.levels, basis: input.levels_basis, dropped, out: out.out };
    let levels_timeframe = if input.daily.is_some() { Timeframe::Day } else { input.timeframe };
    year(&input.levels, levels_timeframe.bars_per_year(), &mut out);
    Metrics(out.out)
}

fn averages(r: &LatestIndicators<'_>, out: &mut Collector<'_>) {
    let sma = "mean of the last n closes";
    out.push("sma_20", 20, sma, *r.sma(20));
    out.push("sma_50", 50, sma, *r.sma(50));
    out.push("sma_200", 200, sma, *r.sma(200));
    let ema = "exponential mean of closes, k = 2/(n+1), seeded with the mean of the first n (TA-Lib)";
    out.push_all("ema_12", ema, r.recursive.emas.newest(12));
    out.push_all("ema_26", ema, r.recursive.emas.newest(26));
    let macd = |at: usize| r.recursive.macd.map(|lines| IndicatorValue::moving(lines[at]));
    out.push_all("macd", "EMA 12 - EMA 26 of closes, both seeded at bar 25 (TA-Lib)", macd(0));
    out.push_all("macd_signal", "EMA 9 of macd", macd(1));
    out.push_all("macd_histogram", "macd - macd_signal", macd(2));
    let direction = || {
        let (short, long) = (votable(r.sma(20))?, votable(r.sma(50))?);
        let price = r.close()?;
        Ok(match (price > short && short > long, price < short && short < long) {
            (true, _) => TrendDirection::Up,
            (_, true) => TrendDirection::Down,
            _ => TrendDirection::Sideways,
        })
    };
    out.push_trend(
        "trend",
        50,
        "up: close > sma_20 > sma_50; down: close < sma_20 < sma_50",
        None,
        direction(),
    );
}

fn oscillators(r: &LatestIndicators<'_>, out: &mut Collector<'_>) {
    out.push_all(
        "rsi",
        "Wilder, 14 bars, seeded with the mean of the first 14 changes (TA-Lib)",
        r.recursive.rsi.ago(0),
    );
    let stochastic = "Stochastic 14/3/3 with simple means (TA-Lib), 0 to 100";
    out.push("stoch_k", 16, stochastic, r.stochastic.0);
    out.push("stoch_d", 18, stochastic, r.stochastic.1);
    out.push("cci", 20, "commodity channel index, 20 bars (TA-Lib)", r.cci[0]);
    out.push("williams_r", 14, "Williams %R, 14 bars, -100 to 0", r.williams_r[0]);
    let lines = &r.recursive.directional;
    out.push_all("adx", "Wilder's average directional index, 14 bars (TA-Lib)", lines.adx);
    out.push_all("plus_di", "Wilder's +DI, 14 bars (TA-Lib)", lines.plus_di);
    out.push_all("minus_di", "Wilder's -DI, 14 bars (TA-Lib)", lines.minus_di);
}

fn ranges(r: &LatestIndicators<'_>, out: &mut Collector<'_>) {
    let atr = r.recursive.directional.atr;
    out.push_all("atr", "Wilder's average true range, 14 bars, in units of price (TA-Lib)", atr);
    out.push_all(
        "atr_ratio",
        "atr / close",
        atr.and_then(|atr| Ok(IndicatorValue::moving(atr.value / r.close()?))),
    );
    let bands = "mean of the last 20 closes -/+ 2 population standard deviations";
    out.push("bb_upper", 20, bands, r.bands.map(|bands| IndicatorValue::moving(bands.upper)));
    out.push("bb_middle", 20, bands, r.bands.map(|bands| IndicatorValue::moving(bands.middle)));
    out.push("bb_lower", 20, bands, r.bands.map(|bands| IndicatorValue::moving(bands.lower)));
    let width = r.bands.map(|bands| IndicatorValue::moving((bands.upper - bands.lower) / bands.middle));
    out.push("bb_width", 20, "(bb_upper - bb_lower) / bb_middle", width);
    out.push("bb_percent_b", 20, "(close - bb_lower) / (bb_upper - bb_lower)", percent_b(r));
    let levels = rolling::range(&r.bars, LEVEL_BARS);
    out.push(
        "support",
        LEVEL_BARS,
        "lowest low of the last 20 bars",
        levels.map(|(low, _)| IndicatorValue::moving(low)),
    );
    let resistance = levels.map(|(_, high)| IndicatorValue::moving(high));
    out.push("resistance", LEVEL_BARS, "highest high of the last 20 bars", resistance);
}

fn percent_b(r: &LatestIndicators<'_>) -> IndicatorResult {
    let bands = r.bands?;
    if bands.upper <= bands.lower {
        return Err(Absence::Flat);
    }
    Ok(IndicatorValue::moving((r.close()? - bands.lower) / (bands.upper - bands.lower)))
}

fn volumes(r: &LatestIndicators<'_>, basis: VolumeBasis, out: &mut Collector<'_>) {
    let all = usize::MAX;
    let definition = "on-balance volume from the first bar known (TA-Lib)";
    out.push_of_volume("obv", all, definition, basis, r.recursive.obv.newest());
    let direction = r.recursive.obv.above_mean().map(|above| match above.value {
        above if above > 0.0 => TrendDirection::Up,
        above if above < 0.0 => TrendDirection::Down,
        _ => TrendDirection::Sideways,
    });
    let definition = "up when obv is above the mean of its last 20 values";
    out.push_trend("obv_trend", all, definition, Some(basis), direction);
    out.push_of_volume("mfi", 15, "money flow index, 14 bars (TA-Lib 0.8), 0 to 100", basis, r.mfi);
    let ratio = rolling::volume_ratio(r.bars.volume, 20);
    out.push_of_volume("volume_ratio", 21, "volume / mean volume of the 20 bars before", basis, ratio);
}

/// Extremes of the year. A shorter history has no 52-week figure.
fn year(bars: &BarsView<'_>, bars_per_year: f64, out: &mut Collector<'_>) {
    let extremes = || {
        let (first, last) = bars.date.first().zip(bars.date.last()).ok_or(short(bars, bars_per_year))?;
        if *first > last.minus_days(YEAR_DAYS - YEAR_SLACK_DAYS) {
            return Err(short(bars, bars_per_year));
        }
        let count = bars.len() - bars.position_since(last.minus_days(YEAR_DAYS - 1));
        rolling::range(bars, count).map(|(low, high)| (count, low, high))
    };
    let extremes = extremes();
    let count = extremes.map_or(usize::MAX, |(count, _, _)| count);
    let high = extremes.map(|(_, _, high)| IndicatorValue::moving(high));
    out.push("week52_high", count, "highest high of the last 365 days", high);
    let low = extremes.map(|(_, low, _)| IndicatorValue::moving(low));
    out.push("week52_low", count, "lowest low of the last 365 days", low);
}

fn short(bars: &BarsView<'_>, bars_per_year: f64) -> Absence {
    let need = bars_per_year as usize;
    enough(bars.len(), need).err().unwrap_or(Absence::Missing { what: "bars of a full year" })
}
