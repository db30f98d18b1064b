//! A position with its orders, executions and splits.

use domain::{ExternalId, Fact, Symbol, What};
use ledger::{Change, ChangeKind, ChangeStanding, Holding, Order, Position};

use crate::database::{ROWS_MAX, Row, Statement, Transaction, Value, values};
use crate::error::Error;
use crate::ledger::words::{money, optional_money, read, word};

const POSITION: &str = "INSERT INTO positions (account, symbol, quantity, cost, currency, last_at) \
    VALUES ";
const POSITION_END: &str = " ON CONFLICT (account, symbol) DO UPDATE SET quantity = excluded.quantity, \
    cost = excluded.cost, currency = excluded.currency, last_at = excluded.last_at";

const ORDER: &str = "INSERT INTO orders (account, symbol, id, side, status, cumulative, notional, currency, reserve, \
    reserve_currency, last_at) VALUES ";
const ORDER_END: &str = " ON CONFLICT (account, symbol, id) DO UPDATE SET side = excluded.side, \
    status = excluded.status, cumulative = excluded.cumulative, notional = excluded.notional, \
    currency = excluded.currency, reserve = excluded.reserve, reserve_currency = excluded.reserve_currency, \
    last_at = excluded.last_at";

const FILL: &str = "INSERT INTO fills (account, symbol, id, kind, order_id, side, quantity, notional, currency, \
    standing, at) VALUES ";
const FILL_END: &str = " ON CONFLICT (account, symbol, id) DO UPDATE SET kind = excluded.kind, \
    order_id = excluded.order_id, side = excluded.side, quantity = excluded.quantity, notional = excluded.notional, \
    currency = excluded.currency, standing = excluded.standing, at = excluded.at";

const ORDERS: &str = "SELECT * FROM orders WHERE account = ";
const FILLS: &str = "SELECT * FROM fills WHERE account = ";

/// Rows of holdings that are yet to be written.
#[derive(Default)]
pub(super) struct Unwritten {
    positions: Vec<Vec<Value>>,
    orders: Vec<Vec<Value>>,
    changes: Vec<Vec<Value>>,
}

impl Unwritten {
    /// Adds the position, and the orders and changes that are named.
    pub(super) fn add(&mut self, row: &Holding) -> Result<(), Error> {
        let Holding { account, symbol, position, orders, changes } = row;
        self.positions.push(of_position(account, *symbol, *position));
        for order in orders {
            self.orders.push(of_order(account, *symbol, order)?);
        }
        for change in changes {
            self.changes.push(of_change(account, *symbol, change)?);
        }
        Ok(())
    }

    pub(super) async fn write(self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        tx.write_rows(POSITION, self.positions, POSITION_END).await?;
        tx.write_rows(ORDER, self.orders, ORDER_END).await?;
        tx.write_rows(FILL, self.changes, FILL_END).await?;
        Ok(())
    }
}

fn of_position(account: &ExternalId, symbol: Symbol, position: Position) -> Vec<Value> {
    let Position { quantity, cost, last_at } = position;
    values![
        account.to_string(),
        symbol.as_str(),
        quantity.to_string(),
        cost.map(domain::Money::minor),
        cost.map(|cost| cost.currency().as_str()),
        last_at,
    ]
}

fn of_order(account: &ExternalId, symbol: Symbol, order: &Order) -> Result<Vec<Value>, Error> {
    let Order { id, side, status, cumulative, notional, reserve, last_at } = order;
    Ok(values![
        account.to_string(),
        symbol.as_str(),
        id.to_string(),
        word(side)?,
        word(status)?,
        cumulative.to_string(),
        notional.map(domain::Money::minor),
        notional.map(|money| money.currency().as_str()),
        reserve.map(domain::Money::minor),
        reserve.map(|money| money.currency().as_str()),
        *last_at,
    ])
}

