//! The 26 voting rules: the name and text of each, and its computation.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::Absence;
use crate::latest::{IndicatorResult, LatestIndicators, votable};

/// Number of votes.
const VOTES: usize = 26;

/// Values closer than this, relative to the price (or to 100 for indices), are equal, so that rounding never votes.
const RESOLUTION: f64 = 1e-12;

/// Group of votes with a common mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VoteGroup)]
pub enum Group {
    /// The price compared with a moving average.
    MovingAverage,
    /// The level and direction of a momentum index.
    Oscillator,
}

/// Most values that a vote compares.
const VALUES_MAX: usize = 5;

/// The values that a vote compares, by name, beside the newest close; all at the newest bar unless the name says `before`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoteValues {
    names: &'static [&'static str],
    values: [f64; VALUES_MAX],
}

impl VoteValues {
    fn new<const N: usize>(names: &'static [&'static str; N], given: [f64; N]) -> Self {
        let mut values = [0.0; VALUES_MAX];
        values[..N].copy_from_slice(&given);
        Self { names, values }
    }

    /// Every name with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.names.iter().copied().zip(self.values)
    }
}

impl Serialize for VoteValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// A vote that was cast, and the values that it compares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CastVote {
    pub(super) vote: i8,
    pub(super) values: VoteValues,
}

/// One voting rule.
pub(super) struct VoteRule {
    pub(super) name: &'static str,
    pub(super) group: Group,
    pub(super) buys_when: &'static str,
    pub(super) uses_volume: bool,
    pub(super) vote: fn(&LatestIndicators<'_>) -> VoteResult,
}

type VoteResult = Result<CastVote, Absence>;

const fn average(name: &'static str, vote: fn(&LatestIndicators<'_>) -> VoteResult) -> VoteRule {
    VoteRule { name, group: Group::MovingAverage, buys_when: "price above it", uses_volume: false, vote }
}

const fn oscillator(
    name: &'static str,
    buys_when: &'static str,
    vote: fn(&LatestIndicators<'_>) -> VoteResult,
) -> VoteRule {
    VoteRule { name, group: Group::Oscillator, buys_when, uses_volume: false, vote }
}

pub(super) const VOTE_RULES: [VoteRule; VOTES] = [
    average("sma_10", |r| below_price(r, r.sma(10))),
    average("sma_20", |r| below_price(r, r.sma(20))),
    average("sma_30", |r| below_price(r, r.sma(30))),
    average("sma_50", |r| below_price(r, r.sma(50))),
    average("sma_100", |r| below_price(r, r.sma(100))),
    average("sma_200", |r| below_price(r, r.sma(200))),
    average("ema_10", |r| below_price(r, &r.recursive.emas.newest(10))),
    average("ema_20", |r| below_price(r, &r.recursive.emas.newest(20))),
    average("ema_30", |r| below_price(r, &r.recursive.emas.newest(30))),
    average("ema_50", |r| below_price(r, &r.recursive.emas.newest(50))),
    average("ema_100", |r| below_price(r, &r.recursive.emas.newest(100))),
    average("ema_200", |r| below_price(r, &r.recursive.emas.newest(200))),
    average("hull_9", |r| below_price(r, &r.hull)),
    VoteRule { uses_volume: true, ..average("vwma_20", |r| below_price(r, &r.volume_weighted)) },
    VoteRule {
        name: "ichimoku_9_26_52",
        group: Group::MovingAverage,
        buys_when: "price > conversion > base > leading span A > leading span B",
        uses_volume: false,
        vote: ichimoku,
    },
    oscillator("rsi_14", "below 30 and rising", |r| {
        turns(&r.recursive.rsi.ago(0), &r.recursive.rsi.ago(1), 30.0, 70.0)
    }),
    oscillator("stochastic_14_3_3", "%K and %D below 20, %K above %D", |r| {
        let (k, d) = (votable(&r.stochastic.0)?, votable(&r.stochastic.1)?);
        cast(crosses(k, d), &["k", "d"], [k, d])
    }),
    oscillator("cci_20", "below -100 and rising", |r| turns(&r.cci[0], &r.cci[1], -100.0, 100.0)),
    oscillator("adx_14", "above 20 and rising, +DI above -DI", directional),
    oscillator("awesome", "turns positive, or is positive and turns up (saucer)", awesome),
    oscillator("momentum_10", "rising", |r| {
        let (newest, before) = (votable(&r.momentum[0])?, votable(&r.momentum[1])?);
        cast(compared(newest, before, r.close()?), NEWEST_AND_BEFORE, [newest, before])
    }),
    oscillator("macd_12_26_9", "line above signal", |r| {
        let [line, signal, _] = r.recursive.macd?;
        cast(compared(line, signal, r.close()?), &["line", "signal"], [line, signal])
    }),
    oscillator("stochastic_rsi_3_3_14_14", "price below EMA 50; %K and %D below 20, %K above %D", |r| {
        let (price, average) = price_and_average(r, &r.recursive.emas.newest(50))?;
        let trend = compared(price, average, price);
        let (k, d) = (votable(&r.stochastic_rsi.0)?, votable(&r.stochastic_rsi.1)?);
        // It buys in a falling trend and sells in a rising one.
        let vote = if crosses(k, d) == -trend { -trend } else { 0 };
        cast(vote, &["k", "d", "ema_50"], [k, d, average])
    }),
    oscillator("williams_r_14", "below -80 and rising", |r| {
        turns(&r.williams_r[0], &r.williams_r[1], -80.0, -20.0)
    }),
    oscillator("bull_bear_power_13", "price above EMA 50; low below EMA 13 and less so than before", power),
    oscillator("ultimate_7_14_28", "above 70 (sells below 30)", |r| {
        let value = votable(&r.ultimate)?;
        cast(vote(above(value, 70.0, 100.0), above(30.0, value, 100.0)), &["newest"], [value])
    }),
];

const NEWEST_AND_BEFORE: &[&str; 2] = &["newest", "before"];

fn cast<const N: usize>(vote: i8, names: &'static [&'static str; N], values: [f64; N]) -> VoteResult {
    Ok(CastVote { vote, values: VoteValues::new(names, values) })
}

