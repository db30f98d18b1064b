//! What is known of a portfolio in an earlier state of the books. Prices of the past are not stored, so that it has no value.

use domain::{AccountScope, AccountStatus, ExternalId, Subject, Total};
use ledger::{Bucket, LedgerAccount, Row as FoldedRow};

use super::portfolio::{ACCOUNT, PortfolioPosition};
use crate::customers::accounts_in;
use crate::database::{Operation, Transaction, sql};
use crate::error::Error;
use crate::ledger::{AccountFilter, Moment, account_sums, state_at};
use crate::reports::holdings_page;
use crate::store::Store;

/// More accounts than a holder has buckets.
const ACCOUNTS_MAX: u32 = 100;

/// Balances and positions of one holder in an earlier state of the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastPortfolio {
    /// The holder's account at its provider.
    pub account: ExternalId,
    /// The status of the account; `None` if the provider had not reported it.
    pub status: Option<AccountStatus>,
    /// The balance of each ledger account, by bucket and currency; a debt is negative.
    pub balances: Vec<(Bucket, Total)>,
    /// Positions other than zero, by symbol, without prices.
    pub positions: Vec<PortfolioPosition>,
}

impl Store {
    /// The portfolio of `account` at `moment`; `None` for an unknown account, and for one outside the scope.
    ///
    /// # Errors
    /// [`Error`] of the database; [`Error::Ledger`] when a sum is out of range.
    pub async fn past_portfolio(
        &self,
        scope: &AccountScope,
        account: &ExternalId,
        moment: Moment,
    ) -> Result<Option<PastPortfolio>, Error> {
        let mut reader = self.book_reader(Operation::Balances).await?;
        let mut tx = reader.begin().await?;
        let is_hidden =
            accounts_in(&mut tx, scope).await?.is_some_and(|names| !names.contains(&account.to_string()));
        if is_hidden || tx.fetch_optional(sql!(ACCOUNT, account.to_string())).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(PastPortfolio {
            account: account.clone(),
            status: status(&mut tx, account, moment).await?,
            balances: balances(&mut tx, account, moment).await?,
            positions: positions(&mut tx, account, moment).await?,
        }))
    }
}

async fn status(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    moment: Moment,
) -> Result<Option<AccountStatus>, Error> {
    let state = state_at(tx, &Subject::Account(account.clone()), moment).await?;
    Ok(state.and_then(|(_, state)| match state.row {
        FoldedRow::Account(account) => Some(account.status),
        FoldedRow::Transfer(_) | FoldedRow::Holding(_) | FoldedRow::CashEntry(_) | FoldedRow::Journal => None,
    }))
}

async fn balances(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    moment: Moment,
) -> Result<Vec<(Bucket, Total)>, Error> {
    let filter = AccountFilter::Holder(account.clone());
    let page = account_sums(tx, (Some(&filter), moment), None, ACCOUNTS_MAX).await?;
    let bucket = |account: &str| match account.parse() {
        Ok(LedgerAccount::User(_, bucket)) => Ok(bucket),
        Ok(LedgerAccount::System(_)) | Err(_) => Err(Error::decode("account")),
    };
    page.sums.iter().map(|sum| Ok((bucket(&sum.account)?, sum.balance()))).collect()
}

async fn positions(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    moment: Moment,
) -> Result<Vec<PortfolioPosition>, Error> {
    let filter = AccountFilter::Holder(account.clone());
    let (mut positions, mut after) = (Vec::new(), None);
    while let Some(page) = holdings_page(tx, Some(&filter), after.as_ref()).await? {
        for stored in &page {
            let position = stored.at(tx, moment).await?.filter(|position| !position.quantity.is_zero());
            positions.extend(position.map(|position| PortfolioPosition {
                symbol: stored.symbol,
                quantity: position.quantity,
                cost: position.cost,
                price: None,
                value: None,
                last_at: position.last_at,
            }));
        }
        after = page.into_iter().last();
    }
    Ok(positions)
}
