//! The statements of Circle: transfers, payments, deposits and payouts of Mint, and transactions of wallets (developers.circle.com).

use std::collections::BTreeMap;

use domain::StatementKind;
use jiff::Timestamp;
use serde::Serialize;

use crate::client::Client;
use crate::collector::{Collector, Event, SENDER};
use crate::error::Error;
use crate::matching::UNDATED;
use crate::pages::{List, Next, Row, time};

/// Lists, and the member of a notification in which their rows arrive; wallets have notifications of another form.
const LISTS: [(&str, Option<&str>); 6] = [
    ("/v1/transfers", Some("transfer")),
    ("/v1/payments", Some("payment")),
    ("/v1/businessAccount/transfers", Some("transfer")),
    ("/v1/businessAccount/deposits", Some("deposit")),
    ("/v1/businessAccount/payouts", Some("payout")),
    ("/v1/w3s/transactions", None),
];
const PAGE_ROWS: u32 = 50;

/// A notification about wallets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'a> {
    subscription_id: &'static str,
    notification_type: &'static str,
    notification: &'a Row,
    timestamp: Timestamp,
}

/// A notification of Mint, in a message of SNS.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    r#type: &'static str,
    timestamp: Timestamp,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    client_id: &'static str,
    notification_type: String,
    #[serde(flatten)]
    object: BTreeMap<&'static str, &'a Row>,
}

/// Objects that were created at or after a time, and before another one.
pub(crate) async fn read(
    client: &Client,
    (start, end): (Timestamp, Timestamp),
    collector: &mut Collector,
) -> Result<(), Error> {
    for (path, member) in LISTS {
        let mut query =
            vec![("from", start.to_string()), ("to", end.to_string()), ("pageSize", PAGE_ROWS.to_string())];
        // Tokens that nobody watches are hidden otherwise.
        query.extend(member.is_none().then(|| ("includeAll", "true".to_owned())));
        let list = List { path, query, next: Next::After("pageAfter") };
        let read = list.each(client, |row| {
            let at = time(row, &["updateDate", "createDate"]).unwrap_or(UNDATED);
            add(member, row, at, collector);
            true
        });
        // A customer has Mint or wallets, or both.
        let read = read.await;
        collector.unless_unavailable(StatementKind::Transfer, read)?;
    }
    Ok(())
}

/// Adds a row as the notification that reports it.
fn add(member: Option<&'static str>, row: &Row, at: Timestamp, collector: &mut Collector) {
    let kind = StatementKind::Transfer;
    let Some(member) = member else {
        let body = Notification {
            subscription_id: SENDER,
            notification_type: "transactions",
            notification: row,
            timestamp: at,
        };
        collector.add_event(&Event { channel: "circle/direct", body: &body, kind, row, at });
        return;
    };
    let message = Message {
        client_id: SENDER,
        notification_type: format!("{member}s"),
        object: BTreeMap::from([(member, row)]),
    };
    let message = serde_json::to_string(&message).unwrap_or_default();
    let body = Envelope { r#type: "Notification", timestamp: at, message };
    collector.add_event(&Event { channel: "circle/sns", body: &body, kind, row, at });
}
