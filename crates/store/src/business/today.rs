//! Deposits and investments of one day in UTC.

use std::collections::BTreeMap;

use domain::{Currency, Total};
use ledger::Day;

use crate::database::{Transaction, sql};
use crate::error::Error;
use crate::sums::sum_sql;

/// A deposit is an inbound transfer that settled, or its cash entry at the broker, even if it is returned later.
const DEPOSITS: &str = concat!(
    "SELECT currency, ",
    sum_sql!("amount", "minor"),
    ", COUNT(*) AS count FROM transfers \
    WHERE settled_at >= $1 AND settled_at < $2 AND posting_mode = 'post' AND direction = 'inbound' \
    AND status IN ('settled', 'returned') AND account IS NOT NULL AND amount IS NOT NULL GROUP BY currency"
);
const DEPOSIT_ENTRIES: &str = concat!(
    "SELECT currency, ",
    sum_sql!("amount", "minor"),
    ", COUNT(*) AS count \
    FROM cash_entries WHERE at >= $1 AND at < $2 AND kind = 'deposit' AND status = 'executed' \
    AND posting_mode = 'post' AND superseded_by IS NULL AND amount > 0 GROUP BY currency"
);

const RETURNS: &str = concat!(
    "SELECT currency, ",
    sum_sql!("amount", "minor"),
    ", COUNT(*) AS count FROM transfers \
    WHERE returned_at >= $1 AND returned_at < $2 AND posting_mode = 'post' AND direction = 'inbound' \
    AND settled_at IS NOT NULL AND account IS NOT NULL AND amount IS NOT NULL GROUP BY currency"
);

const INVESTMENTS: &str = concat!(
    "SELECT currency, ",
    sum_sql!("notional", "minor"),
    ", COUNT(*) AS count FROM fills \
    WHERE at >= $1 AND at < $2 AND side = 'buy' AND status = 'counted' GROUP BY currency"
);

/// Sums of one kind, and their number.
#[derive(Debug, Default)]
pub(super) struct Sums {
    by_currency: BTreeMap<Currency, i128>,
    pub(super) number: u64,
}

impl Sums {
    pub(super) fn money(&self) -> Vec<Total> {
        self.by_currency.iter().map(|(currency, minor)| Total::from_minor(*minor, *currency)).collect()
    }
}

pub(super) async fn deposits(tx: &mut Transaction<'_>, day: &Day) -> Result<Sums, Error> {
    sums(tx, &[DEPOSITS, DEPOSIT_ENTRIES], day).await
}

/// Deposits that were returned on the day.
pub(super) async fn returns(tx: &mut Transaction<'_>, day: &Day) -> Result<Sums, Error> {
    sums(tx, &[RETURNS], day).await
}

/// Buys that were filled on the day.
pub(super) async fn investments(tx: &mut Transaction<'_>, day: &Day) -> Result<Sums, Error> {
    sums(tx, &[INVESTMENTS], day).await
}

async fn sums(tx: &mut Transaction<'_>, selects: &[&'static str], day: &Day) -> Result<Sums, Error> {
    let mut sums = Sums::default();
    for select in selects {
        for row in tx.fetch_all(sql!(*select, day.start, day.end)).await? {
            *sums.by_currency.entry(row.parsed("currency")?).or_default() += row.sum("minor")?;
            sums.number += row.number::<u64>("count")?;
        }
    }
    Ok(sums)
}
