//! The statements of Alpaca: activities of all accounts, transfers where they are posted, and the positions of the last
//! trading day (docs.alpaca.markets/reference).

use std::collections::{BTreeMap, BTreeSet};

use domain::{Currency, ExternalId, Money, Provider, Quantity, StatementKind, StatementLine, Symbol};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use webhooks::Unhandled;

use crate::client::Client;
use crate::collector::{Collector, Event};
use crate::error::Error;
use crate::matching::UNDATED;
use crate::pages::{List, Next, Row, text, time};

const ACTIVITIES: &str = "/v1/accounts/activities";
const POSITIONS: &str = "/v1/reporting/eod/positions";
const PAGE_ROWS: u32 = 100;
/// Accounts of a page of positions.
const PAGE_ACCOUNTS: u32 = 1_000;
/// Most pages of positions.
const PAGES_MAX: usize = 10_000;

/// Fields of an activity, and their names in the event that reports it.
const ENTRY: [(&str, &str); 10] = [
    ("account_id", "account_id"),
    ("activity_type", "activity_type"),
    ("activity_sub_type", "activity_subtype"),
    ("status", "status"),
    ("net_amount", "net_amount"),
    ("qty", "qty"),
    ("symbol", "symbol"),
    ("currency", "currency"),
    ("swap_rate", "swap_rate"),
    ("swap_fee_bps", "swap_fee_bps"),
];
/// Fields of a transfer, and their names in the event that reports it.
const TRANSFER: [(&str, &str); 6] = [
    ("id", "transfer_id"),
    ("account_id", "account_id"),
    ("direction", "direction"),
    ("amount", "amount"),
    ("currency", "currency"),
    ("status", "status_to"),
];

/// Positions of one trading day; a page has whole accounts.
#[derive(Deserialize)]
struct PositionsPage {
    asof: String,
    positions: BTreeMap<String, Vec<Row>>,
    next_page_token: Option<String>,
}

/// Activities that were created within a time. Not filtered by type, because some types cannot be asked for.
pub(crate) async fn read_activities(
    client: &Client,
    (start, end): (Timestamp, Timestamp),
    collector: &mut Collector,
) -> Result<(), Error> {
    let query = vec![
        ("after", start.to_string()),
        ("until", end.to_string()),
        ("direction", "asc".to_owned()),
        ("page_size", PAGE_ROWS.to_string()),
    ];
    let list = List { path: ACTIVITIES, query, next: Next::After("page_token") };
    list.each(client, |row| {
        add_activity(row, collector);
        true
    })
    .await
}

/// Transfers of these accounts, which the broker lists without a filter by date. It may not list those of every account, such as
/// one that was closed.
pub(crate) async fn read_transfers(
    client: &Client,
    accounts: &[ExternalId],
    collector: &mut Collector,
) -> Result<(), Error> {
    for account in accounts {
        let path = format!("/v1/accounts/{}/transfers", account.id());
        let list = List { path: &path, query: vec![("limit", PAGE_ROWS.to_string())], next: Next::Offset };
        let read = list.each(client, |row| {
            add_transfer(row, collector);
            true
        });
        let read = read.await;
        collector.unless_unavailable(StatementKind::Transfer, read)?;
    }
    Ok(())
}

