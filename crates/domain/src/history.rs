//! A symbol's daily bars as traded and as adjusted for splits and dividends.

use serde::{Deserialize, Serialize};

use crate::{Bars, Date, Symbol};

/// Which corporate actions the prices are adjusted for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantArray,
)]
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

/// What volumes are adjusted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum VolumeBasis {
    /// Shares as traded: after a split of 2 for 1 they count half.
    Raw,
    /// For splits.
    Split,
    /// The source does not tell.
    AsGiven,
}

impl VolumeBasis {
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
    splits: Splits,
}

/// What is known of splits.
#[derive(Clone, Debug)]
enum Splits {
    /// The source applied or ignored them, and names none.
    Unknown { volume: VolumeBasis },
    /// Shares at the last bar for one share at each bar, and the bars as traded adjusted for them alone; `None` if they are the
    /// bars as traded, because there was no split.
    Known { shares: Vec<f64>, adjusted: Option<Bars> },
}

impl History {
    /// Bars that the source adjusted as `basis` says; they are not adjusted further.
    #[must_use]
    pub fn unadjusted(symbol: Symbol, bars: Bars, basis: PriceBasis) -> Self {
        let volume = match basis {
            PriceBasis::Raw => VolumeBasis::Raw,
            PriceBasis::Split => VolumeBasis::Split,
            PriceBasis::SplitDividend => VolumeBasis::AsGiven,
        };
        let splits = Splits::Unknown { volume };
        Self { symbol, adjusted: bars.clone(), raw: bars, raw_basis: basis, basis, splits }
    }

    /// Bars as traded, with a price factor for each (adjusted = raw × factor) and, because of splits, a volume factor: the shares
    /// at the last bar for one share at this one. The price factors are scaled so that the last one is 1: "adjusted as of the
    /// last bar".
    ///
    /// # Panics
    /// When a factor column is shorter than the bars.
    #[must_use]
    pub fn adjusted_by(symbol: Symbol, raw: Bars, price_factor: &[f64], volume_factor: &[f64]) -> Self {
        let shares = volume_factor[..raw.len()].to_vec();
        let prices: Vec<f64> = shares.iter().map(|shares| 1.0 / shares).collect();
        let has_splits = shares.iter().any(|shares| (shares - 1.0).abs() > f64::EPSILON);
        let adjusted = has_splits.then(|| raw.scaled(&prices, &shares));
        Self::scaled(symbol, raw, price_factor, volume_factor, Splits::Known { shares, adjusted })
    }

    /// Bars as traded, with a price factor for each that does not separate splits from dividends: volume stays as traded.
    ///
    /// # Panics
    /// When there are fewer factors than bars.
    #[must_use]
    pub fn adjusted_without_splits(symbol: Symbol, raw: Bars, price_factor: &[f64]) -> Self {
        let volume_factor = vec![1.0; raw.len()];
        let splits = Splits::Unknown { volume: VolumeBasis::Raw };
        Self::scaled(symbol, raw, price_factor, &volume_factor, splits)
    }

    /// Bars that the source adjusted for splits, volume included, with a price factor for each because of dividends.
    ///
    /// # Panics
    /// When there are fewer factors than bars.
    #[must_use]
    pub fn adjusted_for_dividends(symbol: Symbol, split_adjusted: Bars, price_factor: &[f64]) -> Self {
        let volume_factor = vec![1.0; split_adjusted.len()];
        let splits = Splits::Unknown { volume: VolumeBasis::Split };
        let history = Self::scaled(symbol, split_adjusted, price_factor, &volume_factor, splits);
        Self { raw_basis: PriceBasis::Split, ..history }
    }

    fn scaled(
        symbol: Symbol,
        raw: Bars,
        price_factor: &[f64],
        volume_factor: &[f64],
        splits: Splits,
    ) -> Self {
        let last = raw.len().checked_sub(1).map_or(1.0, |last| price_factor[last]);
        let scaled: Vec<f64> = price_factor.iter().map(|factor| factor / last).collect();
        let adjusted = raw.scaled(&scaled, volume_factor);
        let (raw_basis, basis) = (PriceBasis::Raw, PriceBasis::SplitDividend);
        Self { symbol, raw, adjusted, raw_basis, basis, splits }
    }

    /// The ticker.
    #[must_use]
    pub fn symbol(&self) -> &Symbol {
        &self.symbol
    }

    /// Bars as traded, or as close to that as the source has them: for the displayed price, and for comparison with filed
    /// per-share figures. Prices before and after a split must not be compared: see [`Self::levels`].
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

    /// What the volumes of `adjusted` are adjusted for.
    #[must_use]
    pub fn volume_basis(&self) -> VolumeBasis {
        match self.splits {
            Splits::Unknown { volume } => volume,
            Splits::Known { .. } => VolumeBasis::Split,
        }
    }

    /// Bars for displayed price levels of several days, such as the highest price of a year, and what they are adjusted for: as
    /// traded but for splits; if the source does not separate splits from dividends, for both.
    #[must_use]
    pub fn levels(&self) -> (&Bars, PriceBasis) {
        match &self.splits {
            Splits::Unknown { .. } if self.raw_basis == PriceBasis::Split => (&self.raw, self.raw_basis),
            Splits::Unknown { .. } => (&self.adjusted, self.basis),
            Splits::Known { adjusted, .. } => (adjusted.as_ref().unwrap_or(&self.raw), PriceBasis::Split),
        }
    }

    /// Shares at the last bar for one share at each bar; empty if the source does not tell.
    #[must_use]
    pub fn shares(&self) -> &[f64] {
        match &self.splits {
            Splits::Unknown { .. } => &[],
            Splits::Known { shares, .. } => shares,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RawBar;

    fn bars(closes: &[f64]) -> Bars {
        let bar = |(day, close): (usize, &f64)| RawBar {
            date: Date::from_days(15_000 + day as i32).unwrap(),
            open: *close,
            high: *close,
            low: *close,
            close: *close,
            volume: 100.0,
        };
        Bars::from_raw(closes.iter().enumerate().map(bar)).0
    }

    #[test]
    fn levels_span_a_split_and_leave_dividends_out() {
        // 2 for 1 before the third bar, and a dividend of 10 % before the second.
        let raw = bars(&[100.0, 90.0, 45.0]);
        let history =
            History::adjusted_by("X".parse().unwrap(), raw.clone(), &[0.45, 0.5, 1.0], &[2.0, 2.0, 1.0]);
        let (levels, basis) = history.levels();
        assert_eq!((levels.view().close, basis), (&[50.0, 45.0, 45.0][..], PriceBasis::Split));
        assert_eq!(history.adjusted().view().close, [45.0, 45.0, 45.0]);
        assert_eq!(history.volume_basis(), VolumeBasis::Split);
        assert_eq!(history.shares(), [2.0, 2.0, 1.0]);
    }

    #[test]
    fn splits_that_are_not_separate_from_dividends_leave_volume_as_traded() {
        let raw = bars(&[100.0, 90.0, 45.0]);
        let history = History::adjusted_without_splits("X".parse().unwrap(), raw, &[0.45, 0.5, 1.0]);
        let (levels, basis) = history.levels();
        assert_eq!((levels.view().close, basis), (&[45.0, 45.0, 45.0][..], PriceBasis::SplitDividend));
        assert_eq!(history.adjusted().view().volume, [100.0; 3]);
        assert_eq!((history.volume_basis(), history.shares()), (VolumeBasis::Raw, &[][..]));
    }
}
