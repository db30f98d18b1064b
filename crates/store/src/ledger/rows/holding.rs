//! A position with its orders, executions and splits.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ExternalId, Fact, FactKind, Quantity, Symbol};
use ledger::{Change, ChangeKind, ChangeStatus, Elsewhere, Holding, Order, Position};

use crate::database::{Row, Transaction, Value, sql, values};
use crate::error::Error;
use crate::ledger::columns::{enum_name, money, optional_money, parse_enum};

pub(super) const POSITION: &str = "INSERT INTO positions (account, symbol, quantity, cost, currency, last_at) \
    VALUES ";
const POSITION_END: &str = " ON CONFLICT (account, symbol) DO UPDATE SET quantity = excluded.quantity, \
    cost = excluded.cost, currency = excluded.currency, last_at = excluded.last_at";

pub(super) const ORDER: &str = "INSERT INTO orders (account, symbol, id, side, status, quantity, cumulative, notional, currency, \
    reserve, reserve_currency, last_at) VALUES ";
const ORDER_END: &str = " ON CONFLICT (account, symbol, id) DO UPDATE SET side = excluded.side, \
    status = excluded.status, quantity = excluded.quantity, cumulative = excluded.cumulative, \
    notional = excluded.notional, currency = excluded.currency, reserve = excluded.reserve, reserve_currency = excluded.reserve_currency, \
    last_at = excluded.last_at";

pub(super) const FILL: &str = "INSERT INTO fills (account, symbol, id, kind, order_id, side, quantity, quantity_before, notional, \
    currency, status, at) VALUES ";
const FILL_END: &str = " ON CONFLICT (account, symbol, id) DO UPDATE SET kind = excluded.kind, \
    order_id = excluded.order_id, side = excluded.side, quantity = excluded.quantity, \
    quantity_before = excluded.quantity_before, notional = excluded.notional, currency = excluded.currency, \
    status = excluded.status, at = excluded.at";

const POSITIONS: &str = "SELECT p.* FROM key CROSS JOIN positions p \
    WHERE p.account = key.account AND p.symbol = key.symbol";
const ORDERS: &str = "SELECT o.* FROM key CROSS JOIN orders o \
    WHERE o.account = key.account AND o.symbol = key.symbol AND o.id = key.id";
const FILLS: &str = "SELECT f.* FROM key CROSS JOIN fills f \
    WHERE f.account = key.account AND f.symbol = key.symbol AND f.id = key.id";
// An execution that was busted there is still none of this holding, and fills no order.
const ELSEWHERE: &str =
    "SELECT account, symbol, id, status FROM fills WHERE kind = 'fill' AND status <> 'parked' AND id IN";
// Whether it fills its order here was decided by its first report: a later bust there does not change the stored rows.
const PARKED_ELSEWHERE: &str = "SELECT p.id, CASE WHEN p.quantity = '0' THEN 'busted' ELSE 'counted' END AS status \
    FROM fills p JOIN fills o ON o.id = p.id WHERE p.account = $1 AND p.symbol = $2 \
    AND p.kind = 'fill' AND p.status = 'parked' AND o.kind = 'fill' AND o.status <> 'parked' \
    AND NOT (o.account = p.account AND o.symbol = p.symbol)";

/// A holding: account and symbol.
pub(in crate::ledger) type HoldingKey = (ExternalId, Symbol);

/// Facts of holdings.
pub(in crate::ledger) type FactsByHolding<'f> = BTreeMap<HoldingKey, &'f [Fact]>;

/// New rows of holdings.
#[derive(Default)]
pub(super) struct Rows {
    positions: Vec<Vec<Value>>,
    orders: Vec<Vec<Value>>,
    changes: Vec<Vec<Value>>,
}

impl Rows {
    pub(super) fn add(&mut self, row: &Holding) -> Result<(), Error> {
        let Holding { account, symbol, position, orders, changes } = row;
        self.positions.push(position_values(account, *symbol, *position));
        for order in orders {
            self.orders.push(order_values(account, *symbol, order)?);
        }
        for change in changes {
            self.changes.push(change_values(account, *symbol, change)?);
        }
        Ok(())
    }