fn of_change(account: &ExternalId, symbol: Symbol, change: &Change) -> Result<Vec<Value>, Error> {
    let Change { id, kind, quantity, standing, at } = change;
    let (kind, order, side, notional) = match kind {
        ChangeKind::Fill { order, side, notional } => {
            ("fill", Some(order.to_string()), Some(word(side)?), Some(*notional))
        }
        ChangeKind::Split => ("split", None, None, None),
        ChangeKind::Unknown => ("unknown", None, None, None),
    };
    Ok(values![
        account.to_string(),
        symbol.as_str(),
        id.to_string(),
        kind,
        order,
        side,
        quantity.to_string(),
        notional.map(domain::Money::minor),
        notional.map(|money| money.currency().as_str()),
        standing.as_str(),
        *at,
    ])
}

/// What is written of a holding, as far as `new` names its orders and changes; `None` when nothing is.
pub(in crate::ledger) async fn known(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    symbol: Symbol,
    new: &[Fact],
) -> Result<Option<Holding>, Error> {
    let sql = "SELECT quantity, cost, currency, last_at FROM positions WHERE account = $1 AND symbol = $2";
    let Some(row) = tx.row(sql, values![account.to_string(), symbol.as_str()]).await? else {
        return Ok(None);
    };
    let position = Position {
        quantity: row.parsed("quantity")?,
        cost: optional_money(&row, "cost", "currency")?,
        last_at: row.time("last_at")?,
    };
    let (named_orders, named_changes) = named(new);
    let mut holding =
        Holding { account: account.clone(), symbol, position, orders: Vec::new(), changes: Vec::new() };
    for ids in named_orders.chunks(ROWS_MAX) {
        for row in select(tx, ORDERS, account, symbol, ids).await? {
            holding.orders.push(read_order(&row)?);
        }
    }
    for ids in named_changes.chunks(ROWS_MAX) {
        for row in select(tx, FILLS, account, symbol, ids).await? {
            holding.changes.push(read_change(&row)?);
        }
    }
    Ok(Some(holding))
}

/// Orders and changes that facts are about.
fn named(facts: &[Fact]) -> (Vec<String>, Vec<String>) {
    let (mut orders, mut changes) = (Vec::new(), Vec::new());
    for fact in facts {
        match &fact.what {
            What::Order { order, .. } => orders.push(order.to_string()),
            What::Fill { order, execution, .. } => {
                orders.push(order.to_string());
                changes.push(execution.to_string());
            }
            What::Bust { execution } => changes.push(execution.to_string()),
            What::Split { entry, .. } => changes.push(entry.to_string()),
            What::Account { .. } | What::Transfer { .. } | What::Cash { .. } | What::Superseded { .. } => {}
        }
    }
    for ids in [&mut orders, &mut changes] {
        ids.sort_unstable();
        ids.dedup();
    }
    (orders, changes)
}

/// Rows of a holding: those with one of these ids.
async fn select(
    tx: &mut Transaction<'_>,
    start: &'static str,
    account: &ExternalId,
    symbol: Symbol,
    ids: &[String],
) -> Result<Vec<Row>, Error> {
    let mut statement = Statement::new(start);
    statement.value(account.to_string()).words(" AND symbol = ").value(symbol.as_str());
    statement.among(" AND id IN", ids);
    let (sql, values) = statement.finish();
    tx.rows_made(sql, values).await
}

fn read_order(row: &Row) -> Result<Order, Error> {
    Ok(Order {
        id: row.parsed("id")?,
        side: read(row, "side")?,
        status: read(row, "status")?,
        cumulative: row.parsed("cumulative")?,
        notional: optional_money(row, "notional", "currency")?,
        reserve: optional_money(row, "reserve", "reserve_currency")?,
        last_at: row.time("last_at")?,
    })
}

fn read_change(row: &Row) -> Result<Change, Error> {
    let kind = match row.text("kind")?.as_str() {
        "fill" => ChangeKind::Fill {
            order: row.parsed("order_id")?,
            side: read(row, "side")?,
            notional: money(row, "notional", "currency")?,
        },
        "split" => ChangeKind::Split,
        _ => ChangeKind::Unknown,
    };
    let standing = row.text("standing")?;
    let standing = ChangeStanding::ALL.into_iter().find(|known| known.as_str() == standing);
    Ok(Change {
        id: row.parsed("id")?,
        kind,
        quantity: row.parsed("quantity")?,
        standing: standing.ok_or_else(|| Error::unreadable("standing"))?,
        at: row.time("at")?,
    })
}
