//! The last price of each share and currency.

use std::collections::BTreeMap;

use audit::Entry;
use domain::{Price, Symbol};
use jiff::{SignedDuration, Timestamp};
use ledger::Marked;
use serde_json::json;

use crate::actor::Actor;
use crate::chain;
use crate::database::{Row, Transaction, Tries, Value, values};
use crate::error::Error;
use crate::store::Store;

/// Marks of one call, at most: more than a broker has symbols.
pub const MARKS_MAX: usize = 20_000;
/// A mark may be this much later than our clock: clocks of others differ from it, by less. What is later still is a wrong
/// time, and would hide every price until then.
pub const MARK_AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);
const SET: &str = "INSERT INTO marks (thing, price, at) VALUES ";
const SET_END: &str = " ON CONFLICT (thing) DO UPDATE SET price = excluded.price, at = excluded.at \
    WHERE marks.at < excluded.at";
// Kept while our own clock was wrong.
const DROP_AHEAD: &str = "DELETE FROM marks WHERE at > $1";

/// What one of something was worth in dollars at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of what.
    pub thing: Marked,
    /// In dollars.
    pub price: Price,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Keeps the marks that are later than those that are kept, and says how many those were: the latest wins, whatever
    /// the order. At most [`MARKS_MAX`]; what is more is left out, and so is what is later than `now` by more than
    /// [`MARK_AHEAD_MAX`].
    ///
    /// # Errors
    /// [`Error`] of the database; then none was kept, or the answer was lost on the way.
    pub async fn mark(&self, marks: &[Mark], actor: Actor<'_>, now: Timestamp) -> Result<u64, Error> {
        let mut tries = Tries::default();
        loop {
            match self.try_mark(marks, actor, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_mark(&self, marks: &[Mark], actor: Actor<'_>, now: Timestamp) -> Result<u64, Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        let changed = set(&mut tx, marks, now).await?;
        if changed == 0 {
            tx.rollback().await?;
            return Ok(0);
        }
        let detail = json!({ "changed": changed }).to_string();
        let entry = Entry::new(now, actor.name, "marks.set", "marks", actor.request_id, &detail)?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// All marks, by what they are of.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn marks(&self) -> Result<Vec<Mark>, Error> {
        let mut reader = self.shared.database.reader().await?;
        let marks = load(&mut reader.begin().await?).await?;
        Ok(marks.into_values().collect())
    }

    /// The shares that anyone holds: what marks are wanted of. At most [`MARKS_MAX`].
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn held_symbols(&self) -> Result<Vec<Symbol>, Error> {
        let sql = "SELECT DISTINCT symbol FROM positions WHERE quantity <> '0' ORDER BY symbol LIMIT $1";
        let mut reader = self.shared.database.reader().await?;
        let rows = reader.begin().await?.rows(sql, values![MARKS_MAX as i64]).await?;
        rows.iter().map(|row| row.parsed("symbol")).collect()
    }
}

async fn set(tx: &mut Transaction<'_>, marks: &[Mark], now: Timestamp) -> Result<u64, Error> {
    let latest_at = now.saturating_add(MARK_AHEAD_MAX).unwrap_or(Timestamp::MAX);
    // Each thing once, and in one order, so that two writers do not wait for each other.
    let mut latest: BTreeMap<Marked, Mark> = BTreeMap::new();
    for mark in marks.iter().take(MARKS_MAX) {
        if mark.at > latest_at {
            tracing::warn!(thing = %mark.thing, at = %mark.at, "a price that is dated in the future is not kept");
            continue;
        }
        let kept = latest.entry(mark.thing).or_insert(*mark);
        if kept.at < mark.at {
            *kept = *mark;
        }
    }
    tx.execute(DROP_AHEAD, values![latest_at]).await?;
    let rows: Vec<Vec<Value>> = latest
        .into_values()
        .map(|Mark { thing, price, at }| values![thing.to_string(), price.to_string(), at])
        .collect();
    tx.write_rows(SET, rows, SET_END).await
}

/// All marks.
pub(crate) async fn load(tx: &mut Transaction<'_>) -> Result<BTreeMap<Marked, Mark>, Error> {
    let rows = tx.rows("SELECT thing, price, at FROM marks ORDER BY thing", values![]).await?;
    let read = |row: &Row| {
        let thing = row.parsed("thing")?;
        Ok((thing, Mark { thing, price: row.parsed("price")?, at: row.time("at")? }))
    };
    rows.iter().map(read).collect()
}
