//! A symbol's daily bars as traded and as adjusted for splits and dividends.

use serde::{Deserialize, Serialize};

use crate::{Bars, Date, Symbol};

/// Which corporate actions the prices are adjusted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PriceBasis {
    /// As traded.
    Raw,
    /// For splits only, as the "adjusted" bars of vendors usually are.
    Split,
    /// For splits and dividends, so that returns are total returns.
    SplitDividend,
}

impl PriceBasis {
    /// Name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Daily bars of one symbol. `raw` and `adjusted` have the same dates; prices agree at the last bar.
#[derive(Clone, Debug)]
pub struct History {
    symbol: Symbol,
    raw: Bars,
    adjusted: Bars,
    raw_basis: PriceBasis,
    basis: PriceBasis,
}

impl History {
    /// Bars that the source adjusted as `basis` says; they are not adjusted further.
    #[must_use]
    pub fn unadjusted(symbol: Symbol, bars: Bars, basis: PriceBasis) -> Self {
        Self { symbol, adjusted: bars.clone(), raw: bars, raw_basis: basis, basis }
    }

    /// Bars as traded, with a price factor and a volume factor for each (adjusted = raw × factor). The price factors are
    /// scaled so that the last one is 1: "adjusted as of the last bar".
    ///
    /// # Panics
    /// When a factor column is shorter than the bars.
    #[must_use]
    pub fn adjusted_by(symbol: Symbol, raw: Bars, price_factor: &[f64], volume_factor: &[f64]) -> Self {
        let last = raw.len().checked_sub(1).map_or(1.0, |last| price_factor[last]);
        let scaled: Vec<f64> = price_factor.iter().map(|factor| factor / last).collect();
        let adjusted = raw.scaled(&scaled, volume_factor);
        let (raw_basis, basis) = (PriceBasis::Raw, PriceBasis::SplitDividend);
        Self { symbol, raw, adjusted, raw_basis, basis }
    }

    /// The ticker.
    #[must_use]
    pub fn symbol(&self) -> &Symbol {
        &self.symbol
    }

    /// Bars as traded, or as close to that as the source has them: for displayed price levels, and for comparison with filed
    /// per-share figures.
    #[must_use]
    pub fn raw(&self) -> &Bars {
        &self.raw
    }

    /// Bars for computations.
    #[must_use]
    pub fn adjusted(&self) -> &Bars {
        &self.adjusted
    }

    /// What `raw` is adjusted for: nothing, unless the source has no bars as traded.
    #[must_use]
    pub fn raw_basis(&self) -> PriceBasis {
        self.raw_basis
    }

    /// What `adjusted` is adjusted for.
    #[must_use]
    pub fn basis(&self) -> PriceBasis {
        self.basis
    }

    /// Date of the newest bar.
    #[must_use]
    pub fn as_of(&self) -> Option<Date> {
        self.raw.view().date.last().copied()
    }
}

/// A time series by strictly ascending date, such as a market's returns or an interest rate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatedValues {
    dates: Vec<Date>,
    values: Vec<f64>,
}

impl DatedValues {
    /// Keeps finite values in strictly ascending date order and drops every other pair.
    #[must_use]
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Date, f64)>) -> Self {
        let mut out = Self::default();
        for (date, value) in pairs {
            if value.is_finite() && out.dates.last().is_none_or(|last| *last < date) {
                out.dates.push(date);
                out.values.push(value);
            }
        }
        out
    }

    /// Strictly ascending.
    #[must_use]
    pub fn dates(&self) -> &[Date] {
        &self.dates
    }

    /// One finite value for each date.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value on `date`, or else the newest one before it.
    #[must_use]
    pub fn as_of(&self, date: Date) -> Option<f64> {
        let after = self.dates.partition_point(|at| *at <= date);
        after.checked_sub(1).map(|at| self.values[at])
    }
}
