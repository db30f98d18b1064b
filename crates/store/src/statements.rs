//! The books in the form of statements, to be compared with those of providers.

use std::collections::{BTreeMap, HashSet};

use domain::{ExternalId, Money, Provider, StatementKind, StatementLine};
use jiff::Timestamp;

use crate::database::{Operation, Row, Statement, Transaction, sql};
use crate::error::Error;
use crate::ledger::{optional_money, set_timeout};
use crate::store::Store;
use crate::sums::sum_sql;

const TRANSFERS: &str = "SELECT id, account, NULL AS symbol, NULL AS quantity, CASE direction WHEN 'outbound' THEN -amount \
    WHEN 'inbound' THEN amount END AS amount, currency, status, last_at AS at FROM transfers WHERE id LIKE ";
const CASH_ENTRIES: &str = "SELECT id, account, NULL AS symbol, NULL AS quantity, amount, currency, CASE \
    WHEN superseded_by IS NOT NULL THEN 'canceled' WHEN status = 'executed' THEN 'settled' ELSE status END AS status, at \
    FROM cash_entries WHERE at IS NOT NULL AND id LIKE ";
/// Parked executions moved nothing, and have a review.
const EXECUTIONS: &str = "SELECT id, account, symbol, CASE side WHEN 'sell' THEN '-' || quantity ELSE quantity END AS quantity, \
    CASE side WHEN 'buy' THEN -notional ELSE notional END AS amount, currency, \
    CASE status WHEN 'busted' THEN 'canceled' ELSE 'settled' END AS status, at \
    FROM fills WHERE kind = 'fill' AND status <> 'parked' AND id LIKE ";
/// Closed ones too: the end of a trading day may still list them.
const POSITIONS: &str = "SELECT NULL AS id, account, symbol, quantity, NULL AS currency, NULL AS status, last_at AS at \
    FROM positions WHERE account LIKE ";
const BALANCES: &str = concat!(
    "SELECT e.holder AS account, e.currency, ",
    sum_sql!("e.minor", "total"),
    " FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id WHERE t.at < $1 AND e.holder LIKE $2 \
    GROUP BY e.holder, e.currency"
);

/// Which lines of the books are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookQuery {
    /// The provider.
    pub provider: Provider,
    /// Lines that were changed within this time, without its end.
    pub changed: (Timestamp, Timestamp),
    /// The kinds, and lines with these ids whenever they were changed.
    pub ids: BTreeMap<StatementKind, Vec<String>>,
    /// Balances are as of this time. Positions are always the current ones.
    pub as_of: Timestamp,
}

impl Store {
    /// The lines of the books, in one state of the database.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn book_lines(&self, query: &BookQuery) -> Result<Vec<StatementLine>, Error> {
        let mut reader = self.shared.database.reader(Operation::Other).await?;
        let mut tx = reader.begin().await?;
        set_timeout(&mut tx).await?;
        let like = format!("{}:%", query.provider);
        let mut lines = Vec::new();
        for (kind, ids) in &query.ids {
            let select = match kind {
                StatementKind::Transfer => TRANSFERS,
                StatementKind::CashEntry => CASH_ENTRIES,
                StatementKind::Execution => EXECUTIONS,
                StatementKind::Position => {
                    for row in tx.fetch_all(sql!(POSITIONS).push_value(like.as_str())).await? {
                        lines.push(line(*kind, None, &row)?);
                    }
                    continue;
                }
                StatementKind::CashBalance => {
                    for row in tx.fetch_all(sql!(BALANCES, query.as_of, like.as_str())).await? {
                        lines.push(balance(&row, query.as_of)?);
                    }
                    continue;
                }
            };
            add_events(&mut tx, (*kind, select), query, ids, &mut lines).await?;
        }
        Ok(lines)
    }

    /// The accounts of a provider.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn provider_accounts(&self, provider: Provider) -> Result<Vec<ExternalId>, Error> {
        let select = "SELECT account FROM provider_accounts WHERE account LIKE $1 ORDER BY account";
        let rows = self.read(Operation::Other, sql!(select, format!("{provider}:%"))).await?;
        rows.iter().map(|row| row.parsed("account")).collect()
    }
}

/// Lines that were changed within the time, and those of the ids that are not among them.
async fn add_events(
    tx: &mut Transaction<'_>,
    (kind, select): (StatementKind, &'static str),
    query: &BookQuery,
    ids: &[String],
    lines: &mut Vec<StatementLine>,
) -> Result<(), Error> {
    let of_provider = || -> Statement { sql!(select).push_value(format!("{}:%", query.provider)) };
    let at = if kind == StatementKind::Transfer { "last_at" } else { "at" };
    let within = of_provider().push_sql(" AND ").push_sql(at).push_sql(" >= ").push_value(query.changed.0);
    let within = within.push_sql(" AND ").push_sql(at).push_sql(" < ").push_value(query.changed.1);
    let mut found = HashSet::new();
    for row in tx.fetch_all(within).await? {
        let line = line(kind, Some(row.text("id")?), &row)?;
        found.extend(line.id.clone());
        lines.push(line);
    }
    let others: Vec<&String> = ids.iter().filter(|id| !found.contains(*id)).collect();
    for row in tx.fetch_in(of_provider().push_sql(" AND id IN"), &others, "").await? {
        // An id that is asked for twice is still one line.
        let line = line(kind, Some(row.text("id")?), &row)?;
        if line.id.as_ref().is_some_and(|id| found.insert(id.clone())) {
            lines.push(line);
        }
    }
    Ok(())
}

fn line(kind: StatementKind, id: Option<String>, row: &Row) -> Result<StatementLine, Error> {
    let has_amount = kind != StatementKind::Position;
    Ok(StatementLine {
        kind,
        id,
        account: row.optional_parsed("account")?,
        symbol: row.optional_parsed("symbol")?,
        quantity: row.optional_parsed("quantity")?,
        amount: if has_amount { optional_money(row, "amount", "currency")? } else { None },
        status: row.optional_parsed("status")?,
        at: row.time("at")?,
    })
}

fn balance(row: &Row, at: Timestamp) -> Result<StatementLine, Error> {
    let minor = i64::try_from(row.sum("total")?).map_err(|_| Error::decode("total"))?;
    Ok(StatementLine {
        kind: StatementKind::CashBalance,
        id: None,
        account: Some(row.parsed("account")?),
        symbol: None,
        quantity: None,
        amount: Some(Money::from_minor(minor, row.parsed("currency")?)),
        status: None,
        at,
    })
}
