//! The accounts of facts, and their last activity.

use std::collections::BTreeMap;

use domain::{ExternalId, Fact, FactKind, Subject};
use jiff::Timestamp;

use crate::database::{Transaction, values};
use crate::error::Error;

const UPSERT: &str = "INSERT INTO provider_accounts (account, user_id, last_seen_at) VALUES ";
const UPSERT_END: &str = " ON CONFLICT (account) DO UPDATE SET last_seen_at = excluded.last_seen_at \
    WHERE provider_accounts.last_seen_at IS NULL OR provider_accounts.last_seen_at < excluded.last_seen_at";

/// Inserts the accounts of all facts of a transaction, and locks their rows until it ends: Postgres locks a row even if it
/// does not change. Accounts are locked first and in a fixed order, so that they cannot deadlock.
///
/// Opening, moving money and trading count as activity, at the time of the provider's clock, so that a replay does not change
/// it. Payments and charges to an account are not activity.
pub(crate) async fn lock_accounts(
    tx: &mut Transaction<'_>,
    facts: impl IntoIterator<Item = &Fact>,
) -> Result<(), Error> {
    let mut accounts: BTreeMap<&ExternalId, Option<Timestamp>> = BTreeMap::new();
    for (account, active_at) in facts.into_iter().filter_map(account) {
        let latest = accounts.entry(account).or_default();
        *latest = active_at.max(*latest);
    }
    let row = |(account, active_at): (&ExternalId, Option<Timestamp>)| {
        values![account.to_string(), account.to_string(), active_at]
    };
    tx.insert_rows(UPSERT, accounts.into_iter().map(row).collect(), UPSERT_END).await.map(drop)
}

/// The account of a fact, and the time of its activity.
pub(super) fn account(fact: &Fact) -> Option<(&ExternalId, Option<Timestamp>)> {
    match (&fact.subject, &fact.kind) {
        (Subject::Account(account), _) => Some((account, Some(fact.at))),
        (Subject::Holding { account, .. }, FactKind::Order { .. } | FactKind::Fill { .. }) => {
            Some((account, Some(fact.at)))
        }
        (Subject::Holding { account, .. }, _) => Some((account, None)),
        (Subject::Transfer(_), FactKind::Transfer { account, .. }) => {
            Some((account.as_ref()?, Some(fact.at)))
        }
        (Subject::CashEntry(_), FactKind::Cash { account, .. }) => Some((account, None)),
        // The holders of a journal are locked by who posts it.
        (Subject::Transfer(_) | Subject::CashEntry(_) | Subject::Journal(_), _) => None,
    }
}
