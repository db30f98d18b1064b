//! Recursive indicators, whose newest value depends on every bar: exponential and Wilder means, and on-balance volume; and the
//! exponentially weighted variance.
//!
//! Definitions and seeds are those of TA-Lib. Only the newest values are kept, and independent means advance side by side,
//! which is several times faster than computing full series. Rounding differs from the series in the last bits.

use domain::{BarsView, Date};

use super::mean;
use super::value::{IndicatorResult, IndicatorValue, enough};
use crate::risk;

/// Periods of the exponential means of closes, ascending.
pub(crate) const EMA_PERIODS: [usize; 9] = [10, 12, 13, 20, 26, 30, 50, 100, 200];
/// Wilder's period.
pub(crate) const WILDER_BARS: usize = 14;
/// RSI values kept: the Stochastic RSI needs 14 for a raw value, and means 3 of them twice.
pub(crate) const RSI_TAIL: usize = WILDER_BARS + 2 + 2;
/// On-balance volumes kept for their mean.
pub(crate) const OBV_TAIL: usize = 20;

const MACD_FAST: usize = 12;
const MACD_SLOW: usize = 26;
const MACD_SIGNAL: usize = 9;

/// The recursive indicators at the newest of some bars: what an analysis needs of all older bars, however many there are.
///
/// They do not depend on the window of an analysis, so that one value serves every analysis of the same bars.
#[derive(Clone, Debug)]
pub struct RecursiveIndicators {
    bars: usize,
    last_date: Option<Date>,
    pub(crate) emas: Emas,
    pub(crate) macd: Result<[f64; 3], crate::Absence>,
    pub(crate) rsi: RsiTail,
    pub(crate) directional: Directional,
    pub(crate) obv: ObvTail,
    pub(crate) ewma_variance: Result<f64, crate::Absence>,
}

impl RecursiveIndicators {
    /// Reads every bar once: about 15 ns each.
    #[must_use]
    pub fn new(bars: BarsView<'_>) -> Self {
        Self {
            bars: bars.len(),
            last_date: bars.date.last().copied(),
            emas: emas(bars.close),
            macd: macd(bars.close),
            rsi: rsi(bars.close),
            directional: directional(&bars),
            obv: obv(bars.close, bars.volume),
            ewma_variance: risk::ewma_variance(bars.close),
        }
    }

    /// Whether they end at the newest of `bars` and were computed from as many.
    pub(crate) fn is_of(&self, bars: BarsView<'_>) -> bool {
        (self.bars, self.last_date) == (bars.len(), bars.date.last().copied())
    }
}

/// Exponential means of closes at the newest bar and the one before.
#[derive(Clone, Debug)]
pub(crate) struct Emas {
    bars: usize,
    newest: [f64; EMA_PERIODS.len()],
    before: [f64; EMA_PERIODS.len()],
}

impl Emas {
    /// The mean of `period` bars, which must be one of [`EMA_PERIODS`].
    pub(crate) fn newest(&self, period: usize) -> IndicatorResult {
        enough(self.bars, period).map(|()| IndicatorValue::moving(self.newest[lane(period)]))
    }

    /// The same one bar earlier.
    pub(crate) fn before(&self, period: usize) -> IndicatorResult {
        enough(self.bars, period + 1).map(|()| IndicatorValue::moving(self.before[lane(period)]))
    }
}

fn lane(period: usize) -> usize {
    EMA_PERIODS
        .iter()
        .position(|candidate| *candidate == period)
        .expect("callers use periods of the list only")
}

/// All means in one pass. A mean that is not seeded yet has weight 0 and keeps its seed.
fn emas(close: &[f64]) -> Emas {
    let bars = close.len();
    let mut newest = EMA_PERIODS.map(|period| mean(&close[..period.min(bars)]));
    let mut before = newest;
    let mut keep = [1.0; EMA_PERIODS.len()];
    let mut take = [0.0; EMA_PERIODS.len()];
    for (lane, period) in EMA_PERIODS.into_iter().enumerate() {
        (keep[lane], take[lane]) = ema_weights(period);
        let until = EMA_PERIODS.get(lane + 1).copied().unwrap_or(bars).min(bars);
        for price in close.get(period..until).unwrap_or_default() {
            before = newest;
            for lane in 0..EMA_PERIODS.len() {
                newest[lane] = keep[lane] * newest[lane] + take[lane] * price;
            }
        }
    }
    Emas { bars, newest, before }
}

