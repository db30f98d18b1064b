//! Posts a journal: as a fact of its own, and its shares as facts of their holdings.

use std::collections::BTreeSet;

use ::ledger::{LedgerAccount, LedgerError, Rules};
use audit::Key;
use domain::{ExternalId, Fact, FactKind, Journal, Money, ShareLine, Subject, Total};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{JournalError, JournalRecord};
use crate::business::{load_prices, market_value};
use crate::database::{Transaction, sql};
use crate::error::Error;
use crate::ids::{JournalId, ReviewId};
use crate::ledger::{self, Batch, optional_money};

const HOLDERS: &str = "SELECT account FROM provider_accounts WHERE account IN";
const OPENED: &str = "SELECT kind FROM reviews WHERE subject = $1 AND (about = $2 OR kind = 'too_many_facts') AND resolved_at IS NULL \
    ORDER BY CASE WHEN kind = 'too_many_facts' THEN 0 ELSE 1 END LIMIT 1";
const POSITION: &str = "SELECT quantity, cost, currency FROM positions WHERE account = $1 AND symbol = $2";
const REOPEN: &str = "UPDATE reviews SET journal = NULL, resolved_at = NULL, resolved_by = NULL, \
    opened_at = CASE WHEN resolved_at IS NULL THEN opened_at ELSE $2 END WHERE journal = $1";
const RESOLVE: &str = "UPDATE reviews SET resolved_at = $2, resolved_by = $3, resolution = $4, journal = $5 \
    WHERE id = $1 AND (resolved_at IS NULL OR resolved_by IS NULL AND resolved_at = $2)";

/// Locks the accounts of a journal until the transaction ends, before anything else of the ledger, as all who post do.
pub(super) async fn lock_holders(tx: &mut Transaction<'_>, journal: &Journal) -> Result<(), JournalError> {
    let entries = journal.postings.iter().flat_map(|posting| &posting.entries);
    let holders = entries.filter_map(|entry| entry.account.holder());
    let holders: BTreeSet<&ExternalId> =
        holders.chain(journal.shares.iter().map(|line| &line.account)).collect();
    let names: Vec<String> = holders.iter().map(ToString::to_string).collect();
    let end = tx.backend().pick("", " ORDER BY account FOR UPDATE");
    let known: BTreeSet<String> = tx
        .fetch_in(sql!(HOLDERS), &names, end)
        .await?
        .iter()
        .map(|row| row.text("account"))
        .collect::<Result<_, _>>()?;
    match holders.into_iter().find(|holder| !known.contains(&holder.to_string())) {
        Some(unknown) => Err(JournalError::UnknownHolder(unknown.clone())),
        None => Ok(()),
    }
}

/// Refuses a journal that takes more out of an account of a holder than is available, unless it says so. The accounts are locked.
pub(super) async fn check_available(
    tx: &mut Transaction<'_>,
    record: &JournalRecord,
) -> Result<(), JournalError> {
    let mut changes = ledger::changes(&record.journal);
    changes.retain(|_, change| *change < 0);
    if changes.is_empty() || record.journal.allow_overdraft {
        return Ok(());
    }
    let holders: BTreeSet<String> = changes.keys().map(|(holder, ..)| holder.to_string()).collect();
    let holders: Vec<String> = holders.into_iter().collect();
    // Without the journal itself, which may be pending.
    let balances = ledger::balances(tx, &holders, Some(record.id)).await?;
    for (key, change) in changes {
        let available = balances.get(&key).map_or(0, |balance| balance.available().minor());
        let (holder, bucket, currency) = key;
        if available + change < 0 {
            let total = |minor| Total::from_minor(minor, currency).to_decimal().map_err(LedgerError::from);
            return Err(JournalError::Overdraft {
                account: LedgerAccount::User(holder, bucket),
                currency,
                available: total(available)?,
                asked: total(-change)?,
            });
        }
    }
    Ok(())
}

/// Whether a journal moves more than `above` dollars. What has no dollar price always needs approval: a currency without one,
/// and shares, because the cost that is written beside them need not be their value.
pub(super) async fn needs_approval(
    tx: &mut Transaction<'_>,
    journal: &Journal,
    above: Money,
) -> Result<bool, Error> {
    if above.is_zero()
        || journal.allow_overdraft
        || journal.shares.iter().any(|line| !line.quantity.is_zero())
    {
        return Ok(true);
    }
    let entries = journal.postings.iter().flat_map(|posting| &posting.entries).map(|entry| entry.money);
    let costs = journal.shares.iter().filter_map(|line| line.cost);
    let costs = costs.map(|cost| Money::from_minor(cost.minor().saturating_abs(), cost.currency()));
    let moved: Vec<Money> = entries.filter(|money| money.minor() > 0).chain(costs).collect();
    let value =
        market_value(&moved.into_iter().map(Total::from).collect::<Vec<_>>(), &[], &load_prices(tx).await?)?;
    Ok(value.unpriced > 0 || value.value.minor() > above.minor())
}