    /// The rows by the statement that inserts them.
    pub(super) fn into_tables(self) -> Vec<(&'static str, Vec<Vec<Value>>)> {
        vec![(POSITION, self.positions), (ORDER, self.orders), (FILL, self.changes)]
    }

    pub(super) async fn write(self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        tx.insert_rows(POSITION, self.positions, POSITION_END).await?;
        tx.insert_rows(ORDER, self.orders, ORDER_END).await?;
        tx.insert_rows(FILL, self.changes, FILL_END).await?;
        Ok(())
    }
}

fn position_values(account: &ExternalId, symbol: Symbol, position: Position) -> Vec<Value> {
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

fn order_values(account: &ExternalId, symbol: Symbol, order: &Order) -> Result<Vec<Value>, Error> {
    let Order { id, side, status, quantity, cumulative, notional, reserve, last_at } = order;
    Ok(values![
        account.to_string(),
        symbol.as_str(),
        id.to_string(),
        enum_name(side)?,
        enum_name(status)?,
        quantity.map(|quantity| quantity.to_string()),
        cumulative.to_string(),
        notional.map(domain::Money::minor),
        notional.map(|money| money.currency().as_str()),
        reserve.map(domain::Money::minor),
        reserve.map(|money| money.currency().as_str()),
        *last_at,
    ])
}

fn change_values(account: &ExternalId, symbol: Symbol, change: &Change) -> Result<Vec<Value>, Error> {
    let Change { id, kind, quantity, status, at } = change;
    let before = if let ChangeKind::Split { before } = kind { Some(before.to_string()) } else { None };
    let (kind, order, side, notional) = match kind {
        ChangeKind::Fill { order, side, notional } => {
            ("fill", Some(order.to_string()), Some(enum_name(side)?), Some(*notional))
        }
        ChangeKind::Split { .. } => ("split", None, None, None),
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
        before,
        notional.map(domain::Money::minor),
        notional.map(|money| money.currency().as_str()),
        enum_name(status)?,
        *at,
    ])
}

/// The stored rows of holdings that have a position: the position, and the orders and changes that the facts name.
pub(in crate::ledger) async fn find(
    tx: &mut Transaction<'_>,
    new: &FactsByHolding<'_>,
) -> Result<BTreeMap<HoldingKey, Holding>, Error> {
    let keys = new.keys().map(|(account, symbol)| values![account.to_string(), symbol.as_str()]).collect();
    let mut holdings = BTreeMap::new();
    for row in tx.fetch_by_keys("account, symbol", keys, POSITIONS).await? {
        let (account, symbol) = key(&row)?;
        let position = Position {
            quantity: row.parsed("quantity")?,
            cost: optional_money(&row, "cost", "currency")?,
            last_at: row.time("last_at")?,
        };
        let (orders, changes) = (Vec::new(), Vec::new());
        let holding = Holding { account: account.clone(), symbol, position, orders, changes };
        holdings.insert((account, symbol), holding);
    }
    let (mut order_keys, mut change_keys) = (Vec::new(), Vec::new());
    for ((account, symbol), facts) in new {
        let key = |id| values![account.to_string(), symbol.as_str(), id];
        let (orders, changes) = ids(facts);
        order_keys.extend(orders.into_iter().map(key));
        change_keys.extend(changes.into_iter().map(key));
    }
    for row in tx.fetch_by_keys("account, symbol, id", order_keys, ORDERS).await? {
        if let Some(holding) = holdings.get_mut(&key(&row)?) {
            holding.orders.push(order(&row)?);
        }
    }
    for row in tx.fetch_by_keys("account, symbol, id", change_keys, FILLS).await? {
        if let Some(holding) = holdings.get_mut(&key(&row)?) {
            holding.changes.push(change(&row)?);
        }
    }
    Ok(holdings)
}

