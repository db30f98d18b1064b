//! Daily snapshots: the value of each holder's accounts at the end of each UTC day.

use std::collections::BTreeMap;

use domain::{Currency, Date, ExternalId, Money};
use jiff::Timestamp;
use ledger::{Day, PricedAsset};
use serde_json::json;

use super::figures::figures;
use super::prices::load_prices;
use super::returns::{self, HolderScope};
use super::{AssetPrice, MarketValue, portfolio};
use crate::actor::Actor;
use crate::database::{Operation, Transaction, retry, sql};
use crate::error::Error;
use crate::store::Store;
use crate::sums;

/// Holders of one transaction.
const HOLDERS_PAGE: i64 = 100;

const HOLDERS: &str =
    "SELECT DISTINCT holder FROM ledger_balances WHERE holder > $1 ORDER BY holder LIMIT $2";
const SNAPSHOT: &str = "INSERT INTO daily_snapshots (holder, day, value, net_flow, unpriced, taken_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (holder, day) DO UPDATE SET value = excluded.value, \
    net_flow = excluded.net_flow, unpriced = excluded.unpriced, taken_at = excluded.taken_at \
    WHERE daily_snapshots.taken_at <= excluded.taken_at";
const FLOW: &str = "INSERT INTO daily_flows (holder, day, currency, total_high, total) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (holder, day, currency) \
    DO UPDATE SET total_high = excluded.total_high, total = excluded.total";

/// The outcome of [`Store::take_snapshots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotRun {
    /// The day of the snapshots.
    pub date: Date,
    /// The number of holders with a snapshot.
    pub holders: u64,
}

impl Store {
    /// Takes the snapshot of the day of `now`, of each holder and of all together. It replaces an earlier snapshot of the
    /// day, so that the last run before midnight is the close: call it every few minutes, from one worker.
    ///
    /// # Errors
    /// [`Error`] of the database; some holders may be without a snapshot until the next run.
    pub async fn take_snapshots(&self, actor: Actor<'_>, now: Timestamp) -> Result<SnapshotRun, Error> {
        let date = Day::from_timestamp(now)?.date;
        let (mut last, mut holders) = (String::new(), 0);
        loop {
            let page = retry(|| self.take_page(&last, date, actor, now)).await?;
            holders += page.len() as u64;
            match page.last().filter(|_| page.len() as i64 == HOLDERS_PAGE) {
                Some(holder) => last = holder.to_string(),
                None => return Ok(SnapshotRun { date, holders }),
            }
        }
    }

    /// Reads value and flows in one state of the database: a deposit between the two reads would count as profit of the next
    /// day. The writing transaction cannot do this, because it needs the newest head of the audit chain.
    async fn take_page(
        &self,
        after: &str,
        date: Date,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Vec<ExternalId>, Error> {
        let Page { snapshots, holders } = self.read_page(after, date, now).await?;
        let mut writer = self.shared.database.writer(Operation::Business).await?;
        let mut tx = writer.begin().await?;
        for snapshot in &snapshots {
            snapshot.write(&mut tx, date, now).await?;
        }
        let detail = json!({ "after": after, "holders": holders.len() });
        self.commit(tx, actor.entry("snapshots.take", &format!("snapshots/{date}"), &detail, now)?).await?;
        Ok(holders)
    }

    /// The first page includes the snapshot of all together.
    async fn read_page(&self, after: &str, date: Date, now: Timestamp) -> Result<Page, Error> {
        let mut reader = self.shared.database.reader(Operation::Business).await?;
        let mut tx = reader.begin().await?;
        let prices = load_prices(&mut tx).await?;
        let mut snapshots = Vec::new();
        if after.is_empty() {
            let assets = figures(&mut tx, now).await?.assets;
            snapshots.push(Snapshot::read(&mut tx, HolderScope::All, date, assets, &prices).await?);
        }
        let rows = tx.fetch_all(sql!(HOLDERS, after, HOLDERS_PAGE)).await?;
        let holders = rows.iter().map(|row| row.parsed("holder")).collect::<Result<Vec<ExternalId>, _>>()?;
        for holder in &holders {
            let assets = portfolio::assets(&mut tx, holder, &prices, now).await?;
            snapshots
                .push(Snapshot::read(&mut tx, HolderScope::Holder(holder), date, assets, &prices).await?);
        }
        Ok(Page { snapshots, holders })
    }
}

/// The snapshots of one transaction.
struct Page {
    snapshots: Vec<Snapshot>,
    holders: Vec<ExternalId>,
}

struct Snapshot {
    holder: String,
    assets: MarketValue,
    net_flow: Money,
    flows: BTreeMap<Currency, i128>,
}

impl Snapshot {
    async fn read(
        tx: &mut Transaction<'_>,
        scope: HolderScope<'_>,
        date: Date,
        assets: MarketValue,
        prices: &BTreeMap<PricedAsset, AssetPrice>,
    ) -> Result<Self, Error> {
        let flows = returns::flows(tx, scope).await?;
        let net_flow = returns::net_flow(tx, scope, date, &flows, prices).await?;
        Ok(Self { holder: scope.name(), assets, net_flow, flows })
    }

    async fn write(&self, tx: &mut Transaction<'_>, date: Date, now: Timestamp) -> Result<(), Error> {
        let Self { holder, assets, net_flow, flows } = self;
        let (day, value, unpriced) = (date.days(), assets.value.minor(), assets.unpriced.cast_signed());
        let snapshot = sql!(SNAPSHOT, holder, day, value, net_flow.minor(), unpriced, now);
        if tx.execute(snapshot).await?.rows == 0 {
            // A later run has already replaced the snapshot.
            return Ok(());
        }
        for (currency, total) in flows {
            let (high, total) = sums::columns(*total)?;
            tx.execute(sql!(FLOW, holder, day, currency.as_str(), high, total)).await?;
        }
        Ok(())
    }
}
