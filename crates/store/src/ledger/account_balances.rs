//! The balances of accounts, page by page: now with what is on its way and available, and in the past what was posted.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AccountScope, LedgerAccount, Total};

use super::account_sums::{self, AccountSum};
use super::available::{self, Balance};
use super::entry_filter::{AccountFilter, named};
use super::moment::Moment;
use super::timeout::set_timeout;
use crate::customers::accounts_in;
use crate::database::{Operation, Statement, Transaction};
use crate::error::Error;
use crate::store::Store;

const LIMITED: &str = "SELECT account FROM (";
/// What is on its way to or from an account that has no entries yet. Providers' reports move money in these buckets.
const PENDING: &str = ") AS posted UNION SELECT 'user/' || p.account || '/' || b.bucket FROM \
    (SELECT account FROM transfers WHERE status = 'pending' UNION \
    SELECT account FROM cash_entries WHERE status = 'pending') p CROSS JOIN (SELECT 'fiat_exposure' AS bucket \
    UNION SELECT 'spending_balance' UNION SELECT 'usdc_balance') b WHERE 'user/' || p.account || '/' || b.bucket > ";
const JOURNALS_SQLITE: &str = " UNION SELECT value FROM json_each(";
const JOURNALS_POSTGRES: &str = " UNION SELECT value FROM json_array_elements_text(CAST(";
const JOURNALS_SQLITE_END: &str = ") WHERE value > ";
const JOURNALS_POSTGRES_END: &str = " AS json)) WHERE value > ";

/// The balance of an account of the ledger in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountBalance {
    /// The account.
    pub account: String,
    /// The sum of its entries.
    pub posted: Total,
    /// With what is on its way: of an account of a holder, as it is now.
    pub with_pending: Option<Balance>,
}

/// A page of balances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountBalancePage {
    /// By account and currency.
    pub balances: Vec<AccountBalance>,
    /// The `after` of the next page; `None` at the end.
    pub next_after: Option<String>,
}

impl Store {
    /// Within a scope, the balances in all currencies of at most `accounts` accounts, beginning after the account `after`.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn account_balances(
        &self,
        (scope, filter): (&AccountScope, Option<AccountFilter>),
        moment: Moment,
        after: Option<&str>,
        accounts: u32,
    ) -> Result<AccountBalancePage, Error> {
        let mut reader = self.book_reader(Operation::Balances).await?;
        let mut tx = reader.begin().await?;
        set_timeout(&mut tx).await?;
        let filter = AccountFilter::within(filter, accounts_in(&mut tx, scope).await?.as_ref());
        if !moment.is_latest() {
            let page = account_sums::page(&mut tx, (filter.as_ref(), moment), after, accounts).await?;
            let balances = page.sums.into_iter().map(AccountBalance::from).collect();
            return Ok(AccountBalancePage { balances, next_after: page.next_after });
        }
        let names = names(&mut tx, filter.as_ref(), after.unwrap_or_default(), accounts).await?;
        let next_after = names.last().filter(|_| names.len() == accounts as usize).cloned();
        Ok(AccountBalancePage { balances: balances(&mut tx, names).await?, next_after })
    }
}

impl From<AccountSum> for AccountBalance {
    fn from(sum: AccountSum) -> Self {
        Self { posted: sum.balance(), account: sum.account, with_pending: None }
    }
}

impl AccountBalance {
    /// Whether all sums are zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.with_pending.as_ref().map_or(self.posted.is_zero(), Balance::is_zero)
    }
}

/// The names of accounts that have entries, or on whose way something is, in order.
async fn names(
    tx: &mut Transaction<'_>,
    filter: Option<&AccountFilter>,
    after: &str,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let holders = match filter {
        Some(AccountFilter::Account(_)) => return account_sums::names(tx, filter, after, limit).await,
        Some(AccountFilter::Holder(holder)) => Some(BTreeSet::from([holder.to_string()])),
        Some(AccountFilter::Holders(holders)) => Some(holders.clone()),
        None => None,
    };
    let journals = available::accounts_of_pending_journals(tx, holders.as_ref()).await?;
    let journals = serde_json::Value::from(journals.into_iter().collect::<Vec<_>>()).to_string();
    let backend = tx.backend();
    let posted =
        account_sums::select_names(Statement::new(LIMITED, Vec::new()), holders.as_ref(), after, limit);
    let mut select = posted.push_sql(PENDING).push_value(after);
    if let Some(holders) = &holders {
        select = select.push_sql(" AND p.account IN").push_in(named(holders));
    }
    let select = select
        .push_sql(backend.pick(JOURNALS_SQLITE, JOURNALS_POSTGRES))
        .push_value(journals)
        .push_sql(backend.pick(JOURNALS_SQLITE_END, JOURNALS_POSTGRES_END))
        .push_value(after)
        .push_sql(" ORDER BY 1 LIMIT ")
        .push_value(limit);
    tx.fetch_all(select).await?.iter().map(|row| row.text("account")).collect()
}

async fn balances(tx: &mut Transaction<'_>, names: Vec<String>) -> Result<Vec<AccountBalance>, Error> {
    let account = |name: &String| name.parse().map_err(|_| Error::decode("account"));
    let accounts: Vec<LedgerAccount> = names.iter().map(account).collect::<Result<_, _>>()?;
    let holders: BTreeSet<String> =
        accounts.iter().filter_map(LedgerAccount::holder).map(ToString::to_string).collect();
    let holders: Vec<String> = holders.into_iter().collect();
    let mut by_account: BTreeMap<String, Vec<AccountBalance>> = BTreeMap::new();
    for ((holder, bucket, _), balance) in available::balances(tx, &holders, None).await? {
        let account = LedgerAccount::User(holder, bucket).to_string();
        let balances = by_account.entry(account.clone()).or_default();
        balances.push(AccountBalance { account, posted: balance.posted, with_pending: Some(balance) });
    }
    let of_system: Vec<String> =
        accounts.iter().filter(|account| account.holder().is_none()).map(ToString::to_string).collect();
    for sum in account_sums::latest(tx, &of_system).await? {
        by_account.entry(sum.account.clone()).or_default().push(sum.into());
    }
    let of_account = |name| {
        let mut balances = by_account.remove(&name).unwrap_or_default();
        balances.sort_by_key(|balance| balance.posted.currency().as_str());
        balances
    };
    Ok(names.into_iter().flat_map(of_account).collect())
}