/// Which of the executions of each holding are in another one.
pub(in crate::ledger) async fn find_elsewhere(
    tx: &mut Transaction<'_>,
    new: &FactsByHolding<'_>,
) -> Result<BTreeMap<HoldingKey, Elsewhere>, Error> {
    let executions: Vec<(String, &HoldingKey)> =
        new.iter().flat_map(|(key, facts)| ids(facts).1.into_iter().map(move |id| (id, key))).collect();
    let ids: BTreeSet<&String> = executions.iter().map(|(id, _)| id).collect();
    // An execution counts in one holding.
    let mut owners = BTreeMap::new();
    for row in tx.fetch_in(sql!(ELSEWHERE), &Vec::from_iter(ids), "").await? {
        owners.insert(row.text("id")?, (key(&row)?, elsewhere(&row)?));
    }
    let mut found: BTreeMap<HoldingKey, Elsewhere> = BTreeMap::new();
    for (id, key) in &executions {
        if let Some((owner, (id, status))) = owners.get(id)
            && owner != *key
        {
            found.entry((*key).clone()).or_default().insert(id.clone(), *status);
        }
    }
    Ok(found)
}

/// Which of the parked executions of this holding are in others.
pub(in crate::ledger) async fn parked_elsewhere(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    symbol: Symbol,
) -> Result<Elsewhere, Error> {
    let rows = tx.fetch_all(sql!(PARKED_ELSEWHERE, account.to_string(), symbol.as_str())).await?;
    rows.iter().map(elsewhere).collect()
}

/// The ids of the orders and changes of facts.
fn ids(facts: &[Fact]) -> (Vec<String>, Vec<String>) {
    let (mut orders, mut changes) = (Vec::new(), Vec::new());
    for fact in facts {
        match &fact.kind {
            FactKind::Order { order, .. } => orders.push(order.to_string()),
            FactKind::Fill { order, execution, .. } => {
                orders.push(order.to_string());
                changes.push(execution.to_string());
            }
            FactKind::Bust { execution } => changes.push(execution.to_string()),
            FactKind::Split { entry, .. } => changes.push(entry.to_string()),
            FactKind::Adjustment { .. }
            | FactKind::Account { .. }
            | FactKind::Transfer { .. }
            | FactKind::Coins { .. }
            | FactKind::Cash { .. }
            | FactKind::Superseded { .. }
            | FactKind::Journal { .. } => {}
        }
    }
    for ids in [&mut orders, &mut changes] {
        ids.sort_unstable();
        ids.dedup();
    }
    (orders, changes)
}

fn key(row: &Row) -> Result<HoldingKey, Error> {
    Ok((row.parsed("account")?, row.parsed("symbol")?))
}

fn elsewhere(row: &Row) -> Result<(ExternalId, ChangeStatus), Error> {
    Ok((row.parsed("id")?, parse_enum(row, "status")?))
}

fn order(row: &Row) -> Result<Order, Error> {
    Ok(Order {
        id: row.parsed("id")?,
        side: parse_enum(row, "side")?,
        status: parse_enum(row, "status")?,
        quantity: row.optional_text("quantity")?.map(|_| row.parsed("quantity")).transpose()?,
        cumulative: row.parsed("cumulative")?,
        notional: optional_money(row, "notional", "currency")?,
        reserve: optional_money(row, "reserve", "reserve_currency")?,
        last_at: row.time("last_at")?,
    })
}

fn change(row: &Row) -> Result<Change, Error> {
    let kind = match row.text("kind")?.as_str() {
        "fill" => ChangeKind::Fill {
            order: row.parsed("order_id")?,
            side: parse_enum(row, "side")?,
            notional: money(row, "notional", "currency")?,
        },
        // Before shares were stored with a split, they are unknown.
        "split" if row.optional_text("quantity_before")?.is_none() => {
            ChangeKind::Split { before: Quantity::ZERO }
        }
        "split" => ChangeKind::Split { before: row.parsed("quantity_before")? },
        _ => ChangeKind::Unknown,
    };
    Ok(Change {
        id: row.parsed("id")?,
        kind,
        quantity: row.parsed("quantity")?,
        status: parse_enum(row, "status")?,
        at: row.time("at")?,
    })
}
