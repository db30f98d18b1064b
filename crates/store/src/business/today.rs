//! What happened on a day in UTC.

use std::collections::BTreeMap;

use domain::{Currency, Money};
use ledger::{Day, Fault};

use crate::database::{Transaction, values};
use crate::error::Error;

/// A deposit is an inbound transfer that settled, or the broker's entry in its place; it was one even when it went back
/// later.
const DEPOSITS: &str = "SELECT currency, CAST(SUM(amount) AS BIGINT) AS minor, COUNT(*) AS number FROM transfers \
    WHERE settled_at >= $1 AND settled_at < $2 AND booking = 'books' AND direction = 'inbound' \
    AND status IN ('settled', 'returned') AND account IS NOT NULL AND amount IS NOT NULL GROUP BY currency";
const DEPOSIT_ENTRIES: &str = "SELECT currency, CAST(SUM(amount) AS BIGINT) AS minor, COUNT(*) AS number \
    FROM cash_entries WHERE at >= $1 AND at < $2 AND kind = 'deposit' AND standing = 'executed' \
    AND booking = 'books' AND superseded_by IS NULL AND amount > 0 GROUP BY currency";

const RETURNS: &str = "SELECT currency, CAST(SUM(amount) AS BIGINT) AS minor, COUNT(*) AS number FROM transfers \
    WHERE returned_at >= $1 AND returned_at < $2 AND booking = 'books' AND direction = 'inbound' \
    AND settled_at IS NOT NULL AND account IS NOT NULL AND amount IS NOT NULL GROUP BY currency";

const INVESTMENTS: &str = "SELECT currency, CAST(SUM(notional) AS BIGINT) AS minor, COUNT(*) AS number FROM fills \
    WHERE at >= $1 AND at < $2 AND side = 'buy' AND standing = 'counted' GROUP BY currency";

/// Sums of one kind of event, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Sums {
    by_currency: BTreeMap<Currency, Money>,
    pub(super) number: u64,
}

impl Sums {
    pub(super) fn money(&self) -> Vec<Money> {
        self.by_currency.values().copied().collect()
    }
}

/// Deposits that settled on the day.
pub(super) async fn deposits(tx: &mut Transaction<'_>, day: &Day) -> Result<Sums, Error> {
    let mut sums = Sums::default();
    for sql in [DEPOSITS, DEPOSIT_ENTRIES] {
        add(tx, sql, day, &mut sums).await?;
    }
    Ok(sums)
}

/// Deposits that went back on the day.
pub(super) async fn returns(tx: &mut Transaction<'_>, day: &Day) -> Result<Sums, Error> {
    let mut sums = Sums::default();
    add(tx, RETURNS, day, &mut sums).await?;
    Ok(sums)
}

/// What buys that were filled on the day came to.
pub(super) async fn investments(tx: &mut Transaction<'_>, day: &Day) -> Result<Sums, Error> {
    let mut sums = Sums::default();
    add(tx, INVESTMENTS, day, &mut sums).await?;
    Ok(sums)
}

async fn add(tx: &mut Transaction<'_>, sql: &'static str, day: &Day, sums: &mut Sums) -> Result<(), Error> {
    for row in tx.rows(sql, values![day.start, day.end]).await? {
        let currency: Currency = row.parsed("currency")?;
        let sum = sums.by_currency.entry(currency).or_insert(Money::zero(currency));
        *sum = sum.plus(Money::from_minor(row.int("minor")?, currency)).map_err(Fault::from)?;
        sums.number += row.int("number")?.cast_unsigned();
    }
    Ok(())
}
