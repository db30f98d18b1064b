//! Customers: accounts of one person or firm at several providers, linked by people. Links decide what is read together.

use std::collections::BTreeSet;

use domain::{AccountScope, CustomerId, ExternalId};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::actor::Actor;
use crate::database::{Operation, Row, Transaction, retry, sql};
use crate::error::Error;
use crate::store::Store;

/// Most accounts of one customer.
pub const CUSTOMER_ACCOUNTS_MAX: usize = 100;

/// Most links of a page.
const LINKS_MAX: u32 = 500;

const OF_CUSTOMERS: &str = "SELECT account FROM customer_accounts WHERE customer IN";
const SELECT: &str = "SELECT * FROM customer_accounts WHERE TRUE";
const KNOWN: &str = "SELECT account FROM provider_accounts WHERE account = $1";
const OF_ACCOUNT: &str = "SELECT customer FROM customer_accounts WHERE account = $1";
const LINK: &str = "INSERT INTO customer_accounts (account, customer, linked_at, linked_by) VALUES ($1, $2, $3, $4) \
    ON CONFLICT DO NOTHING";
const UNLINK: &str = "DELETE FROM customer_accounts WHERE account = $1 AND customer = $2";

/// The link of an account to its customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CustomerAccount {
    /// The customer.
    pub customer: CustomerId,
    /// The account.
    pub account: ExternalId,
    /// When they were linked.
    pub linked_at: Timestamp,
    /// Who linked them.
    pub linked_by: String,
}

/// An account is not linked.
#[derive(Debug, thiserror::Error)]
pub enum CustomerError {
    /// No provider has reported the account.
    #[error("account {0} is unknown: no provider has reported it")]
    UnknownAccount(ExternalId),
    /// It belongs to another customer.
    #[error("account {account} is linked to the customer {customer}: unlink it first")]
    LinkedElsewhere {
        /// The account.
        account: ExternalId,
        /// Its customer.
        customer: CustomerId,
    },
    /// The customer is full.
    #[error("the customer {0} has {CUSTOMER_ACCOUNTS_MAX} accounts, and no more can be linked")]
    TooManyAccounts(CustomerId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Store {
    /// Links an account to a customer. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`CustomerError`]; nothing is changed.
    pub async fn link_account(
        &self,
        customer: &CustomerId,
        account: &ExternalId,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<(), CustomerError> {
        match retry(|| self.try_link(customer, account, actor, now)).await? {
            None => Ok(()),
            Some(refusal) => Err(refusal),
        }
    }

    async fn try_link(
        &self,
        customer: &CustomerId,
        account: &ExternalId,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Option<CustomerError>, Error> {
        let mut writer = self.shared.database.writer(Operation::Other).await?;
        let mut tx = writer.begin().await?;
        if tx.fetch_optional(sql!(KNOWN, account.to_string())).await?.is_none() {
            return Ok(Some(CustomerError::UnknownAccount(account.clone())));
        }
        let link = sql!(LINK, account.to_string(), customer.to_string(), now, actor.name);
        if tx.execute(link).await?.rows == 0 {
            let row = tx.fetch_optional(sql!(OF_ACCOUNT, account.to_string())).await?;
            let other: CustomerId = row.ok_or(sqlx::Error::RowNotFound)?.parsed("customer")?;
            let is_same = other == *customer;
            let refusal = CustomerError::LinkedElsewhere { account: account.clone(), customer: other };
            return Ok(if is_same { None } else { Some(refusal) });
        }
        if accounts_of(&mut tx, [customer]).await?.len() > CUSTOMER_ACCOUNTS_MAX {
            return Ok(Some(CustomerError::TooManyAccounts(customer.clone())));
        }
        let entry = actor.entry("customers.link", &object(customer), &json!({ "account": account }), now)?;
        self.commit(tx, entry).await?;
        Ok(None)
    }

    /// Unlinks an account from a customer. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn unlink_account(
        &self,
        customer: &CustomerId,
        account: &ExternalId,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let entry =
            actor.entry("customers.unlink", &object(customer), &json!({ "account": account }), now)?;
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Other).await?;
            let mut tx = writer.begin().await?;
            match tx.execute(sql!(UNLINK, account.to_string(), customer.to_string())).await?.rows {
                0 => Ok(()),
                _ => self.commit(tx, entry.clone()).await,
            }
        })
        .await
    }

    /// Up to `rows` links, of one customer or all, by account, after an account.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn customer_accounts(
        &self,
        customer: Option<&CustomerId>,
        after: Option<&ExternalId>,
        rows: u32,
    ) -> Result<Vec<CustomerAccount>, Error> {
        let statement = sql!(SELECT)
            .push_optional(" AND customer = ", customer.map(ToString::to_string))
            .push_optional(" AND account > ", after.map(ToString::to_string))
            .push_sql(" ORDER BY account LIMIT ")
            .push_value(rows.clamp(1, LINKS_MAX));
        self.read(Operation::Other, statement).await?.iter().map(link_of).collect()
    }
}

fn object(customer: &CustomerId) -> String {
    format!("customers/{customer}")
}

fn link_of(row: &Row) -> Result<CustomerAccount, Error> {
    Ok(CustomerAccount {
        customer: row.parsed("customer")?,
        account: row.parsed("account")?,
        linked_at: row.time("linked_at")?,
        linked_by: row.text("linked_by")?,
    })
}

/// The accounts that are linked to customers.
pub(crate) async fn accounts_of(
    tx: &mut Transaction<'_>,
    customers: impl IntoIterator<Item = &CustomerId>,
) -> Result<BTreeSet<String>, Error> {
    let customers: Vec<String> = customers.into_iter().map(ToString::to_string).collect();
    let rows = tx.fetch_in(sql!(OF_CUSTOMERS), &customers, "").await?;
    rows.iter().map(|row| row.text("account")).collect()
}

/// The accounts of a scope; `None` if it has all.
pub(crate) async fn accounts_in(
    tx: &mut Transaction<'_>,
    scope: &AccountScope,
) -> Result<Option<BTreeSet<String>>, Error> {
    let AccountScope::Only { accounts, customers } = scope else { return Ok(None) };
    let mut names = accounts_of(tx, customers).await?;
    names.extend(accounts.iter().map(ToString::to_string));
    Ok(Some(names))
}
