//! What each holder's accounts were worth at the end of each UTC day.

use std::collections::BTreeMap;

use audit::Entry;
use domain::{Currency, Date, ExternalId, Money};
use jiff::Timestamp;
use ledger::{Day, Marked};
use serde_json::json;

use super::figures::figures;
use super::returns::{self, Whose};
use super::{Mark, Worth, load_marks};
use crate::actor::Actor;
use crate::chain;
use crate::database::{Transaction, Tries, values};
use crate::error::Error;
use crate::portfolio;
use crate::store::Store;

/// Holders of one transaction.
const HOLDERS_PAGE: i64 = 100;

const HOLDERS: &str =
    "SELECT DISTINCT holder FROM ledger_balances WHERE holder > $1 ORDER BY holder LIMIT $2";
const SNAPSHOT: &str = "INSERT INTO daily_snapshots (holder, day, value, net_flow, unpriced, taken_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (holder, day) DO UPDATE SET value = excluded.value, \
    net_flow = excluded.net_flow, unpriced = excluded.unpriced, taken_at = excluded.taken_at \
    WHERE daily_snapshots.taken_at <= excluded.taken_at";
const FLOW: &str = "INSERT INTO daily_flows (holder, day, currency, total) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (holder, day, currency) DO UPDATE SET total = excluded.total";

/// What a run took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshots {
    /// Of which day.
    pub date: Date,
    /// Of how many holders.
    pub holders: u64,
}

impl Store {
    /// Takes the snapshot of the day of `now`, of each holder and of all together. The day's earlier one is replaced, so
    /// that the last run before midnight is the close: run it every few minutes, by one worker.
    ///
    /// # Errors
    /// [`Error`] of the database; then some holders may have theirs and others not, and the next run takes the rest.
    pub async fn take_snapshots(&self, actor: Actor<'_>, now: Timestamp) -> Result<Snapshots, Error> {
        let date = Day::of(now).map_err(|_| Error::unreadable("day"))?.date;
        let (mut last, mut holders) = (String::new(), 0);
        loop {
            let taken = self.take_page(&last, date, actor, now).await?;
            holders += taken.len() as u64;
            match taken.last().filter(|_| taken.len() as i64 == HOLDERS_PAGE) {
                Some(holder) => last = holder.to_string(),
                None => return Ok(Snapshots { date, holders }),
            }
        }
    }

    async fn take_page(
        &self,
        after: &str,
        date: Date,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Vec<ExternalId>, Error> {
        let mut tries = Tries::default();
        loop {
            match self.try_take_page(after, date, actor, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    /// What is written is read first, from one state of the database: a deposit between the value and the flows would
    /// count as a profit of the next day. It cannot be read by the transaction that writes, which has to see the newest
    /// head of the audit chain.
    async fn try_take_page(
        &self,
        after: &str,
        date: Date,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Vec<ExternalId>, Error> {
        let Page { snapshots, holders } = self.read_page(after, date, now).await?;
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        for snapshot in &snapshots {
            snapshot.write(&mut tx, date, now).await?;
        }
        let detail = json!({ "after": after, "holders": holders.len() }).to_string();
        let object = format!("snapshots/{date}");
        let entry = Entry::new(now, actor.name, "snapshots.take", &object, actor.request_id, &detail)?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await?;
        Ok(holders)
    }

    /// The first page also has the snapshot of all together.
    async fn read_page(&self, after: &str, date: Date, now: Timestamp) -> Result<Page, Error> {
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        let marks = load_marks(&mut tx).await?;
        let mut snapshots = Vec::new();
        if after.is_empty() {
            let assets = figures(&mut tx, now).await?.assets;
            snapshots.push(Snapshot::read(&mut tx, Whose::All, date, assets, &marks).await?);
        }
        let rows = tx.rows(HOLDERS, values![after, HOLDERS_PAGE]).await?;
        let holders = rows.iter().map(|row| row.parsed("holder")).collect::<Result<Vec<ExternalId>, _>>()?;
        for holder in &holders {
            let assets = portfolio::assets(&mut tx, holder, &marks).await?;
            snapshots.push(Snapshot::read(&mut tx, Whose::Holder(holder), date, assets, &marks).await?);
        }
        Ok(Page { snapshots, holders })
    }
}

/// What one transaction writes.
struct Page {
    snapshots: Vec<Snapshot>,
    holders: Vec<ExternalId>,
}

/// What someone's accounts are worth, and what has come in less what has gone out, at one moment.
struct Snapshot {
    holder: String,
    assets: Worth,
    net_flow: Money,
    flows: BTreeMap<Currency, i64>,
}

impl Snapshot {
    async fn read(
        tx: &mut Transaction<'_>,
        whose: Whose<'_>,
        date: Date,
        assets: Worth,
        marks: &BTreeMap<Marked, Mark>,
    ) -> Result<Self, Error> {
        let flows = returns::flows(tx, whose).await?;
        let net_flow = returns::net_flow(tx, whose, date, &flows, marks).await?;
        Ok(Self { holder: whose.name(), assets, net_flow, flows })
    }

    async fn write(&self, tx: &mut Transaction<'_>, date: Date, now: Timestamp) -> Result<(), Error> {
        let Self { holder, assets, net_flow, flows } = self;
        let (day, value, unpriced) = (date.days(), assets.value.minor(), assets.unpriced.cast_signed());
        if tx.execute(SNAPSHOT, values![holder, day, value, net_flow.minor(), unpriced, now]).await? == 0 {
            // A later run has been here.
            return Ok(());
        }
        for (currency, total) in flows {
            tx.execute(FLOW, values![holder, day, currency.as_str(), *total]).await?;
        }
        Ok(())
    }
}
