//! How well what was invested did this year: from the closes of past days and from how things stand now.

use std::collections::BTreeMap;

use domain::{Currency, Date, ExternalId, Money};
use ledger::{Close, Marked};
use rust_decimal::Decimal;

use super::{Mark, worth};
use crate::database::{Transaction, values};
use crate::error::Error;

/// The name of everyone together in the tables of closes: no holder has it, for it names no provider.
const ALL: &str = "all";

const CLOSES: &str = "SELECT day, value, net_flow FROM daily_snapshots WHERE holder = $1 AND day < $3 AND day >= \
    COALESCE((SELECT MAX(day) FROM daily_snapshots WHERE holder = $1 AND day < $2), $2) ORDER BY day";

const FLOWS_BEFORE: &str = "SELECT currency, total FROM daily_flows WHERE holder = $1 AND day = \
    (SELECT MAX(day) FROM daily_snapshots WHERE holder = $1 AND day < $2)";

const FLOWS: &str =
    "SELECT currency, CAST(SUM(flow) AS BIGINT) AS total FROM ledger_balances GROUP BY currency";
const FLOWS_OF: &str = "SELECT currency, CAST(SUM(flow) AS BIGINT) AS total FROM ledger_balances \
    WHERE holder = $1 GROUP BY currency";

/// Whose accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose<'a> {
    /// Everyone's together.
    All,
    /// One holder's.
    Holder(&'a ExternalId),
}

impl Whose<'_> {
    pub(super) fn name(self) -> String {
        match self {
            Self::All => ALL.to_owned(),
            Self::Holder(holder) => holder.to_string(),
        }
    }
}

/// The time-weighted return since the last close of the previous year, when everything is worth `value` now.
pub(crate) async fn year_to_date(
    tx: &mut Transaction<'_>,
    whose: Whose<'_>,
    today: Date,
    value: Money,
    marks: &BTreeMap<Marked, Mark>,
) -> Result<Option<Decimal>, Error> {
    let new_year = Date::new(today.ymd().0, 1, 1).map_err(|_| Error::unreadable("day"))?;
    let rows = tx.rows(CLOSES, values![whose.name(), new_year.days(), today.days()]).await?;
    let mut closes = Vec::with_capacity(rows.len() + 1);
    for row in rows {
        let day = i32::try_from(row.int("day")?).map_err(|_| Error::unreadable("day"))?;
        let date = Date::from_days(day).map_err(|_| Error::unreadable("day"))?;
        let usd = |minor| Money::from_minor(minor, Currency::Usd);
        closes.push(Close { date, value: usd(row.int("value")?), net_flow: usd(row.int("net_flow")?) });
    }
    let flows = flows(tx, whose).await?;
    let net_flow = net_flow(tx, whose, today, &flows, marks).await?;
    closes.push(Close { date: today, value, net_flow });
    Ok(ledger::year_to_date(&closes, today))
}

/// What has come in less what has gone out, since the beginning, in each currency.
pub(super) async fn flows(
    tx: &mut Transaction<'_>,
    whose: Whose<'_>,
) -> Result<BTreeMap<Currency, i64>, Error> {
    let rows = match whose {
        Whose::All => tx.rows(FLOWS, values![]).await?,
        Whose::Holder(holder) => tx.rows(FLOWS_OF, values![holder.to_string()]).await?,
    };
    rows.iter().map(|row| Ok((row.parsed("currency")?, row.int("total")?))).collect()
}

/// What came in less what went out since the last snapshot of an earlier day, in dollars. It is the difference of two
/// totals that stand in the books, so that money told of late counts on the day on which the value moved.
pub(super) async fn net_flow(
    tx: &mut Transaction<'_>,
    whose: Whose<'_>,
    today: Date,
    flows: &BTreeMap<Currency, i64>,
    marks: &BTreeMap<Marked, Mark>,
) -> Result<Money, Error> {
    let mut since = flows.clone();
    for row in tx.rows(FLOWS_BEFORE, values![whose.name(), today.days()]).await? {
        *since.entry(row.parsed("currency")?).or_default() -= row.int("total")?;
    }
    let money: Vec<Money> =
        since.into_iter().map(|(currency, minor)| Money::from_minor(minor, currency)).collect();
    Ok(worth(&money, &[], marks)?.value)
}
