//! The seven signals and their score bands.

use serde::{Deserialize, Serialize};
use strum::{Display, VariantArray};
use utoipa::ToSchema;

/// A score is neutral below this size.
const NEUTRAL_BELOW: f64 = 0.1;
/// A score is a plain buy or sell from this size.
const PLAIN_FROM: f64 = 0.5;
/// A score is a strong buy or sell from this size.
const STRONG_FROM: f64 = 0.8;

/// The band of a score from -1 to 1. Bands are symmetric about 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, VariantArray, Serialize, Deserialize, ToSchema)]
pub enum Signal {
    /// Score at or below -0.8.
    StrongSell,
    /// Score above -0.8, at or below -0.5.
    Sell,
    /// Score above -0.5, at or below -0.1.
    WeakSell,
    /// |score| below 0.1.
    Neutral,
    /// Score from 0.1 to below 0.5.
    WeakBuy,
    /// Score from 0.5 to below 0.8.
    Buy,
    /// Score from 0.8.
    StrongBuy,
}

impl Signal {
    /// The band of `score`.
    pub(crate) fn from_score(score: f64) -> Self {
        let size = score.abs();
        let is_buy = score > 0.0;
        if size >= STRONG_FROM {
            if is_buy { Self::StrongBuy } else { Self::StrongSell }
        } else if size >= PLAIN_FROM {
            if is_buy { Self::Buy } else { Self::Sell }
        } else if size >= NEUTRAL_BELOW {
            if is_buy { Self::WeakBuy } else { Self::WeakSell }
        } else {
            Self::Neutral
        }
    }

    /// The signal as a number: 0, ±30, ±60 or ±100.
    #[must_use]
    pub fn strength(self) -> i8 {
        match self {
            Self::StrongSell => -100,
            Self::Sell => -60,
            Self::WeakSell => -30,
            Self::Neutral => 0,
            Self::WeakBuy => 30,
            Self::Buy => 60,
            Self::StrongBuy => 100,
        }
    }

    /// A representative score: a hundredth of the strength, which lies in the signal's band.
    #[must_use]
    pub fn score(self) -> f64 {
        f64::from(self.strength()) / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_to_score_to_signal_is_stable_for_all_seven() {
        for (signal, strength) in Signal::VARIANTS.iter().copied().zip([-100, -60, -30, 0, 30, 60, 100]) {
            assert_eq!(signal.strength(), strength);
            assert_eq!(Signal::from_score(signal.score()), signal);
            assert_eq!(serde_json::to_string(&signal).unwrap(), format!("\"{}\"", signal));
        }
    }

    #[test]
    fn bands_are_symmetric_and_close_at_their_outer_edge() {
        for (score, expected) in [
            (0.0, Signal::Neutral),
            (0.099, Signal::Neutral),
            (0.1, Signal::WeakBuy),
            (0.499, Signal::WeakBuy),
            (0.5, Signal::Buy),
            (0.799, Signal::Buy),
            (0.8, Signal::StrongBuy),
            (1.0, Signal::StrongBuy),
        ] {
            assert_eq!(Signal::from_score(score), expected, "{score}");
            assert_eq!(Signal::from_score(-score).strength(), -expected.strength(), "-{score}");
        }
    }
}
