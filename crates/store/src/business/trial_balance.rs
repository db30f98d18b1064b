//! Checks that the ledger balances.

use domain::Currency;

use crate::database::{Operation, sql};
use crate::error::Error;
use crate::store::Store;
use crate::sums::sum_sql;

const TOTALS: &str = concat!(
    "SELECT currency, ",
    sum_sql!("minor", "total"),
    ", COUNT(*) AS entries FROM ledger_entries GROUP BY currency ORDER BY currency"
);
/// Balances that may differ from their entries: all that differ, and those too large for the database to compare.
const DRIFTED: &str = "SELECT balance_high, balance, CAST(high AS BIGINT) AS entries_sum_high, \
    CAST(low AS BIGINT) AS entries_sum_low FROM (SELECT b.account, b.currency, b.balance_high, b.balance, \
    COALESCE(SUM(e.minor >> 32), 0) AS high, COALESCE(SUM(e.minor & 4294967295), 0) AS low \
    FROM ledger_balances b LEFT JOIN ledger_entries e ON e.account = b.account AND e.currency = b.currency \
    GROUP BY b.account, b.currency, b.balance_high, b.balance) AS sums \
    WHERE balance_high <> 0 OR high NOT BETWEEN -1073741824 AND 1073741823 OR balance <> high * 4294967296 + low";

/// The sums of the whole ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialBalance {
    /// Each currency that has entries.
    pub totals: Vec<CurrencyTotal>,
    /// Number of accounts whose balance is not the sum of their entries: a value other than 0 is a fault.
    pub drifted_accounts: u64,
}

/// The sum of all entries in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyTotal {
    /// The currency of the entries.
    pub currency: Currency,
    /// Sum of the entries in smallest units: a value other than 0 is a fault.
    pub total_minor: i128,
    /// Number of entries.
    pub entries: u64,
}

impl TrialBalance {
    /// Whether every currency sums to zero and every balance is the sum of its entries.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.drifted_accounts == 0 && self.imbalance_minor() == 0
    }

    /// Absolute values of the sums of all currencies, added, in smallest units.
    #[must_use]
    pub fn imbalance_minor(&self) -> u128 {
        self.totals.iter().fold(0, |sum, total| sum.saturating_add(total.total_minor.unsigned_abs()))
    }
}

impl Store {
    /// Sums the whole journal. The cost grows with the journal: call it every few minutes, not with each scrape.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn trial_balance(&self) -> Result<TrialBalance, Error> {
        let mut reader = self.shared.database.reader(Operation::Business).await?;
        let mut tx = reader.begin().await?;
        let mut totals = Vec::new();
        for row in tx.fetch_all(sql!(TOTALS)).await? {
            let (total_minor, entries) = (row.sum("total")?, row.number("entries")?);
            totals.push(CurrencyTotal { currency: row.parsed("currency")?, total_minor, entries });
        }
        let mut drifted_accounts = 0;
        for row in tx.fetch_all(sql!(DRIFTED)).await? {
            drifted_accounts += u64::from(row.wide("balance")? != row.sum("entries")?);
        }
        Ok(TrialBalance { totals, drifted_accounts })
    }
}
