//! Events as Alpaca's streams carry them; its webhooks carry the same.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ulid, uuid};

#[derive(Clone, Debug)]
pub struct AlpacaAccount {
    pub id: String,
}

#[derive(Clone, Copy, Debug)]
pub struct Trade<'a> {
    /// `new`, `partial_fill`, `fill`, `canceled`, …
    pub event: &'a str,
    /// The name from which the order's id is derived.
    pub order: &'a str,
    /// `buy` or `sell`.
    pub side: &'a str,
    pub symbol: &'a str,
    /// Shares ordered.
    pub qty: &'a str,
    /// Shares filled so far, and their average price.
    pub filled: Option<(&'a str, &'a str)>,
    /// Shares and price of this execution, for a fill.
    pub execution: Option<(&'a str, &'a str)>,
    /// The limit price, for a limit order.
    pub limit: Option<&'a str>,
}

impl Trade<'_> {
    fn status(&self) -> &str {
        match self.event {
            "fill" => "filled",
            "partial_fill" => "partially_filled",
            other => other,
        }
    }
}

impl AlpacaAccount {
    /// The account whose id is derived from this name.
    pub fn named(name: &str) -> Self {
        Self { id: uuid(&format!("alpaca account {name}")) }
    }

    /// Its name in the ledger.
    pub fn holder(&self) -> String {
        format!("alpaca:{}", self.id)
    }

    /// `/webhooks/alpaca/trade`.
    pub fn trade(&self, at: Timestamp, trade: &Trade<'_>) -> String {
        let name = format!("{} {} {} {:?} {at}", self.id, trade.order, trade.event, trade.filled);
        let mut event = json!({
            "account_id": self.id,
            "at": at.to_string(),
            "event": trade.event,
            "event_id": ulid(at, &name),
            "execution_id": uuid(&format!("execution {name}")),
            "order": self.order(at, trade),
            "timestamp": at.to_string(),
        });
        if let Some((qty, price)) = trade.execution {
            event["qty"] = json!(qty);
            event["price"] = json!(price);
            event["position_qty"] = json!(trade.filled.map_or("0", |(qty, _)| qty));
        }
        event.to_string()
    }

    fn order(&self, at: Timestamp, trade: &Trade<'_>) -> Value {
        let kind = if trade.limit.is_some() { "limit" } else { "market" };
        json!({
            "id": uuid(&format!("order {} {}", self.id, trade.order)),
            "client_order_id": trade.order,
            "created_at": at.to_string(), "updated_at": at.to_string(), "submitted_at": at.to_string(),
            "filled_at": trade.filled.map(|_| at.to_string()),
            "expired_at": null, "canceled_at": null, "failed_at": null, "replaced_at": null,
            "replaced_by": null, "replaces": null,
            "asset_id": uuid(trade.symbol), "symbol": trade.symbol, "asset_class": "us_equity",
            "notional": null, "qty": trade.qty,
            "filled_qty": trade.filled.map_or("0", |(qty, _)| qty),
            "filled_avg_price": trade.filled.map(|(_, price)| price),
            "order_class": "", "order_type": kind, "type": kind, "side": trade.side,
            "time_in_force": "day", "limit_price": trade.limit, "stop_price": null,
            "status": trade.status(), "extended_hours": false, "legs": null,
            "trail_percent": null, "trail_price": null, "hwm": null, "commission": "0",
        })
    }

    /// `/webhooks/alpaca/account`.
    pub fn status(&self, at: Timestamp, from: &str, to: &str) -> String {
        let name = format!("{} {from} {to} {at}", self.id);
        json!({
            "account_id": self.id, "account_number": "", "at": at.to_string(),
            "status_from": from, "status_to": to,
            "crypto_status_from": "", "crypto_status_to": "INACTIVE",
            "event_id": 12_627_517, "event_ulid": ulid(at, &name), "kyc_results": null,
        })
        .to_string()
    }

    /// `/webhooks/alpaca/transfer`. It carries no amount: the broker's ledger entry does.
    pub fn transfer(&self, at: Timestamp, transfer: &str, from: &str, to: &str) -> String {
        let name = format!("{} {transfer} {from} {to} {at}", self.id);
        json!({
            "account_id": self.id, "at": at.to_string(), "event_id": ulid(at, &name),
            "status_from": from, "status_to": to,
            "transfer_id": uuid(&format!("transfer {} {transfer}", self.id)),
        })
        .to_string()
    }

    /// `/webhooks/alpaca/journal`.
    pub fn journal(&self, at: Timestamp, journal: &str, from: &str, to: &str) -> String {
        let name = format!("{} {journal} {from} {to} {at}", self.id);
        json!({
            "at": at.to_string(), "entry_type": "JNLC", "event_id": ulid(at, &name),
            "journal_id": uuid(&format!("journal {} {journal}", self.id)),
            "status_from": from, "status_to": to,
        })
        .to_string()
    }

    /// `/webhooks/alpaca/nta`: a ledger entry of the broker that is no trade. `net_amount` is a JSON number, as Alpaca's
    /// are.
    pub fn entry(
        &self,
        at: Timestamp,
        entry: &str,
        entry_type: &str,
        net_amount: &str,
        status: &str,
    ) -> String {
        let name = format!("{} {entry} {entry_type} {status} {at}", self.id);
        let date = at.to_string().split('T').next().unwrap_or_default().to_owned();
        let amount: serde_json::Number = net_amount.parse().expect("an amount is a number");
        json!({
            "account_id": self.id, "at": at.to_string(), "description": "", "entry_type": entry_type,
            "event_id": 11_751_543, "event_ulid": ulid(at, &name),
            "id": uuid(&format!("entry {} {entry}", self.id)),
            "net_amount": amount, "per_share_amount": null, "price": "0", "qty": 0,
            "settle_date": date, "status": status, "symbol": "", "system_date": date,
        })
        .to_string()
    }

    /// `/webhooks/alpaca/activity`: ledger entries in their newer form.
    pub fn activity(&self, at: Timestamp, entry: &str, activity_type: &str, net_amount: &str) -> String {
        let name = format!("{} {entry} {activity_type} {at}", self.id);
        let date = at.to_string().split('T').next().unwrap_or_default().to_owned();
        json!({
            "account_id": self.id, "activity_type": activity_type, "at": at.to_string(), "currency": "USD",
            "event_id": ulid(at, &name), "executed_at": at.to_string(),
            "ref_id": uuid(&format!("activity {} {entry}", self.id)),
            "settle_date": date, "status": "executed",
            "net_amount": net_amount, "details": {"description": ""},
        })
        .to_string()
    }
}
