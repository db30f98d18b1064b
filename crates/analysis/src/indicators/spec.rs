//! Indicators and their parameters, parsed from text such as `rsi:14` or `macd:12:26:9`.

use std::fmt;
use std::str::FromStr;

/// Longest period, in bars.
pub const PERIOD_BARS_MAX: u16 = 1_000;
/// Most indicators in one list.
pub const SPECS_MAX: usize = 32;
/// Widest Bollinger band, in standard deviations.
pub const DEVIATIONS_MAX: f64 = 10.0;

/// Shortest period of most indicators, in bars: with one bar they would only repeat their input.
const PERIOD_BARS_MIN: u16 = 2;
/// Most parameters that any indicator takes.
const PARAMETERS_MAX: usize = 3;

/// A number of bars, `2..=`[`PERIOD_BARS_MAX`] (a smoothing inside the Stochastic may be 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period(u16);

impl Period {
    /// Number of bars.
    #[must_use]
    pub fn bars(self) -> usize {
        usize::from(self.0)
    }

    pub(super) fn ta(self) -> i32 {
        i32::from(self.0)
    }
}

/// An indicator with its parameters, all within bounds.
///
/// The text is a name and optional parameters, separated by colons: `sma:200`, `rsi`, `macd:12:26:9`,
/// `bbands:20:2.5`, `stoch:14:3:3`, `obv`. Parameters may be omitted
/// from the right and then have their usual values: `macd:8` is `macd:8:26:9`. [`fmt::Display`] writes every parameter.
#[derive(Clone, Copy, Debug, PartialEq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum IndicatorSpec {
    /// `sma:20`, mean of the last closes.
    Sma(Period),
    /// `ema:12`, exponential mean of closes, seeded with the simple mean.
    Ema(Period),
    /// `rsi:14`, Wilder's relative strength index.
    Rsi(Period),
    /// `macd:12:26:9`, difference of two exponential means and its own exponential mean.
    Macd {
        /// Period of the fast mean; shorter than `slow`.
        fast: Period,
        /// Period of the slow mean.
        slow: Period,
        /// Period of the signal line.
        signal: Period,
    },
    /// `bbands:20:2`, bands around the simple mean.
    Bbands {
        /// Window of mean and deviation.
        period: Period,
        /// Population standard deviations from the mean to a band.
        deviations: f64,
    },
    /// `adx:14`, Wilder's average directional index.
    Adx(Period),
    /// `plus_di:14`, Wilder's positive directional indicator.
    PlusDi(Period),
    /// `minus_di:14`, Wilder's negative directional indicator.
    MinusDi(Period),
    /// `atr:14`, Wilder's average true range.
    Atr(Period),
    /// `stoch:14:3:3`, slow Stochastic.
    Stoch {
        /// Window of the raw %K.
        fast_k: Period,
        /// Simple mean that makes %K.
        slow_k: Period,
        /// Simple mean that makes %D.
        slow_d: Period,
    },
    /// `obv`, on-balance volume.
    Obv,
    /// `cci:20`, commodity channel index.
    Cci(Period),
    /// `mfi:14`, money flow index.
    Mfi(Period),
    /// `willr:14`, Williams %R.
    Willr(Period),
}

/// Why a text is not an [`IndicatorSpec`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The indicator does not exist.
    #[error(
        "unknown indicator; expected sma, ema, rsi, macd, bbands, adx, plus_di, minus_di, atr, stoch, obv, cci, mfi or willr"
    )]
    UnknownName,
    /// Too many parameters.
    #[error("{name} takes at most {most} parameters")]
    TooManyParameters {
        /// Name of the indicator.
        name: &'static str,
        /// Most parameters of the indicator.
        most: usize,
    },
    /// A period is not a whole number in range.
    #[error("period of {name} must be a whole number of bars from {least} to {PERIOD_BARS_MAX}")]
    Period {
        /// Name of the indicator.
        name: &'static str,
        /// Shortest period, in bars.
        least: u16,
    },
    /// A band width is not a number in range.
    #[error("width of bbands must be a number of deviations above 0 and at most {DEVIATIONS_MAX}")]
    Deviations,
    /// The fast period of MACD is not shorter than the slow one.
    #[error("first period of macd must be shorter than the second")]
    FastNotBelowSlow,
    /// Too many indicators in one list.
    #[error("a list may have at most {SPECS_MAX} indicators")]
    TooMany,
}

