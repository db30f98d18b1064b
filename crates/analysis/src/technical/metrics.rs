//! The newest values by the names that users know, each with its definition and the bars it comes from.

use domain::{BarsView, PriceBasis};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::reading::{Outcome, Reading, enough, voting};
use super::readings::Readings;
use super::tendency::{Heading, Tendency};
use super::windows;
use crate::{Absence, Figure, Span, Subject};

/// How many names there are, so that the list is allocated once.
const METRICS: usize = 36;
/// Bars of which support is the lowest low and resistance the highest high.
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
    /// A direction.
    Tendency(Tendency),
}

/// Newest values by name, such as `rsi`, `macd_histogram` or `week52_high`.
#[derive(Clone, Debug)]
pub struct Metrics(Vec<(&'static str, Metric)>);

impl Metrics {
    /// Every name with its value, in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, Metric)> {
        self.0.iter()
    }

    /// The number called `name`.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.0.iter().find_map(|(candidate, metric)| match metric {
            Metric::Figure(figure) if *candidate == name => Some(figure),
            Metric::Figure(_) | Metric::Tendency(_) => None,
        })
    }

    /// The direction called `name`.
    #[must_use]
    pub fn tendency(&self, name: &str) -> Option<&Tendency> {
        self.0.iter().find_map(|(candidate, metric)| match metric {
            Metric::Tendency(tendency) if *candidate == name => Some(tendency),
            Metric::Figure(_) | Metric::Tendency(_) => None,
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
    out: Vec<(&'static str, Metric)>,
}

impl Collector<'_> {
    /// The newest `window` bars, or all when there are fewer.
    fn span(&self, window: usize) -> Span {
        let bars_used = window.min(self.bars.len());
        Span {
            bars_used,
            first_date: self.bars.date[self.bars.len() - bars_used..].first().copied(),
            last_date: self.bars.date.last().copied(),
            price_basis: self.basis,
        }
    }

    /// A value of the newest `window` bars.
    fn of(&mut self, name: &'static str, window: usize, definition: &'static str, outcome: Outcome) {
        let figure = Figure::new(definition, self.span(window), outcome.map(|reading| reading.value));
        let is_flat = outcome.is_ok_and(|reading| reading.is_flat);
        self.out.push((name, Metric::Figure(if is_flat { figure.flat() } else { figure })));
    }

    /// A value that every bar has a part in.
    fn of_all(&mut self, name: &'static str, definition: &'static str, outcome: Outcome) {
        self.of(name, usize::MAX, definition, outcome);
    }

    fn direction(
        &mut self,
        name: &'static str,
        window: usize,
        definition: &'static str,
        outcome: Result<Heading, Absence>,
    ) {
        let tendency = Tendency::new(definition, self.span(window), outcome);
        self.out.push((name, Metric::Tendency(tendency)));
    }
}

/// All figures of the newest bar.
pub(super) fn metrics(readings: &Readings<'_>, subject: &Subject<'_>) -> Metrics {
    let mut out =
        Collector { bars: readings.bars, basis: subject.price_basis, out: Vec::with_capacity(METRICS) };
    averages(readings, &mut out);
    oscillators(readings, &mut out);
    ranges(readings, &mut out);
    volumes(readings, &mut out);
    let mut out = Collector { bars: subject.raw, basis: subject.raw_basis, out: out.out };
    year(&subject.raw, subject.timeframe.bars_per_year(), &mut out);
    Metrics(out.out)
}

fn averages(r: &Readings<'_>, out: &mut Collector<'_>) {
    let sma = "mean of the last n closes";
    out.of("sma_20", 20, sma, *r.sma(20));
    out.of("sma_50", 50, sma, *r.sma(50));
    out.of("sma_200", 200, sma, *r.sma(200));
    let ema = "exponential mean of closes, k = 2/(n+1), seeded with the mean of the first n (TA-Lib)";
    out.of_all("ema_12", ema, r.emas.newest(12));
    out.of_all("ema_26", ema, r.emas.newest(26));
    let macd = |at: usize| r.macd.map(|lines| Reading::moving(lines[at]));
    out.of_all("macd", "EMA 12 - EMA 26 of closes, both seeded at bar 25 (TA-Lib)", macd(0));
    out.of_all("macd_signal", "EMA 9 of macd", macd(1));
    out.of_all("macd_histogram", "macd - macd_signal", macd(2));
    let direction = || {
        let (short, long) = (voting(r.sma(20))?, voting(r.sma(50))?);
        let price = r.close()?;
        Ok(match (price > short && short > long, price < short && short < long) {
            (true, _) => Heading::Up,
            (_, true) => Heading::Down,
            _ => Heading::Sideways,
        })
    };
    out.direction("trend", 50, "up: close > sma_20 > sma_50; down: close < sma_20 < sma_50", direction());
}

fn oscillators(r: &Readings<'_>, out: &mut Collector<'_>) {
    out.of_all("rsi", "Wilder, 14 bars, seeded with the mean of the first 14 changes (TA-Lib)", r.rsi.ago(0));
    let stochastic = "Stochastic 14/3/3 with simple means (TA-Lib), 0 to 100";
    out.of("stoch_k", 16, stochastic, r.stochastic.0);
    out.of("stoch_d", 18, stochastic, r.stochastic.1);
    out.of("cci", 20, "commodity channel index, 20 bars (TA-Lib)", r.cci[0]);
    out.of("williams_r", 14, "Williams %R, 14 bars, -100 to 0", r.williams_r[0]);
    let lines = &r.directional;
    out.of_all("adx", "Wilder's average directional index, 14 bars (TA-Lib)", lines.adx);
    out.of_all("plus_di", "Wilder's +DI, 14 bars (TA-Lib)", lines.plus_di);
    out.of_all("minus_di", "Wilder's -DI, 14 bars (TA-Lib)", lines.minus_di);
}

fn ranges(r: &Readings<'_>, out: &mut Collector<'_>) {
    let atr = r.directional.atr;
    out.of_all("atr", "Wilder's average true range, 14 bars, in units of price (TA-Lib)", atr);
    out.of_all("atr_ratio", "atr / close", atr.and_then(|atr| Ok(Reading::moving(atr.value / r.close()?))));
    let bands = "mean of the last 20 closes -/+ 2 population standard deviations";
    out.of("bb_upper", 20, bands, r.bands.map(|bands| Reading::moving(bands.upper)));
    out.of("bb_middle", 20, bands, r.bands.map(|bands| Reading::moving(bands.middle)));
    out.of("bb_lower", 20, bands, r.bands.map(|bands| Reading::moving(bands.lower)));
    let width = r.bands.map(|bands| Reading::moving((bands.upper - bands.lower) / bands.middle));
    out.of("bb_width", 20, "(bb_upper - bb_lower) / bb_middle", width);
    out.of("bb_percent_b", 20, "(close - bb_lower) / (bb_upper - bb_lower)", percent_b(r));
    let levels = windows::range(&r.bars, LEVEL_BARS);
    out.of(
        "support",
        LEVEL_BARS,
        "lowest low of the last 20 bars",
        levels.map(|(low, _)| Reading::moving(low)),
    );
    let resistance = levels.map(|(_, high)| Reading::moving(high));
    out.of("resistance", LEVEL_BARS, "highest high of the last 20 bars", resistance);
}

fn percent_b(r: &Readings<'_>) -> Outcome {
    let bands = r.bands?;
    if bands.upper <= bands.lower {
        return Err(Absence::Flat);
    }
    Ok(Reading::moving((r.close()? - bands.lower) / (bands.upper - bands.lower)))
}

fn volumes(r: &Readings<'_>, out: &mut Collector<'_>) {
    out.of_all("obv", "on-balance volume from the first bar given (TA-Lib)", r.obv.newest());
    let direction = r.obv.above_mean().map(|above| match above.value {
        above if above > 0.0 => Heading::Up,
        above if above < 0.0 => Heading::Down,
        _ => Heading::Sideways,
    });
    out.direction("obv_trend", usize::MAX, "up when obv is above the mean of its last 20 values", direction);
    out.of("mfi", 15, "money flow index, 14 bars (TA-Lib 0.8), 0 to 100", r.mfi);
    let ratio = windows::volume_ratio(r.bars.volume, 20);
    out.of("volume_ratio", 21, "volume / mean volume of the 20 bars before", ratio);
}

/// The year's extremes, as traded where the source has them so. A shorter history has no 52-week figure.
fn year(raw: &BarsView<'_>, bars_per_year: f64, out: &mut Collector<'_>) {
    let extremes = || {
        let (first, last) = raw.date.first().zip(raw.date.last()).ok_or(short(raw, bars_per_year))?;
        if *first > last.minus_days(YEAR_DAYS - YEAR_SLACK_DAYS) {
            return Err(short(raw, bars_per_year));
        }
        let bars = raw.len() - raw.position_since(last.minus_days(YEAR_DAYS - 1));
        windows::range(raw, bars).map(|(low, high)| (bars, low, high))
    };
    let extremes = extremes();
    let bars = extremes.map_or(usize::MAX, |(bars, _, _)| bars);
    let high = extremes.map(|(_, _, high)| Reading::moving(high));
    out.of("week52_high", bars, "highest high of the last 365 days", high);
    let low = extremes.map(|(_, low, _)| Reading::moving(low));
    out.of("week52_low", bars, "lowest low of the last 365 days", low);
}

fn short(raw: &BarsView<'_>, bars_per_year: f64) -> Absence {
    let need = bars_per_year as usize;
    enough(raw.len(), need).err().unwrap_or(Absence::Missing { what: "bars of a full year" })
}
