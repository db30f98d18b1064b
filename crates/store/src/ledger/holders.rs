//! Whom facts name, and when they were last seen to do something.

use std::collections::BTreeMap;

use domain::{ExternalId, Fact, Subject, What};
use jiff::Timestamp;

use crate::database::{Transaction, values};
use crate::error::Error;

const SEE: &str = "INSERT INTO provider_accounts (account, user_id, last_seen_at) VALUES ";
const SEE_END: &str = " ON CONFLICT (account) DO UPDATE SET last_seen_at = excluded.last_seen_at \
    WHERE provider_accounts.last_seen_at IS NULL OR provider_accounts.last_seen_at < excluded.last_seen_at";

/// Keeps each account that is named, in one order, and its row locked until the transaction ends: Postgres locks it even
/// where nothing is to be changed. One that does something itself (opens an account, moves money, trades) was seen when
/// that became so on the provider's clock, so that a replay makes nobody active; what is paid or charged to it was not done
/// by it.
pub(super) async fn see(
    tx: &mut Transaction<'_>,
    facts: impl IntoIterator<Item = &Fact>,
) -> Result<(), Error> {
    let mut seen: BTreeMap<&ExternalId, Option<Timestamp>> = BTreeMap::new();
    for (account, at) in facts.into_iter().filter_map(named) {
        let latest = seen.entry(account).or_default();
        *latest = at.max(*latest);
    }
    let of = |(account, at): (&ExternalId, Option<Timestamp>)| {
        values![account.to_string(), account.to_string(), at]
    };
    tx.write_rows(SEE, seen.into_iter().map(of).collect(), SEE_END).await.map(drop)
}

fn named(fact: &Fact) -> Option<(&ExternalId, Option<Timestamp>)> {
    match (&fact.subject, &fact.what) {
        (Subject::Account(account), _) => Some((account, Some(fact.at))),
        (Subject::Holding { account, .. }, What::Order { .. } | What::Fill { .. }) => {
            Some((account, Some(fact.at)))
        }
        (Subject::Holding { account, .. }, _) => Some((account, None)),
        (Subject::Transfer(_), What::Transfer { account, .. }) => Some((account.as_ref()?, Some(fact.at))),
        (Subject::CashEntry(_), What::Cash { account, .. }) => Some((account, None)),
        (Subject::Transfer(_) | Subject::CashEntry(_), _) => None,
    }
}