impl IndicatorSpec {
    /// What [`Self::parse_list`] accepts, as a regular expression; it cannot say that the first period of macd is the shorter one.
    #[must_use]
    pub fn list_pattern() -> String {
        const PERIOD: &str = ":0*([2-9]|[1-9][0-9]{1,2}|1000)";
        const SMOOTHING: &str = ":0*([1-9][0-9]{0,2}|1000)";
        const DEVIATIONS: &str = r":0*(10(\.0*)?|[1-9](\.[0-9]*)?|\.0*[1-9][0-9]*)";
        let spec = format!(
            "((sma|ema|rsi|adx|plus_di|minus_di|atr|cci|mfi|willr)({PERIOD})?|obv|macd({PERIOD}){{0,3}}|\
             bbands({PERIOD}({DEVIATIONS})?)?|stoch({PERIOD}({SMOOTHING}){{0,2}})?)"
        );
        format!("^{spec}(,{spec}){{0,{}}}$", SPECS_MAX - 1)
    }

    /// Parses indicators separated by commas, such as `rsi:14,macd`.
    ///
    /// # Errors
    /// [`SpecError`] of the first invalid one, or [`SpecError::TooMany`] beyond [`SPECS_MAX`].
    pub fn parse_list(text: &str) -> Result<Vec<Self>, SpecError> {
        if text.split(',').count() > SPECS_MAX {
            return Err(SpecError::TooMany);
        }
        text.split(',').map(str::parse).collect()
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        super::output_names(self).len()
    }

    /// Number of values read for each bar: some indicators read their whole window again, the others are recursive.
    #[must_use]
    pub fn reads_per_bar(&self) -> usize {
        if let Self::Cci(window) | Self::Willr(window) | Self::Stoch { fast_k: window, .. } = self {
            window.bars()
        } else {
            1
        }
    }

    /// Whether its values depend on volumes.
    #[must_use]
    pub fn uses_volume(&self) -> bool {
        matches!(self, Self::Obv | Self::Mfi(_))
    }

    /// Definition, in one sentence.
    #[must_use]
    pub fn definition(&self) -> &'static str {
        match self {
            Self::Sma(_) => "mean of the last n closes",
            Self::Ema(_) => "exponential mean of closes, k = 2/(n+1), seeded with the mean of the first n",
            Self::Rsi(_) => "Wilder: 100 G/(G+L), means seeded with the first n changes; 50 if nothing moved",
            Self::Macd { .. } => {
                "fast EMA - slow EMA, both seeded at the first bar of the slow one; signal is the EMA of that line"
            }
            Self::Bbands { .. } => "mean of the last n closes -/+ population standard deviations",
            Self::Adx(_) => "Wilder: mean of DX seeded with its first n values; sums seeded with n-1 bars",
            Self::PlusDi(_) => "Wilder: 100 (+DM sum)/(true range sum), sums seeded with n-1 bars",
            Self::MinusDi(_) => "Wilder: 100 (-DM sum)/(true range sum), sums seeded with n-1 bars",
            Self::Atr(_) => "Wilder: mean of true range from bar 1, seeded with the first n",
            Self::Stoch { .. } => "%K: mean of 100 (close-low)/(high-low) over the window; %D: mean of %K",
            Self::Obv => {
                "volume added on a rise and subtracted on a fall of the close, from the first volume"
            }
            Self::Cci(_) => "(typical price - mean)/(0.015 mean absolute deviation)",
            Self::Mfi(_) => "100 P/(P+N) of money flow; typical prices equal within 1e-14 do not count",
            Self::Willr(_) => "-100 (highest - close)/(highest - lowest)",
        }
    }
}

