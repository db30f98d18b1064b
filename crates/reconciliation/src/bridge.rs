//! The statements of Bridge: transfers, deposits and drains of all customers (apidocs.bridge.xyz).

use domain::StatementKind;
use jiff::Timestamp;
use serde::Serialize;

use crate::client::Client;
use crate::collector::{Collector, Event};
use crate::error::Error;
use crate::matching::UNDATED;
use crate::pages::{List, Next, Row, time};

/// Lists, and the category of the events that report their rows.
const LISTS: [(&str, &str); 4] = [
    ("/v0/transfers", "transfer"),
    ("/v0/virtual_accounts/history", "virtual_account.activity"),
    ("/v0/static_memos/history", "static_memo.activity"),
    ("/v0/liquidation_addresses/drains", "liquidation_address.drain"),
];
const PAGE_ROWS: u32 = 100;

/// The event that reports an object.
#[derive(Serialize)]
struct Body<'a> {
    event_category: &'static str,
    event_type: &'static str,
    event_object: &'a Row,
    event_created_at: Timestamp,
}

/// Objects that were created at or after a time. The lists are newest first, and a filter by time excludes paging by id, so
/// that rows are read up to a page that is older.
pub(crate) async fn read(client: &Client, start: Timestamp, collector: &mut Collector) -> Result<(), Error> {
    for (path, category) in LISTS {
        let query = vec![("limit", PAGE_ROWS.to_string())];
        let list = List { path, query, next: Next::After("starting_after") };
        let read = list.each(client, |row| {
            let at = time(row, &["updated_at", "created_at"]).unwrap_or(UNDATED);
            let body = Body {
                event_category: category,
                event_type: "updated",
                event_object: row,
                event_created_at: at,
            };
            let (channel, kind) = ("bridge", StatementKind::Transfer);
            collector.add_event(&Event { channel, body: &body, kind, row, at });
            time(row, &["created_at"]).is_none_or(|created_at| created_at >= start)
        });
        let read = read.await;
        collector.unless_unavailable(StatementKind::Transfer, read)?;
    }
    Ok(())
}
