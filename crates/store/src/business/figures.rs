//! The figures of a dashboard, all from one state of the tables.

use domain::{Money, Quantity, Symbol};
use jiff::{SignedDuration, Timestamp};
use ledger::Day;
use rust_decimal::Decimal;

use super::returns::Whose;
use super::{Worth, load_marks, today, worth, year_to_date};
use crate::database::{Transaction, values};
use crate::error::Error;
use crate::store::Store;

/// A user who did something within this long is active.
pub const ACTIVE_WITHIN: SignedDuration = SignedDuration::from_secs(300);

/// Positions that are read at once.
const POSITIONS_PAGE: i64 = 5_000;

const POSITIONS: &str = "SELECT account, symbol, quantity FROM positions WHERE (account, symbol) > ($1, $2) \
    AND quantity <> '0' ORDER BY account, symbol LIMIT $3";
const BALANCES: &str =
    "SELECT currency, CAST(SUM(balance) AS BIGINT) AS minor FROM ledger_balances GROUP BY currency";
const ACTIVE: &str = "SELECT COUNT(DISTINCT user_id) AS number FROM provider_accounts \
    WHERE last_seen_at > $1 AND last_seen_at <= $2";
const REGISTERED: &str =
    "SELECT COUNT(DISTINCT user_id) AS number FROM provider_accounts WHERE registered_at IS NOT NULL";

/// What the business looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// When they were read.
    pub at: Timestamp,
    /// What all holders have: their accounts, what they owe counted against it, and their shares at the last marks.
    pub assets: Worth,
    /// Deposits that settled since midnight UTC.
    pub deposits_today: Worth,
    /// How many.
    pub deposits_today_number: u64,
    /// Deposits that went back since midnight UTC, whenever they settled.
    pub returns_today: Worth,
    /// What buys filled since midnight UTC came to.
    pub investments_today: Worth,
    /// Users who did something within [`ACTIVE_WITHIN`].
    pub active_users: u64,
    /// Users whose account was ever told of by its provider.
    pub registrations: u64,
    /// The time-weighted return of everything since the last close of the previous year: 0.05 is 5 %.
    pub year_to_date: Option<Decimal>,
}

impl Store {
    /// The figures as they are at `now`. It reads every position: have one worker ask, now and then.
    ///
    /// # Errors
    /// [`Error`] of the database; [`Error::Ledger`] when a sum does not fit.
    pub async fn figures(&self, now: Timestamp) -> Result<Figures, Error> {
        let mut reader = self.shared.database.reader().await?;
        figures(&mut reader.begin().await?, now).await
    }
}

pub(super) async fn figures(tx: &mut Transaction<'_>, now: Timestamp) -> Result<Figures, Error> {
    let day = Day::of(now).map_err(|_| Error::unreadable("day"))?;
    let marks = load_marks(tx).await?;
    let money = balances(tx).await?;
    let shares = positions(tx).await?;
    let assets = worth(&money, &shares, &marks)?;
    let (deposits, returns) = (today::deposits(tx, &day).await?, today::returns(tx, &day).await?);
    let investments = today::investments(tx, &day).await?;
    Ok(Figures {
        at: now,
        assets,
        deposits_today: worth(&deposits.money(), &[], &marks)?,
        deposits_today_number: deposits.number,
        returns_today: worth(&returns.money(), &[], &marks)?,
        investments_today: worth(&investments.money(), &[], &marks)?,
        active_users: active(tx, now).await?,
        registrations: number(tx, REGISTERED).await?,
        year_to_date: year_to_date(tx, Whose::All, day.date, assets.value, &marks).await?,
    })
}

async fn balances(tx: &mut Transaction<'_>) -> Result<Vec<Money>, Error> {
    let rows = tx.rows(BALANCES, values![]).await?;
    rows.iter().map(|row| Ok(Money::from_minor(row.int("minor")?, row.parsed("currency")?))).collect()
}

async fn positions(tx: &mut Transaction<'_>) -> Result<Vec<(Symbol, Quantity)>, Error> {
    let mut positions = Vec::new();
    let mut last = (String::new(), String::new());
    loop {
        let rows = tx.rows(POSITIONS, values![&last.0, &last.1, POSITIONS_PAGE]).await?;
        for row in &rows {
            positions.push((row.parsed("symbol")?, row.parsed("quantity")?));
        }
        match rows.last().filter(|_| rows.len() as i64 == POSITIONS_PAGE) {
            Some(row) => last = (row.text("account")?, row.text("symbol")?),
            None => return Ok(positions),
        }
    }
}

async fn active(tx: &mut Transaction<'_>, now: Timestamp) -> Result<u64, Error> {
    let since = now.checked_sub(ACTIVE_WITHIN).unwrap_or(Timestamp::MIN);
    let row = tx.row(ACTIVE, values![since, now]).await?;
    Ok(row.ok_or_else(|| Error::unreadable("number"))?.int("number")?.cast_unsigned())
}

async fn number(tx: &mut Transaction<'_>, sql: &'static str) -> Result<u64, Error> {
    let row = tx.row(sql, values![]).await?.ok_or_else(|| Error::unreadable("number"))?;
    Ok(row.int("number")?.cast_unsigned())
}