impl FromStr for IndicatorSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let mut parameters = Parameters { name: "", values: [None; PARAMETERS_MAX], count: 0 };
        for part in parts {
            // Excess parameters are only counted.
            if let Some(slot) = parameters.values.get_mut(parameters.count) {
                *slot = Some(part);
            }
            parameters.count += 1;
        }
        match name {
            "sma" => parameters.at_most("sma", 1)?.one(20).map(Self::Sma),
            "ema" => parameters.at_most("ema", 1)?.one(20).map(Self::Ema),
            "rsi" => parameters.at_most("rsi", 1)?.one(14).map(Self::Rsi),
            "macd" => parameters.at_most("macd", 3)?.macd(),
            "bbands" => parameters.at_most("bbands", 2)?.bbands(),
            "adx" => parameters.at_most("adx", 1)?.one(14).map(Self::Adx),
            "plus_di" => parameters.at_most("plus_di", 1)?.one(14).map(Self::PlusDi),
            "minus_di" => parameters.at_most("minus_di", 1)?.one(14).map(Self::MinusDi),
            "atr" => parameters.at_most("atr", 1)?.one(14).map(Self::Atr),
            "stoch" => parameters.at_most("stoch", 3)?.stoch(),
            "obv" => parameters.at_most("obv", 0).map(|_| Self::Obv),
            "cci" => parameters.at_most("cci", 1)?.one(20).map(Self::Cci),
            "mfi" => parameters.at_most("mfi", 1)?.one(14).map(Self::Mfi),
            "willr" => parameters.at_most("willr", 1)?.one(14).map(Self::Willr),
            _ => Err(SpecError::UnknownName),
        }
    }
}

/// Parameters after the name.
#[derive(Clone, Copy)]
struct Parameters<'a> {
    name: &'static str,
    values: [Option<&'a str>; PARAMETERS_MAX],
    count: usize,
}

impl Parameters<'_> {
    fn at_most(self, name: &'static str, most: usize) -> Result<Self, SpecError> {
        if self.count > most {
            return Err(SpecError::TooManyParameters { name, most });
        }
        Ok(Self { name, ..self })
    }

    fn period(&self, at: usize, usual: u16, least: u16) -> Result<Period, SpecError> {
        let error = SpecError::Period { name: self.name, least };
        match self.values[at] {
            None => Ok(Period(usual)),
            // `parse` also accepts a leading plus sign; one form is enough.
            Some(text) if !text.bytes().all(|byte| byte.is_ascii_digit()) => Err(error),
            Some(text) => match text.parse() {
                Ok(bars) if (least..=PERIOD_BARS_MAX).contains(&bars) => Ok(Period(bars)),
                _ => Err(error),
            },
        }
    }

    fn one(self, usual: u16) -> Result<Period, SpecError> {
        self.period(0, usual, PERIOD_BARS_MIN)
    }

    fn macd(self) -> Result<IndicatorSpec, SpecError> {
        let fast = self.period(0, 12, PERIOD_BARS_MIN)?;
        let slow = self.period(1, 26, PERIOD_BARS_MIN)?;
        let signal = self.period(2, 9, PERIOD_BARS_MIN)?;
        if fast.0 >= slow.0 {
            return Err(SpecError::FastNotBelowSlow);
        }
        Ok(IndicatorSpec::Macd { fast, slow, signal })
    }

    fn bbands(self) -> Result<IndicatorSpec, SpecError> {
        let period = self.period(0, 20, PERIOD_BARS_MIN)?;
        let deviations = match self.values[1] {
            None => 2.0,
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
                text.parse().map_err(|_| SpecError::Deviations)?
            }
            Some(_) => return Err(SpecError::Deviations),
        };
        if deviations <= 0.0 || deviations > DEVIATIONS_MAX {
            return Err(SpecError::Deviations);
        }
        Ok(IndicatorSpec::Bbands { period, deviations })
    }

    fn stoch(self) -> Result<IndicatorSpec, SpecError> {
        let fast_k = self.period(0, 14, PERIOD_BARS_MIN)?;
        let slow_k = self.period(1, 3, 1)?;
        let slow_d = self.period(2, 3, 1)?;
        Ok(IndicatorSpec::Stoch { fast_k, slow_k, slow_d })
    }
}

