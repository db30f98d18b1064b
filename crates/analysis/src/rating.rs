//! TradingView's published rating of an equity: 26 votes of -1, 0 or +1 in two groups, and the mean of the group means.
//!
//! The rules are those of its help page 43000614331 (the revision that compares the positions of lines, not the moment at
//! which they cross). The values are those of TA-Lib, whose seeds differ from TradingView's in the first few hundred bars. A
//! vote whose inputs are missing or flat is absent with its reason, and never counts as 0.

mod vote_rules;

use domain::VolumeBasis;
use serde::Serialize;
use utoipa::ToSchema;

use vote_rules::{Group, VOTE_RULES, VoteValues};

use crate::Absence;
use crate::latest::LatestIndicators;

/// One indicator's vote.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = IndicatorVote)]
pub struct Vote {
    /// Name of the indicator, such as `sma_20`.
    #[schema(value_type = String, example = "sma_20")]
    pub name: &'static str,
    /// Group in whose mean the vote counts.
    pub group: Group,
    /// +1 buy, -1 sell, 0 neither; null when it cannot be computed.
    #[schema(minimum = -1, maximum = 1)]
    pub vote: Option<i8>,
    /// Why the vote is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Absence>,
    /// The values that the vote compares, by name, beside the newest close; absent when the vote is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, f64>>)]
    pub values: Option<VoteValues>,
    /// What the volume is adjusted for, if the vote uses it: `raw`, `split`, or `as_given` if the source does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub volume_basis: Option<&'static str>,
    /// Condition for a buy vote; a sell vote has the mirrored condition.
    #[schema(value_type = String)]
    pub buys_when: &'static str,
}

/// All votes and their means.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Rating {
    /// Mean of the group means, -1 to 1; the mean of one group when the other has no vote; null without any vote.
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub score: Option<f64>,
    /// Mean vote of the moving averages.
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub moving_averages: Option<f64>,
    /// Mean vote of the oscillators.
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub oscillators: Option<f64>,
    /// Number of votes of +1.
    pub buy: usize,
    /// Number of votes of 0.
    pub neutral: usize,
    /// Number of votes of -1.
    pub sell: usize,
    /// Number of votes that cannot be computed.
    pub absent: usize,
    /// Every vote, moving averages first.
    pub votes: Vec<Vote>,
}

pub(crate) fn rate(latest: &LatestIndicators<'_>, volume: VolumeBasis) -> Rating {
    let votes: Vec<Vote> = VOTE_RULES
        .iter()
        .map(|rule| {
            let cast = (rule.vote)(latest);
            let (name, group, buys_when) = (rule.name, rule.group, rule.buys_when);
            let values = cast.ok().map(|cast| cast.values);
            let volume_basis = rule.uses_volume.then(|| volume.as_str());
            Vote {
                name,
                group,
                vote: cast.ok().map(|cast| cast.vote),
                reason: cast.err(),
                values,
                volume_basis,
                buys_when,
            }
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

impl Rating {
    /// Number of votes that were cast.
    pub(crate) fn cast(&self) -> usize {
        self.votes.len() - self.absent
    }
}

fn mean_vote(votes: &[Vote], group: Group) -> Option<f64> {
    let values = || votes.iter().filter(|vote| vote.group == group).filter_map(|vote| vote.vote);
    let total: i32 = values().map(i32::from).sum();
    let count = values().count();
    (count > 0).then(|| f64::from(total) / count as f64)
}