/// Posts the lines, or refuses them all: shares that do not fit their position are not posted. Returns the digest of the
/// journal's fact, and the batch, whose detail the audit entry carries.
pub(super) async fn post(
    tx: &mut Transaction<'_>,
    record: &JournalRecord,
    now: Timestamp,
    key: &Key,
) -> Result<(String, Batch), JournalError> {
    let facts = facts(record)?;
    let batch = ledger::post(tx, &facts, &Rules::default(), now, key).await?;
    for fact in &facts {
        if let FactKind::Adjustment { entry, .. } | FactKind::Split { entry, .. } = &fact.kind {
            check_shares(tx, &fact.subject, entry).await?;
        }
    }
    let text = facts.first().map(serde_json::to_string).transpose().map_err(Error::encode)?;
    Ok((hex::encode(Sha256::digest(text.unwrap_or_default())), batch))
}

fn facts(record: &JournalRecord) -> Result<Vec<Fact>, Error> {
    let JournalRecord { id, journal, .. } = record;
    let kind = FactKind::Journal {
        journal: Box::new(journal.clone()),
        made_by: record.made_by.clone(),
        checked_by: record.checked_by.clone(),
        reverses: record.reverses.map(JournalId::get),
    };
    let at = journal.effective_at;
    let mut facts = vec![Fact { subject: Subject::Journal(id.get()), at, kind }];
    for ShareLine { account, symbol, quantity, cost, is_split } in &journal.shares {
        let entry = ExternalId::new(account.provider(), &format!("journal-{id}")).map_err(Error::encode)?;
        let kind = match is_split {
            true => FactKind::Split { entry, change: *quantity },
            false => FactKind::Adjustment { entry, change: *quantity, cost: *cost },
        };
        facts.push(Fact {
            subject: Subject::Holding { account: account.clone(), symbol: *symbol },
            at,
            kind,
        });
    }
    Ok(facts)
}

/// Refuses shares for which the fold opened a review.
async fn check_shares(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    entry: &ExternalId,
) -> Result<(), JournalError> {
    let Subject::Holding { account, symbol } = subject else { return Ok(()) };
    let opened = tx.fetch_optional(sql!(OPENED, subject.to_string(), entry.to_string())).await?;
    let Some(opened) = opened else { return Ok(()) };
    if opened.text("kind")? == "too_many_facts" {
        return Err(JournalError::TooManyFacts { account: account.clone(), symbol: *symbol });
    }
    let row = tx.fetch_optional(sql!(POSITION, account.to_string(), symbol.as_str())).await?;
    let row = row.ok_or_else(|| Error::decode("quantity"))?;
    let cost = optional_money(&row, "cost", "currency")?;
    Err(JournalError::Shares {
        account: account.clone(),
        symbol: *symbol,
        quantity: row.text("quantity")?,
        cost: cost.map_or_else(|| "nothing".to_owned(), |cost| cost.to_string()),
    })
}

/// Refuses a review that is not open.
pub(super) async fn check_open(tx: &mut Transaction<'_>, id: ReviewId) -> Result<(), JournalError> {
    let row = tx.fetch_optional(sql!("SELECT resolved_at FROM reviews WHERE id = $1", id.get())).await?;
    match row.ok_or(JournalError::NoReview)?.optional_int("resolved_at")? {
        Some(_) => Err(JournalError::ReviewResolved),
        None => Ok(()),
    }
}

/// Opens the review that a journal resolved again: the journal is reversed.
pub(super) async fn reopen(tx: &mut Transaction<'_>, id: JournalId, now: Timestamp) -> Result<(), Error> {
    tx.execute(sql!(REOPEN, id.get(), now)).await.map(drop)
}

/// Resolves an open review by the word of a person, perhaps with a journal, which may have explained its facts in this transaction.
pub(crate) async fn resolve(
    tx: &mut Transaction<'_>,
    id: ReviewId,
    (reason, journal): (&str, Option<JournalId>),
    by: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let resolve = sql!(RESOLVE, id.get(), now, by, reason, journal.map(JournalId::get));
    if tx.execute(resolve).await?.rows == 1 {
        return Ok(());
    }
    // Another transaction may have reopened it in between.
    check_open(tx, id).await.and(Err(JournalError::ReviewResolved))
}