/// Positions at the end of the last trading day, whose end it returns.
pub(crate) async fn read_positions(client: &Client, collector: &mut Collector) -> Result<Timestamp, Error> {
    let fault = |why| Error::NotAsDocumented { path: POSITIONS.to_owned(), why };
    let (mut token, mut seen) = (None::<String>, BTreeSet::new());
    for _ in 0..PAGES_MAX {
        let mut query = vec![("limit", PAGE_ACCOUNTS.to_string())];
        query.extend(token.clone().map(|token| ("page_token", token)));
        let page = client.get(POSITIONS, &query).await;
        let page = if token.is_none() { page } else { page.map_err(Error::after_first_page) };
        let page: PositionsPage =
            serde_json::from_str(page?.get()).map_err(|_| fault("a page has asof and positions"))?;
        // Trading of a day ends at 20:00 in New York, which is 00:00 or 01:00 UTC.
        let start: Timestamp =
            format!("{}T00:00:00Z", page.asof).parse().map_err(|_| fault("asof is a date"))?;
        let end = start.saturating_add(jiff::SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
        for (account, rows) in &page.positions {
            for row in rows {
                add_position(account, row, end, collector);
            }
        }
        match page.next_page_token.filter(|token| !token.is_empty()) {
            None => return Ok(end),
            Some(next) if !seen.insert(next.clone()) => {
                return Err(Error::Repeated { path: POSITIONS.to_owned() });
            }
            next => token = next,
        }
    }
    Err(Error::TooLong { lines_max: PAGES_MAX })
}

fn add_activity(row: &Row, collector: &mut Collector) {
    let at = time(row, &["created_at", "transaction_time", "date"]).unwrap_or(UNDATED);
    match text(row, "activity_type").as_deref() {
        Some("FILL") => match execution(row, at) {
            Ok(line) => collector.add(line),
            Err(reason) => collector.add_unread(StatementKind::Execution, text(row, "id"), at, &reason),
        },
        _ => {
            let mut body = renamed(row, &ENTRY);
            body.extend(quoted(at.to_string()).map(|at| ("at", at)));
            body.extend(
                text(row, "id").and_then(|id| quoted(last_part(&id).to_owned())).map(|id| ("ref_id", id)),
            );
            // An activity is listed when it is executed; older ones do not say so.
            if let Some(executed) = quoted("executed".to_owned()).filter(|_| !body.contains_key("status")) {
                body.insert("status", executed);
            }
            let (channel, kind) = ("alpaca/activity", StatementKind::CashEntry);
            collector.add_event(&Event { channel, body: &body, kind, row, at });
        }
    }
}

fn add_transfer(row: &Row, collector: &mut Collector) {
    let at = time(row, &["updated_at", "created_at"]).unwrap_or(UNDATED);
    let mut body = renamed(row, &TRANSFER);
    body.extend(quoted(at.to_string()).map(|at| ("at", at)));
    let (channel, kind) = ("alpaca/transfer", StatementKind::Transfer);
    collector.add_event(&Event { channel, body: &body, kind, row, at });
}

/// An execution, whose id is the last part of the activity's.
fn execution(row: &Row, at: Timestamp) -> Result<StatementLine, Unhandled> {
    let symbol = symbol(row)?;
    let (quantity, price) = (number(row, "qty")?, number(row, "price")?);
    let sign = match text(row, "side").as_deref() {
        Some("buy") => Decimal::ONE,
        Some("sell" | "sell_short") => Decimal::NEGATIVE_ONE,
        _ => return Err(unreadable("side", "it is not buy, sell or sell_short")),
    };
    let paid = quantity.checked_mul(price).and_then(|paid| paid.checked_mul(-sign));
    let money = |currency| Money::from_decimal_rounded(paid?, currency).ok();
    // Without a currency the amount is not known.
    let amount = match text(row, "currency").map(|code| code.parse::<Currency>()) {
        None => None,
        Some(Err(_)) => return Err(Unhandled::Currency),
        Some(Ok(currency)) => Some(money(currency).ok_or_else(|| unreadable("price", "it is out of range"))?),
    };
    if at == UNDATED {
        return Err(unreadable("transaction_time", "it is not a time"));
    }
    Ok(StatementLine {
        kind: StatementKind::Execution,
        id: Some(external_id("id", text(row, "id").as_deref().map(last_part))?.to_string()),
        account: Some(external_id("account_id", text(row, "account_id").as_deref())?),
        symbol: Some(symbol),
        quantity: Some(shares(quantity * sign)?),
        amount,
        status: None,
        at: time(row, &["transaction_time"]).unwrap_or(at),
    })
}

fn add_position(account: &str, row: &Row, at: Timestamp, collector: &mut Collector) {
    let position = || {
        Ok(StatementLine {
            kind: StatementKind::Position,
            id: None,
            account: Some(external_id("account_id", Some(account))?),
            symbol: Some(symbol(row)?),
            quantity: Some(shares(number(row, "qty")?)?),
            amount: None,
            status: None,
            at,
        })
    };
    match position() {
        Ok(line) => collector.add(line),
        Err(reason) => {
            let id = format!("{account}/{}", text(row, "symbol").unwrap_or_default());
            collector.add_unread(StatementKind::Position, Some(id), at, &reason);
        }
    }
}

/// A cryptocurrency or an option is not a share.
fn symbol(row: &Row) -> Result<Symbol, Unhandled> {
    let symbol = text(row, "symbol").filter(|symbol| !symbol.is_empty());
    let symbol = symbol.ok_or_else(|| unreadable("symbol", "it is missing"))?;
    symbol.parse().map_err(|_| Unhandled::ByHand("what is not a share"))
}

fn number(row: &Row, name: &'static str) -> Result<Decimal, Unhandled> {
    let number = text(row, name).and_then(|text| text.parse().ok());
    number.ok_or_else(|| unreadable(name, "it is not a number"))
}

fn shares(quantity: Decimal) -> Result<Quantity, Unhandled> {
    Quantity::new(quantity).map_err(|_| unreadable("qty", "it is out of range"))
}

fn external_id(name: &'static str, id: Option<&str>) -> Result<ExternalId, Unhandled> {
    let id = id.and_then(|id| ExternalId::new(Provider::Alpaca, id).ok());
    id.ok_or_else(|| unreadable(name, "it is not an id"))
}

const fn unreadable(field: &'static str, why: &'static str) -> Unhandled {
    Unhandled::Unreadable { field, why }
}

/// `20260302150405678::<id>` is the activity of the object with this id.
fn last_part(id: &str) -> &str {
    id.rsplit_once("::").map_or(id, |(_, last)| last)
}

fn renamed(row: &Row, names: &[(&'static str, &'static str)]) -> BTreeMap<&'static str, Box<RawValue>> {
    names.iter().filter_map(|(name, new)| Some((*new, row.get(*name)?.clone()))).collect()
}

fn quoted(text: String) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(&text).ok()
}
