//! Selects entries of the journal.

use std::collections::BTreeSet;
use std::str::FromStr;

use domain::{Currency, ExternalId, LedgerAccount, Provider, TransactionKind};
use jiff::Timestamp;

use super::moment::Moment;
use crate::database::{Statement, Transaction, sql};
use crate::error::Error;

const JOURNALS_SQLITE: &str = "SELECT id FROM journals WHERE json_extract(content, '$.reference') = $1";
const JOURNALS_POSTGRES: &str = "SELECT id FROM journals WHERE content::json ->> 'reference' = $1";
const HOLDINGS: &str = "SELECT account, symbol FROM fills WHERE id = $1 OR order_id = $1 \
    UNION SELECT account, symbol FROM orders WHERE id = $1";
/// The beginnings of subjects that name a provider.
const SUBJECTS: [&str; 4] = ["transfer", "cash", "holding", "account"];

/// Selects the entries that meet every given condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Of one account, or of all accounts of a holder.
    pub account: Option<AccountFilter>,
    /// Of the transactions of one subject, such as `cash/alpaca:e1`.
    pub subject: Option<String>,
    /// Of journals with this reference, or of the transfer, cash entry, order or execution with this id.
    pub reference: Option<String>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Of transactions of this kind.
    pub kind: Option<TransactionKind>,
    /// Of subjects at this provider.
    pub provider: Option<Provider>,
    /// Effective at this time or later.
    pub from: Option<Timestamp>,
    /// Effective before this time.
    pub before: Option<Timestamp>,
    /// Effective and recorded by these times.
    pub moment: Moment,
}

/// One account of the ledger, or all of a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountFilter {
    /// The accounts of a holder.
    Holder(ExternalId),
    /// The accounts of these holders, which a reader may see.
    Holders(BTreeSet<String>),
    /// One account.
    Account(LedgerAccount),
}

/// The text is neither a holder nor an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a holder such as alpaca:a1 or an account such as system/fees")]
pub struct AccountFilterError;

impl FromStr for AccountFilter {
    type Err = AccountFilterError;

    fn from_str(text: &str) -> Result<Self, AccountFilterError> {
        let holder = text.parse().map(Self::Holder).ok();
        holder.or_else(|| text.parse().map(Self::Account).ok()).ok_or(AccountFilterError)
    }
}

impl AccountFilter {
    /// What of the filter is within the accounts of a scope. Accounts of the system are only in the whole one.
    pub(crate) fn within(filter: Option<Self>, visible: Option<&BTreeSet<String>>) -> Option<Self> {
        let Some(visible) = visible else { return filter };
        let holder = match &filter {
            None => return Some(Self::Holders(visible.clone())),
            Some(Self::Holder(holder)) => Some(holder),
            Some(Self::Account(account)) => account.holder(),
            Some(Self::Holders(_)) => None,
        };
        let is_visible = holder.is_some_and(|holder| visible.contains(&holder.to_string()));
        if is_visible { filter } else { Some(Self::Holders(BTreeSet::new())) }
    }

    /// Adds the condition on entries `e`.
    pub(crate) fn push_entries(&self, statement: Statement) -> Statement {
        match self {
            Self::Holder(holder) => statement.push_sql(" AND e.holder = ").push_value(holder.to_string()),
            Self::Holders(holders) => statement.push_sql(" AND e.holder IN").push_in(named(holders)),
            Self::Account(account) => statement.push_sql(" AND e.account = ").push_value(account.to_string()),
        }
    }
}

/// The names of holders as a list, which must not be empty: nobody has an empty name.
pub(crate) fn named(holders: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    holders.iter().map(String::as_str).chain([""])
}

impl EntryFilter {
    /// What of the filter is within the accounts of a scope, which are those of [`accounts_in`](crate::customers::accounts_in).
    pub(crate) fn within(&self, visible: Option<&BTreeSet<String>>) -> Self {
        Self { account: AccountFilter::within(self.account.clone(), visible), ..self.clone() }
    }

    /// Adds the conditions on entries `e` and their transactions `t`.
    pub(super) async fn push_to(
        &self,
        tx: &mut Transaction<'_>,
        mut statement: Statement,
    ) -> Result<Statement, Error> {
        let Self { account, subject, reference, currency, kind, provider, from, before, moment } = self;
        if let Some(account) = account {
            statement = account.push_entries(statement);
        }
        if let Some(provider) = provider {
            statement = push_provider(statement, *provider);
        }
        if let Some(reference) = reference {
            statement = push_reference(tx, statement, reference).await?;
        }
        let statement = statement
            .push_optional(" AND t.subject = ", subject.as_ref())
            .push_optional(" AND e.currency = ", currency.map(Currency::as_str))
            .push_optional(" AND t.kind = ", kind.map(|kind| kind.to_string()))
            .push_optional(" AND t.at >= ", *from)
            .push_optional(" AND t.at < ", *before);
        Ok(moment.push_transactions(statement))
    }
}

fn push_provider(statement: Statement, provider: Provider) -> Statement {
    let push = |statement: Statement, kind| {
        statement.push_sql(" OR t.subject LIKE ").push_value(format!("{kind}/{provider}:%"))
    };
    SUBJECTS.into_iter().fold(statement.push_sql(" AND (FALSE"), push).push_sql(")")
}

/// What a reference stands for is looked up first, because subjects have an index.
async fn push_reference(
    tx: &mut Transaction<'_>,
    statement: Statement,
    reference: &str,
) -> Result<Statement, Error> {
    let mut subjects = vec![format!("transfer/{reference}"), format!("cash/{reference}")];
    let journals = tx.backend().pick(JOURNALS_SQLITE, JOURNALS_POSTGRES);
    for row in tx.fetch_all(sql!(journals, reference)).await? {
        subjects.push(format!("journal/{}", row.int("id")?));
    }
    let mut holdings = Vec::new();
    if reference.parse::<ExternalId>().is_ok() {
        for row in tx.fetch_all(sql!(HOLDINGS, reference)).await? {
            holdings.push(format!("holding/{}/{}", row.text("account")?, row.text("symbol")?));
        }
    }
    let statement = statement.push_sql(" AND (t.subject IN").push_in(subjects);
    if holdings.is_empty() {
        return Ok(statement.push_sql(")"));
    }
    let effects = [format!("fill/{reference}"), format!("order/{reference}/reserve")];
    Ok(statement
        .push_sql(" OR t.subject IN")
        .push_in(holdings)
        .push_sql(" AND (t.effect IN")
        .push_in(effects)
        .push_sql(" OR t.effect IN (SELECT 'fill/' || id FROM fills WHERE order_id = ")
        .push_value(reference)
        .push_sql(")))"))
}
