//! What is posted, under way and available in the accounts of holders, derived from the folded rows.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Bucket, Currency, ExternalId, Journal, LedgerAccount, Total};

use crate::database::{Row, Transaction, sql};
use crate::error::Error;
use crate::ids::JournalId;
use crate::sums::sum_sql;

const BALANCES: &str = "SELECT account, currency, balance_high, balance FROM ledger_balances WHERE holder IN";
const TRANSFERS: &str = concat!(
    "SELECT account, currency, direction, ",
    sum_sql!("amount", "amount"),
    " FROM transfers WHERE status = 'pending' AND posting_mode = 'post' AND direction IS NOT NULL AND amount IS NOT NULL \
     AND account IN"
);
const ENTRIES: &str = concat!(
    "SELECT account, currency, CASE WHEN amount < 0 THEN 'outbound' ELSE 'inbound' END AS direction, ",
    sum_sql!("amount", "amount"),
    " FROM cash_entries WHERE status = 'pending' AND posting_mode = 'post' AND superseded_by IS NULL AND account IN"
);
const BY_DIRECTION: &str = " GROUP BY account, currency, 3";
/// Underscores match any character: the entries are compared again.
const JOURNALS: &str =
    "SELECT id, content FROM journals WHERE state = 'pending' AND content LIKE $1 ORDER BY id";

/// The balance of an account of the ledger in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The account, of the holder that was asked for.
    pub bucket: Bucket,
    /// The sum of its entries; a debt is negative.
    pub posted: Total,
    /// What is on its way to it: transfers, announced cash entries and pending journals.
    pub pending_in: Total,
    /// What is on its way from it, or set aside for open orders.
    pub pending_out: Total,
}

/// Balances by holder, bucket and currency.
type Balances = BTreeMap<(ExternalId, Bucket, Currency), Balance>;

impl Balance {
    const fn zero(bucket: Bucket, currency: Currency) -> Self {
        let zero = Total::from_minor(0, currency);
        Self { bucket, posted: zero, pending_in: zero, pending_out: zero }
    }

    /// What can be taken out: what is posted less what is on its way out. What is on its way in is not there yet.
    #[must_use]
    pub const fn available(&self) -> Total {
        Total::from_minor(self.posted.minor() - self.pending_out.minor(), self.posted.currency())
    }

    /// Whether all sums are zero.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.posted.is_zero() && self.pending_in.is_zero() && self.pending_out.is_zero()
    }

    /// The sum of two balances in one bucket and currency.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let plus = |one: Total, other: Total| Total::from_minor(one.minor() + other.minor(), one.currency());
        Self {
            bucket: self.bucket,
            posted: plus(self.posted, other.posted),
            pending_in: plus(self.pending_in, other.pending_in),
            pending_out: plus(self.pending_out, other.pending_out),
        }
    }

    /// Adds what a pending change would move.
    const fn add_pending(&mut self, minor: i128) {
        let pending = if minor < 0 { &mut self.pending_out } else { &mut self.pending_in };
        *pending = Total::from_minor(pending.minor() + minor.abs(), pending.currency());
    }
}

/// The balances of holders, without what the journal `except` would move.
pub(crate) async fn balances(
    tx: &mut Transaction<'_>,
    holders: &[String],
    except: Option<JournalId>,
) -> Result<Balances, Error> {
    let mut balances = Balances::new();
    for row in tx.fetch_in(sql!(BALANCES), holders, "").await? {
        let LedgerAccount::User(holder, bucket) = row.parsed("account")? else {
            return Err(Error::decode("account"));
        };
        let posted = Total::from_minor(row.wide("balance")?, row.parsed("currency")?);
        let balance = entry(&mut balances, holder, bucket, posted.currency());
        balance.posted = posted;
        if bucket == Bucket::PendingInvestment {
            // Open orders set aside what is in it.
            balance.add_pending(-posted.minor().max(0));
        }
    }
    for sql in [TRANSFERS, ENTRIES] {
        for row in tx.fetch_in(sql!(sql), holders, BY_DIRECTION).await? {
            add_under_way(&mut balances, &row)?;
        }
    }
    let holder = if let [holder] = holders { holder } else { "%" };
    for (id, journal) in pending_journals(tx, holder).await? {
        if Some(id) != except {
            add_journal(&mut balances, holders, &journal);
        }
    }
    Ok(balances)
}

/// The accounts of holders, or of these, that pending journals move.
pub(super) async fn accounts_of_pending_journals(
    tx: &mut Transaction<'_>,
    holders: Option<&BTreeSet<String>>,
) -> Result<BTreeSet<String>, Error> {
    let journals = pending_journals(tx, "%").await?;
    let accounts = journals.iter().flat_map(|(_, journal)| changes(journal).into_keys());
    let accounts = accounts
        .filter(|(holder, ..)| holders.is_none_or(|holders| holders.contains(&holder.to_string())))
        .map(|(holder, bucket, _)| LedgerAccount::User(holder, bucket).to_string());
    Ok(accounts.collect())
}

/// The journals that may move accounts of this holder, or of any: `%`.
async fn pending_journals(
    tx: &mut Transaction<'_>,
    holder: &str,
) -> Result<Vec<(JournalId, Journal)>, Error> {
    let rows = tx.fetch_all(sql!(JOURNALS, format!("%\"user/{holder}/%"))).await?;
    let journal = |row: &Row| {
        let journal = serde_json::from_str(&row.text("content")?).map_err(|_| Error::decode("content"))?;
        Ok((JournalId::new(row.int("id")?), journal))
    };
    rows.iter().map(journal).collect()
}

fn add_under_way(balances: &mut Balances, row: &Row) -> Result<(), Error> {
    let (currency, amount) = (row.parsed("currency")?, row.sum("amount")?.abs());
    let (bucket, amount) = match row.text("direction")?.as_str() {
        "outbound" => (Bucket::leaving(currency), -amount),
        _ => (Bucket::arriving(currency), amount),
    };
    entry(balances, row.parsed("account")?, bucket, currency).add_pending(amount);
    Ok(())
}

fn add_journal(balances: &mut Balances, holders: &[String], journal: &Journal) {
    for ((holder, bucket, currency), change) in changes(journal) {
        if holders.contains(&holder.to_string()) {
            entry(balances, holder, bucket, currency).add_pending(change);
        }
    }
}

fn entry(balances: &mut Balances, holder: ExternalId, bucket: Bucket, currency: Currency) -> &mut Balance {
    balances.entry((holder, bucket, currency)).or_insert(Balance::zero(bucket, currency))
}

/// What a journal moves in the accounts of holders, in smallest units: its postings are posted together.
pub(crate) fn changes(journal: &Journal) -> BTreeMap<(ExternalId, Bucket, Currency), i128> {
    let mut changes = BTreeMap::new();
    for entry in journal.postings.iter().flat_map(|posting| &posting.entries) {
        if let LedgerAccount::User(holder, bucket) = &entry.account {
            let key = (holder.clone(), *bucket, entry.money.currency());
            *changes.entry(key).or_default() += i128::from(entry.money.minor());
        }
    }
    changes
}