impl fmt::Display for IndicatorSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.into())?;
        match self {
            Self::Sma(Period(n))
            | Self::Ema(Period(n))
            | Self::Rsi(Period(n))
            | Self::Adx(Period(n))
            | Self::PlusDi(Period(n))
            | Self::MinusDi(Period(n))
            | Self::Atr(Period(n))
            | Self::Cci(Period(n))
            | Self::Mfi(Period(n))
            | Self::Willr(Period(n)) => write!(out, ":{n}"),
            Self::Macd { fast: Period(a), slow: Period(b), signal: Period(c) }
            | Self::Stoch { fast_k: Period(a), slow_k: Period(b), slow_d: Period(c) } => {
                write!(out, ":{a}:{b}:{c}")
            }
            Self::Bbands { period: Period(n), deviations } => write!(out, ":{n}:{deviations}"),
            Self::Obv => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::string::string_regex;
    use proptest::test_runner::TestRunner;

    use super::*;

    #[test]
    fn names_with_and_without_parameters_parse_to_one_full_spelling() {
        for (text, full) in [
            ("rsi", "rsi:14"),
            ("rsi:2", "rsi:2"),
            ("sma:1000", "sma:1000"),
            ("macd", "macd:12:26:9"),
            ("macd:8", "macd:8:26:9"),
            ("bbands:20:2", "bbands:20:2"),
            ("bbands:20:2.5", "bbands:20:2.5"),
            ("stoch:14:1:1", "stoch:14:1:1"),
            ("obv", "obv"),
        ] {
            let spec: IndicatorSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), full);
            assert_eq!(full.parse(), Ok(spec));
        }
    }

    #[test]
    fn invalid_parameters_are_refused_with_their_reason() {
        let period = |name, least| Err(SpecError::Period { name, least });
        let cases: [(&str, Result<IndicatorSpec, SpecError>); 16] = [
            ("", Err(SpecError::UnknownName)),
            ("RSI", Err(SpecError::UnknownName)),
            ("rsi ", Err(SpecError::UnknownName)),
            ("rsi:", period("rsi", 2)),
            ("rsi:1", period("rsi", 2)),
            ("rsi:1001", period("rsi", 2)),
            ("rsi:99999999999999999999", period("rsi", 2)),
            ("rsi:+14", period("rsi", 2)),
            ("rsi:１４", period("rsi", 2)),
            ("stoch:14:0:3", period("stoch", 1)),
            ("rsi:14:14", Err(SpecError::TooManyParameters { name: "rsi", most: 1 })),
            ("obv:1", Err(SpecError::TooManyParameters { name: "obv", most: 0 })),
            ("macd:1:2:3:4:5", Err(SpecError::TooManyParameters { name: "macd", most: 3 })),
            ("macd:26:12", Err(SpecError::FastNotBelowSlow)),
            ("bbands:20:0", Err(SpecError::Deviations)),
            ("bbands:20:inf", Err(SpecError::Deviations)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<IndicatorSpec>(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_list_is_bounded() {
        assert_eq!(IndicatorSpec::parse_list("rsi:14,macd").map(|specs| specs.len()), Ok(2));
        assert_eq!(IndicatorSpec::parse_list("rsi,"), Err(SpecError::UnknownName));
        assert_eq!(IndicatorSpec::parse_list(&["rsi"; SPECS_MAX].join(",")).map(|s| s.len()), Ok(SPECS_MAX));
        assert_eq!(IndicatorSpec::parse_list(&["rsi"; SPECS_MAX + 1].join(",")), Err(SpecError::TooMany));
    }

    #[test]
    fn the_pattern_describes_what_is_parsed() {
        let mut runner = TestRunner::deterministic();
        let pattern = IndicatorSpec::list_pattern().replace("0*", "0{0,2}");
        let texts = string_regex(pattern.trim_matches(['^', '$'])).unwrap();
        for _ in 0..500 {
            let text = texts.new_tree(&mut runner).unwrap().current();
            let specs = IndicatorSpec::parse_list(&text);
            assert!(matches!(specs, Ok(_) | Err(SpecError::FastNotBelowSlow)), "{text}: {specs:?}");
        }
    }
}