/// Weights of the old mean and of the next value, for a mean of `period` bars.
fn ema_weights(period: usize) -> (f64, f64) {
    let keep = (period as f64 - 1.0) / (period as f64 + 1.0);
    (keep, 1.0 - keep)
}

/// MACD 12/26/9: line, signal and histogram, all from bar 33.
fn macd(close: &[f64]) -> Result<[f64; 3], crate::Absence> {
    enough(close.len(), MACD_SLOW + MACD_SIGNAL - 1)?;
    let (seed, rest) = close.split_at(MACD_SLOW);
    let (fast_keep, fast_take) = ema_weights(MACD_FAST);
    let (slow_keep, slow_take) = ema_weights(MACD_SLOW);
    let (signal_keep, signal_take) = ema_weights(MACD_SIGNAL);
    let (mut fast, mut slow) = (mean(&seed[MACD_SLOW - MACD_FAST..]), mean(seed));
    let mut line = |price: f64| {
        fast = fast_keep * fast + fast_take * price;
        slow = slow_keep * slow + slow_take * price;
        fast - slow
    };
    let (warm, rest) = rest.split_at(MACD_SIGNAL - 1);
    let mut newest = mean(&seed[MACD_SLOW - MACD_FAST..]) - mean(seed);
    let mut signal = newest;
    for price in warm {
        newest = line(*price);
        signal += newest;
    }
    signal /= MACD_SIGNAL as f64;
    for price in rest {
        newest = line(*price);
        signal = signal_keep * signal + signal_take * newest;
    }
    Ok([newest, signal, newest - signal])
}

/// The last values of RSI 14, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct RsiTail {
    bars: usize,
    values: [IndicatorValue; RSI_TAIL],
}

impl RsiTail {
    /// RSI `ago` bars before the newest.
    pub(crate) fn ago(&self, ago: usize) -> IndicatorResult {
        enough(self.bars, WILDER_BARS + 1 + ago).map(|()| self.values[RSI_TAIL - 1 - ago])
    }

    /// All values kept, oldest first, when the bars reach that far back.
    pub(crate) fn all(&self) -> Result<&[IndicatorValue; RSI_TAIL], crate::Absence> {
        enough(self.bars, WILDER_BARS + RSI_TAIL).map(|()| &self.values)
    }
}

/// Wilder's relative strength index: mean gain over the sum of mean gain and mean loss; 50 when nothing moved.
fn rsi(close: &[f64]) -> RsiTail {
    let bars = close.len();
    let mut values = [IndicatorValue::flat(50.0); RSI_TAIL];
    let (mut gain, mut loss) = (0.0, 0.0);
    let (keep, take) = wilder_weights();
    for (i, pair) in close.windows(2).enumerate() {
        let bar = i + 1;
        let change = pair[1] - pair[0];
        let up = positive(change);
        // The seed is the plain mean of the first changes, afterwards each new change weighs 1/14.
        let keep = if bar <= WILDER_BARS { 1.0 } else { keep };
        gain = keep * gain + take * up;
        loss = keep * loss + take * (up - change);
        if bar + RSI_TAIL >= bars {
            values[bar + RSI_TAIL - bars] = strength(gain, loss);
        }
    }
    RsiTail { bars, values }
}

fn strength(gain: f64, loss: f64) -> IndicatorValue {
    let total = gain + loss;
    if total > 0.0 { IndicatorValue::moving(100.0 * (gain / total)) } else { IndicatorValue::flat(50.0) }
}

/// Weights of the old mean and of the next value, for a Wilder mean.
fn wilder_weights() -> (f64, f64) {
    let take = 1.0 / WILDER_BARS as f64;
    (1.0 - take, take)
}

/// `value.max(0.0)` in one instruction: `f64::max` must also handle NaN.
fn positive(value: f64) -> f64 {
    larger(value, 0.0)
}

fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Wilder's directional system of 14 bars, and the average true range.
#[derive(Clone, Debug)]
pub(crate) struct Directional {
    pub(crate) plus_di: IndicatorResult,
    pub(crate) minus_di: IndicatorResult,
    pub(crate) adx: IndicatorResult,
    pub(crate) adx_before: IndicatorResult,
    pub(crate) atr: IndicatorResult,
}

/// Sums of directional movement and of true range, each reduced by a fourteenth with every bar.
#[derive(Clone, Copy, Default)]
struct Movement {
    plus: f64,
    minus: f64,
    range: f64,
}

