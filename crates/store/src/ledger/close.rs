//! The daily close: the trial balance of everything recorded so far, as a digest in the audit chain. Postings that are recorded
//! later are in the next close, whatever their time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use ledger::Day;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::timeout::set_timeout;
use crate::actor::Actor;
use crate::chain;
use crate::database::{Operation, Transaction, sql};
use crate::error::Error;
use crate::store::Store;
use crate::sums::sum_sql;

const RECORDED: &str = "SELECT 1 AS found FROM ledger_transactions WHERE posted_at < $1 LIMIT 1";
const LAST: &str =
    "SELECT detail FROM audit_entries WHERE action = 'ledger.closed' ORDER BY sequence DESC LIMIT 1";
const SUMS: &str = concat!(
    "SELECT account, currency, COUNT(*) AS entries, ",
    sum_sql!("(CASE WHEN minor > 0 THEN minor ELSE 0 END)", "debits"),
    ", ",
    sum_sql!("(CASE WHEN minor < 0 THEN minor ELSE 0 END)", "credits"),
    " FROM ledger_entries GROUP BY account, currency"
);
const POSITIONS: &str = "SELECT account, symbol, quantity, cost, currency FROM positions";

/// The sums of each account in each currency.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TrialSums(BTreeMap<(String, String), Sum>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    debits: i128,
    credits: i128,
    entries: u64,
}

impl TrialSums {
    async fn load(tx: &mut Transaction<'_>) -> Result<Self, Error> {
        let mut sums = BTreeMap::new();
        for row in tx.fetch_all(sql!(SUMS)).await? {
            let (debits, credits) = (row.sum("debits")?, row.sum("credits")?);
            let sum = Sum { debits, credits, entries: row.number("entries")? };
            sums.insert((row.text("account")?, row.text("currency")?), sum);
        }
        Ok(Self(sums))
    }

    /// Adds an entry of `minor` smallest units.
    pub(super) fn add(&mut self, account: String, currency: String, minor: i64) {
        let sum = self.0.entry((account, currency)).or_default();
        sum.entries += 1;
        *if minor > 0 { &mut sum.debits } else { &mut sum.credits } += i128::from(minor);
    }

    /// SHA-256 of a line of account, currency, debits, credits and number of entries each, in order of bytes.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for ((account, currency), Sum { debits, credits, entries }) in &self.0 {
            digest.update(format!("{account}\t{currency}\t{debits}\t{credits}\t{entries}\n"));
        }
        hex::encode(digest.finalize())
    }

    /// Debits and credits of all accounts, by currency.
    fn totals(&self) -> Json {
        let mut totals: BTreeMap<&str, (i128, i128, u64)> = BTreeMap::new();
        for ((_, currency), sum) in &self.0 {
            let (debits, credits, entries) = totals.entry(currency).or_default();
            (*debits, *credits) = (*debits + sum.debits, *credits + sum.credits);
            *entries += sum.entries;
        }
        let total = |(currency, (debits, credits, entries)): (&str, (i128, i128, u64))| {
            let line =
                json!({ "debits": debits.to_string(), "credits": credits.to_string(), "entries": entries });
            (currency.to_owned(), line)
        };
        Json::Object(totals.into_iter().map(total).collect())
    }
}

impl Store {
    /// Closes the UTC day before `now`, once: writes the digest of the trial balance into the audit chain. `None` if it is
    /// closed, or nothing was recorded by then. Call it every few minutes, from one worker.
    ///
    /// # Errors
    /// [`Error`] of the database; the day is not closed.
    pub async fn close_day(&self, actor: Actor<'_>, now: Timestamp) -> Result<Option<domain::Date>, Error> {
        let Day { date, start, .. } = Day::from_timestamp(now)?;
        let day = date.minus_days(1);
        let Some(detail) = self.close_detail(day, start).await? else { return Ok(None) };
        self.record_audit(actor, "ledger.closed", &format!("ledger/{day}"), &detail, now).await?;
        Ok(Some(day))
    }

    /// Everything in one state of the database: the sums are those of all batches up to the head of the audit chain.
    async fn close_detail(&self, day: domain::Date, end: Timestamp) -> Result<Option<Json>, Error> {
        let mut reader = self.shared.database.reader(Operation::Business).await?;
        let mut tx = reader.begin().await?;
        set_timeout(&mut tx).await?;
        if tx.fetch_optional(sql!(RECORDED, end)).await?.is_none() {
            return Ok(None);
        }
        if let Some(row) = tx.fetch_optional(sql!(LAST)).await? {
            let detail: Json = serde_json::from_str(&row.text("detail")?).unwrap_or_default();
            // Days as text are in order.
            if detail["day"].as_str().is_some_and(|last| last >= day.to_string().as_str()) {
                return Ok(None);
            }
        }
        let through = chain::head(&mut tx).await?.ok_or(Error::NoHead)?.sequence;
        let sums = TrialSums::load(&mut tx).await?;
        Ok(Some(json!({
            "day": day.to_string(), "through": through, "totals": sums.totals(), "accounts": sums.0.len(),
            "sha256": sums.digest(), "positions_sha256": positions(&mut tx).await?,
        })))
    }
}

/// SHA-256 of a line of account, symbol, quantity, cost and currency for each position, in order of bytes.
async fn positions(tx: &mut Transaction<'_>) -> Result<String, Error> {
    let mut lines = Vec::new();
    for row in tx.fetch_all(sql!(POSITIONS)).await? {
        let mut line =
            format!("{}\t{}\t{}", row.text("account")?, row.text("symbol")?, row.text("quantity")?);
        if let Some(cost) = row.optional_int("cost")? {
            // Writing into a String cannot fail.
            let _ = write!(line, "\t{cost}\t{}", row.text("currency")?);
        }
        lines.push(line + "\n");
    }
    lines.sort_unstable();
    Ok(hex::encode(Sha256::digest(lines.concat())))
}