/// Whether `a` is above `b` by more than rounding.
fn above(a: f64, b: f64, scale: f64) -> bool {
    a - b > RESOLUTION * scale
}

fn vote(buy: bool, sell: bool) -> i8 {
    i8::from(buy) - i8::from(sell)
}

fn compared(a: f64, b: f64, scale: f64) -> i8 {
    vote(above(a, b, scale), above(b, a, scale))
}

fn price_and_average(
    latest: &LatestIndicators<'_>,
    average: &IndicatorResult,
) -> Result<(f64, f64), Absence> {
    let average = votable(average)?;
    Ok((latest.close()?, average))
}

fn below_price(latest: &LatestIndicators<'_>, average: &IndicatorResult) -> VoteResult {
    let (price, average) = price_and_average(latest, average)?;
    cast(compared(price, average, price), &["average"], [average])
}

/// Buys below `low` when rising, sells above `high` when falling.
fn turns(newest: &IndicatorResult, before: &IndicatorResult, low: f64, high: f64) -> VoteResult {
    let (newest, before) = (votable(newest)?, votable(before)?);
    let vote = vote(
        above(low, newest, 100.0) && above(newest, before, 100.0),
        above(newest, high, 100.0) && above(before, newest, 100.0),
    );
    cast(vote, NEWEST_AND_BEFORE, [newest, before])
}

/// Buys when %K is above %D and both are below 20; sells when it is below and both are above 80.
fn crosses(k: f64, d: f64) -> i8 {
    vote(
        above(20.0, k, 100.0) && above(20.0, d, 100.0) && above(k, d, 100.0),
        above(k, 80.0, 100.0) && above(d, 80.0, 100.0) && above(d, k, 100.0),
    )
}

fn ichimoku(latest: &LatestIndicators<'_>) -> VoteResult {
    let lines = &latest.ichimoku;
    let price = latest.close()?;
    // Leading span B needs the most bars, so that its absence is the one to report.
    let lead_b = votable(&lines.lead_b)?;
    let steps = [price, votable(&lines.conversion)?, votable(&lines.base)?, lines.lead_a?, lead_b];
    let vote = vote(
        steps.windows(2).all(|step| above(step[0], step[1], price)),
        steps.windows(2).all(|step| above(step[1], step[0], price)),
    );
    let [_, conversion, base, lead_a, lead_b] = steps;
    cast(vote, &["conversion", "base", "span_a", "span_b"], [conversion, base, lead_a, lead_b])
}

fn directional(latest: &LatestIndicators<'_>) -> VoteResult {
    let lines = &latest.recursive.directional;
    let (before, adx) = (votable(&lines.adx_before)?, votable(&lines.adx)?);
    let is_strong = above(adx, 20.0, 100.0) && above(adx, before, 100.0);
    let (plus, minus) = (votable(&lines.plus_di)?, votable(&lines.minus_di)?);
    let vote = if is_strong { compared(plus, minus, 100.0) } else { 0 };
    cast(vote, &["newest", "before", "plus_di", "minus_di"], [adx, before, plus, minus])
}

/// A saucer is a turn without a change of sign: higher two bars ago, then lower, now higher again.
fn awesome(latest: &LatestIndicators<'_>) -> VoteResult {
    let (oldest, before) = (votable(&latest.awesome[2])?, votable(&latest.awesome[1])?);
    let newest = votable(&latest.awesome[0])?;
    let price = latest.close()?;
    let bullish = |sign: f64| {
        let (oldest, before, newest) = (sign * oldest, sign * before, sign * newest);
        let is_saucer = above(newest, before, price) && above(oldest, before, price);
        above(newest, 0.0, price) && (!above(before, 0.0, price) || is_saucer)
    };
    cast(vote(bullish(1.0), bullish(-1.0)), &["newest", "before", "two_before"], [newest, before, oldest])
}

fn power(latest: &LatestIndicators<'_>) -> VoteResult {
    let emas = &latest.recursive.emas;
    let (price, average) = price_and_average(latest, &emas.newest(50))?;
    let trend = compared(price, average, price);
    let (newest, before) = (votable(&emas.newest(13))?, votable(&emas.before(13))?);
    let last_two = |prices: &[f64]| (prices[prices.len() - 1] - newest, prices[prices.len() - 2] - before);
    let (bear, bear_before) = last_two(latest.bars.low);
    let (bull, bull_before) = last_two(latest.bars.high);
    let vote = vote(
        trend == 1 && above(0.0, bear, price) && above(bear, bear_before, price),
        trend == -1 && above(bull, 0.0, price) && above(bull_before, bull, price),
    );
    cast(
        vote,
        &["bear", "bear_before", "bull", "bull_before", "ema_50"],
        [bear, bear_before, bull, bull_before, average],
    )
}
