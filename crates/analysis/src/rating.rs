//! TradingView's published rating of an equity: 26 votes of -1, 0 or +1 in two groups, and the mean of their means.
//!
//! The rules are those of its help page 43000614331 (the revision that looks at where lines stand, not at the moment
//! at which they cross). The readings are TA-Lib's, so that seeds differ from TradingView's in the first few hundred
//! bars. A vote whose inputs are not there, or stand still, is absent with its reason and never counts as 0.

mod ballot;

use serde::Serialize;
use utoipa::ToSchema;

pub use ballot::{Group, VOTES};

use crate::Absence;
use crate::technical::Readings;
use ballot::BALLOT;

/// One indicator's vote.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Vote {
    /// Which indicator, such as `sma_20`.
    #[schema(value_type = String, example = "sma_20")]
    pub name: &'static str,
    /// Which of the two means it counts in.
    pub group: Group,
    /// +1 buy, -1 sell, 0 neither; null when it cannot be told.
    #[schema(minimum = -1, maximum = 1)]
    pub vote: Option<i8>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Absence>,
    /// When it buys; it sells in the mirror image.
    #[schema(value_type = String)]
    pub buys_when: &'static str,
}

/// All votes and their means.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Rating {
    /// Mean of the two groups' means, -1 to 1; of one when the other has no vote; null without any vote.
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub score: Option<f64>,
    /// Mean vote of moving averages.
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub moving_averages: Option<f64>,
    /// Mean vote of oscillators.
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub oscillators: Option<f64>,
    /// Votes of +1.
    pub buy: usize,
    /// Votes of 0.
    pub neutral: usize,
    /// Votes of -1.
    pub sell: usize,
    /// Votes that cannot be told.
    pub absent: usize,
    /// Every vote, moving averages first.
    pub votes: Vec<Vote>,
}

/// Casts every vote.
pub(crate) fn rate(readings: &Readings<'_>) -> Rating {
    let votes: Vec<Vote> = BALLOT
        .iter()
        .map(|entry| {
            let cast = (entry.cast)(readings);
            let (name, group, buys_when) = (entry.name, entry.group, entry.buys_when);
            Vote { name, group, vote: cast.ok(), reason: cast.err(), buys_when }
        })
        .collect();
    let moving_averages = mean_vote(&votes, Group::MovingAverage);
    let oscillators = mean_vote(&votes, Group::Oscillator);
    let score = match (moving_averages, oscillators) {
        (Some(a), Some(b)) => Some((a + b) / 2.0),
        (one, other) => one.or(other),
    };
    let count = |wanted| votes.iter().filter(|vote| vote.vote == wanted).count();
    Rating {
        score,
        moving_averages,
        oscillators,
        buy: count(Some(1)),
        neutral: count(Some(0)),
        sell: count(Some(-1)),
        absent: count(None),
        votes,
    }
}

fn mean_vote(votes: &[Vote], group: Group) -> Option<f64> {
    let cast = || votes.iter().filter(|vote| vote.group == group).filter_map(|vote| vote.vote);
    let total: i32 = cast().map(i32::from).sum();
    let count = cast().count();
    (count > 0).then(|| f64::from(total) / count as f64)
}
