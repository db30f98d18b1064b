//! What a person can do about a review.

use std::collections::BTreeMap;

use domain::{Currency, Journal, JournalEntry, JournalPosting, LedgerAccount, Money};
use serde::Serialize;

use super::ReviewSummary;
use crate::ledger::LedgerEntry;

/// What a person can do about a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuggestedAction {
    /// What to do.
    pub action: ReviewAction,
    /// When, and how.
    pub text: &'static str,
    /// The journal to resolve it with, where one is obvious.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<Journal>,
}

/// Ways to resolve a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ReviewAction {
    /// Resolve it with a reason.
    Resolve,
    /// Resolve it with a journal.
    Journal,
    /// Apply the event again.
    Replay,
    /// Requeue the job.
    Requeue,
}

pub(super) fn suggest(review: &ReviewSummary, entries: &[LedgerEntry]) -> Vec<SuggestedAction> {
    use ReviewAction::{Journal, Replay, Requeue, Resolve};
    let actions: &[(ReviewAction, &'static str)] = match review.kind.as_str() {
        "repeated_entry" => &[
            (Journal, "if the entry is a second report of the other: reverse it"),
            (Resolve, "if there were two: say so"),
        ],
        "beyond_holding" => &[
            (Resolve, "if the sale was short: accept the short position"),
            (Journal, "if a buy or a transfer of shares is missing: post it"),
        ],
        "dead_letter" => &[
            (Requeue, "when its cause is mended: investiq webhooks dead-letter requeue"),
            (Resolve, "if it needs no effect: say why"),
        ],
        "conflict" => &[
            (Replay, "if this content is the right one: investiq webhooks replay"),
            (Resolve, "if the first content is the right one: say so"),
        ],
        "by_hand" | "symbol" => &[
            (Journal, "post what it says: docs/ledger.md has a recipe for each"),
            (Resolve, "if it changes nothing: say why"),
        ],
        "currency" | "unknown_status" | "unknown_type" | "unreadable" => &[
            (Replay, "when a setting or a version knows it: investiq webhooks replay"),
            (Journal, "otherwise: post what it says"),
            (Resolve, "if it changes nothing: say why"),
        ],
        _ => &[
            (Journal, "if the books are wrong: post the difference"),
            (Resolve, "if the books are right: say why"),
        ],
    };
    let reversal = if review.kind == "repeated_entry" { reversal(review, entries) } else { None };
    let suggest = |(action, text): &(ReviewAction, &'static str)| SuggestedAction {
        action: *action,
        text,
        journal: reversal.clone().filter(|_| *action == Journal),
    };
    actions.iter().map(suggest).collect()
}

/// The opposite of what the entries of a subject amount to.
fn reversal(review: &ReviewSummary, entries: &[LedgerEntry]) -> Option<Journal> {
    let mut sums: BTreeMap<(LedgerAccount, Currency), i64> = BTreeMap::new();
    for LedgerEntry { account, money, .. } in entries {
        let sum = sums.entry((account.clone(), money.currency())).or_default();
        *sum = sum.checked_sub(money.minor())?;
    }
    let entry = |((account, currency), minor): ((_, Currency), i64)| {
        (minor != 0).then_some(JournalEntry { account, money: Money::from_minor(minor, currency) })
    };
    let reversed: Vec<JournalEntry> = sums.into_iter().filter_map(entry).collect();
    let first = entries.first().filter(|_| !reversed.is_empty())?;
    Some(Journal {
        effective_at: first.at,
        reference: review.about.clone(),
        reason: "the entry is a second report of another".to_owned(),
        evidence: None,
        postings: vec![JournalPosting { kind: first.kind, entries: reversed }],
        shares: Vec::new(),
        allow_overdraft: false,
    })
}
