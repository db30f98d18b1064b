//! Time that one bar covers.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The span of one bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Timeframe {
    /// One trading day, `1d`.
    #[default]
    #[serde(rename = "1d")]
    Day,
    /// One ISO week, `1w`.
    #[serde(rename = "1w")]
    Week,
    /// One calendar month, `1M`.
    #[serde(rename = "1M")]
    Month,
}

/// The text is not a supported timeframe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("timeframe must be 1d, 1w or 1M")]
pub struct TimeframeError;

impl Timeframe {
    /// Every timeframe.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// Name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "1d",
            Self::Week => "1w",
            Self::Month => "1M",
        }
    }

    /// Bars in a year, for annualising: 252 days, 52 weeks, 12 months.
    #[must_use]
    pub fn bars_per_year(self) -> f64 {
        match self {
            Self::Day => 252.0,
            Self::Week => 52.0,
            Self::Month => 12.0,
        }
    }
}

impl FromStr for Timeframe {
    type Err = TimeframeError;

    fn from_str(text: &str) -> Result<Self, TimeframeError> {
        Self::ALL.into_iter().find(|timeframe| timeframe.as_str() == text).ok_or(TimeframeError)
    }
}