impl Movement {
    fn add(&mut self, keep: f64, bar: &Movement) {
        self.plus = keep * self.plus + bar.plus;
        self.minus = keep * self.minus + bar.minus;
        self.range = keep * self.range + bar.range;
    }

    /// Movement of bar `i` from the bar before it.
    #[inline]
    fn new(bars: &BarsView<'_>, i: usize) -> Self {
        let (high, low, close) = (bars.high[i], bars.low[i], bars.close[i - 1]);
        let up = high - bars.high[i - 1];
        let down = bars.low[i - 1] - low;
        Self {
            plus: positive(if up > down { up } else { 0.0 }),
            minus: positive(if down > up { down } else { 0.0 }),
            range: larger(high, close) - smaller(low, close),
        }
    }

    /// The directional index, 0 to 100; `None` when nothing moved in either direction.
    fn index(&self) -> Option<f64> {
        let both = self.plus + self.minus;
        // TA-Lib compares 100 (+DM + -DM) / range with 1e-14.
        (self.range > 0.0 && 100.0 * both >= 1e-14 * self.range)
            .then(|| 100.0 * ((self.plus - self.minus).abs() / both))
    }

    fn indicator(&self, moved: f64) -> IndicatorValue {
        if self.range > 0.0 {
            IndicatorValue::moving(100.0 * (moved / self.range))
        } else {
            IndicatorValue::flat(0.0)
        }
    }
}

fn directional(bars: &BarsView<'_>) -> Directional {
    let have = bars.len();
    let (keep, take) = wilder_weights();
    let mut sums = Movement::default();
    let (mut adx, mut adx_before, mut atr) = (0.0, 0.0, 0.0);
    for i in 1..have.min(WILDER_BARS) {
        let bar = Movement::new(bars, i);
        sums.add(1.0, &bar);
        atr += take * bar.range;
    }
    // DX of bars 14 to 27 seeds ADX with its plain mean.
    for i in WILDER_BARS..have.min(2 * WILDER_BARS) {
        let bar = Movement::new(bars, i);
        sums.add(keep, &bar);
        atr = if i == WILDER_BARS { atr } else { keep * atr } + take * bar.range;
        adx += take * sums.index().unwrap_or(0.0);
    }
    for i in 2 * WILDER_BARS..have {
        let bar = Movement::new(bars, i);
        sums.add(keep, &bar);
        atr = keep * atr + take * bar.range;
        adx_before = adx;
        if let Some(index) = sums.index() {
            adx = keep * adx + take * index;
        }
    }
    let adx_reading =
        |value| if sums.range > 0.0 { IndicatorValue::moving(value) } else { IndicatorValue::flat(value) };
    Directional {
        plus_di: enough(have, WILDER_BARS + 1).map(|()| sums.indicator(sums.plus)),
        minus_di: enough(have, WILDER_BARS + 1).map(|()| sums.indicator(sums.minus)),
        adx: enough(have, 2 * WILDER_BARS).map(|()| adx_reading(adx)),
        adx_before: enough(have, 2 * WILDER_BARS + 1).map(|()| adx_reading(adx_before)),
        atr: enough(have, WILDER_BARS + 1).map(|()| IndicatorValue::moving(atr)),
    }
}

/// The last on-balance volumes, oldest first; fewer when there are fewer bars.
#[derive(Clone, Debug)]
pub(crate) struct ObvTail {
    values: [f64; OBV_TAIL],
    bars: usize,
}

impl ObvTail {
    pub(crate) fn newest(&self) -> IndicatorResult {
        enough(self.bars, 1).map(|()| IndicatorValue::moving(self.values[OBV_TAIL - 1]))
    }

    /// Newest value less the mean of those kept.
    pub(crate) fn above_mean(&self) -> IndicatorResult {
        enough(self.bars, OBV_TAIL)
            .map(|()| IndicatorValue::moving(self.values[OBV_TAIL - 1] - mean(&self.values)))
    }
}

fn obv(close: &[f64], volume: &[f64]) -> ObvTail {
    let bars = close.len();
    let mut values = [0.0; OBV_TAIL];
    let mut total = 0.0;
    for i in 0..bars {
        let before = if i == 0 { 0.0 } else { close[i - 1] };
        // The first volume counts as a rise, because prices are positive. The direction is unpredictable, so that a product is
        // faster than a branch; it is exact.
        total += f64::from(i8::from(close[i] > before) - i8::from(close[i] < before)) * volume[i];
        if i + OBV_TAIL >= bars {
            values[i + OBV_TAIL - bars] = total;
        }
    }
    ObvTail { values, bars }
}
