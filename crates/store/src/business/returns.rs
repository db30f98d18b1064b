//! The return of this year, from the closes of past days and the present value.

use std::collections::BTreeMap;

use domain::{Currency, Date, ExternalId, Money, Total};
use ledger::{Close, PricedAsset};
use rust_decimal::Decimal;

use super::AssetPrice;
use super::market_value::market_value;
use crate::database::{Row, Transaction, sql};
use crate::error::Error;
use crate::sums::wide_sum_sql;

/// The name of all holders together in the tables of closes. No holder has this name, because it has no provider.
const ALL: &str = "all";

const CLOSES: &str = "SELECT day, value, net_flow FROM daily_snapshots WHERE holder = $1 AND day < $3 AND day >= \
    COALESCE((SELECT MAX(day) FROM daily_snapshots WHERE holder = $1 AND day < $2), $2) ORDER BY day";

const FLOWS_BEFORE: &str = "SELECT currency, total_high, total FROM daily_flows WHERE holder = $1 AND day = \
    (SELECT MAX(day) FROM daily_snapshots WHERE holder = $1 AND day < $2)";

macro_rules! flows_sql {
    ($condition:literal) => {
        concat!(
            "SELECT currency, ",
            wide_sum_sql!("flow"),
            " FROM ledger_balances",
            $condition,
            " GROUP BY currency"
        )
    };
}
const FLOWS: &str = flows_sql!("");
const FLOWS_OF: &str = flows_sql!(" WHERE holder = $1");

/// The accounts that a figure covers.
#[derive(Clone, Copy, Debug)]
pub(super) enum HolderScope<'a> {
    All,
    Holder(&'a ExternalId),
}

impl HolderScope<'_> {
    pub(super) fn name(self) -> String {
        match self {
            Self::All => ALL.to_owned(),
            Self::Holder(holder) => holder.to_string(),
        }
    }
}

/// The time-weighted return since the last close of the previous year, if everything is worth `value` now.
pub(super) async fn year_to_date(
    tx: &mut Transaction<'_>,
    scope: HolderScope<'_>,
    today: Date,
    value: Money,
    prices: &BTreeMap<PricedAsset, AssetPrice>,
) -> Result<Option<Decimal>, Error> {
    let new_year = Date::new(today.ymd().0, 1, 1)?;
    let rows = tx.fetch_all(sql!(CLOSES, scope.name(), new_year.days(), today.days())).await?;
    let mut closes = Vec::with_capacity(rows.len() + 1);
    for row in rows {
        let date = Date::from_days(row.number("day")?).map_err(|_| Error::decode("day"))?;
        let usd = |minor| Money::from_minor(minor, Currency::Usd);
        closes.push(Close { date, value: usd(row.int("value")?), net_flow: usd(row.int("net_flow")?) });
    }
    let flows = flows(tx, scope).await?;
    let net_flow = net_flow(tx, scope, today, &flows, prices).await?;
    closes.push(Close { date: today, value, net_flow });
    Ok(ledger::year_to_date(&closes, today))
}

/// The external flow (deposits less withdrawals) since the beginning, in each currency.
pub(super) async fn flows(
    tx: &mut Transaction<'_>,
    scope: HolderScope<'_>,
) -> Result<BTreeMap<Currency, i128>, Error> {
    let statement = match scope {
        HolderScope::All => sql!(FLOWS),
        HolderScope::Holder(holder) => sql!(FLOWS_OF, holder.to_string()),
    };
    let rows = tx.fetch_all(statement).await?;
    let flow = |row: &Row| Ok((row.parsed("currency")?, row.wide_sum("flow")?));
    rows.iter().map(flow).collect()
}

/// The external flow since the last snapshot of an earlier day, in dollars: the difference of two totals of the ledger, so
/// that money that is reported late counts on the day of the report.
pub(super) async fn net_flow(
    tx: &mut Transaction<'_>,
    scope: HolderScope<'_>,
    today: Date,
    flows: &BTreeMap<Currency, i128>,
    prices: &BTreeMap<PricedAsset, AssetPrice>,
) -> Result<Money, Error> {
    let mut since = flows.clone();
    for row in tx.fetch_all(sql!(FLOWS_BEFORE, scope.name(), today.days())).await? {
        *since.entry(row.parsed("currency")?).or_default() -= row.wide("total")?;
    }
    let money: Vec<Total> =
        since.into_iter().map(|(currency, minor)| Total::from_minor(minor, currency)).collect();
    Ok(market_value(&money, &[], prices)?.value)
}
