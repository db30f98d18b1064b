//! Checks that the ledger balances.

use domain::Currency;

use crate::database::sql;
use crate::error::Error;
use crate::store::Store;

const TOTALS: &str = "SELECT currency, CAST(SUM(minor) AS BIGINT) AS total, COUNT(*) AS entries FROM ledger_entries \
    GROUP BY currency ORDER BY currency";
const DRIFTED: &str = "SELECT COUNT(*) AS count FROM ledger_balances b WHERE balance <> \
    (SELECT COALESCE(SUM(e.minor), 0) FROM ledger_entries e WHERE e.account = b.account AND e.currency = b.currency)";

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
    pub total_minor: i64,
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
    pub fn imbalance_minor(&self) -> u64 {
        self.totals.iter().fold(0, |sum, total| sum.saturating_add(total.total_minor.unsigned_abs()))
    }
}

impl Store {
    /// Sums the whole journal. The cost grows with the journal: call it every few minutes, not with each scrape.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn trial_balance(&self) -> Result<TrialBalance, Error> {
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        let mut totals = Vec::new();
        for row in tx.fetch_all(sql!(TOTALS)).await? {
            let (total_minor, entries) = (row.int("total")?, row.number("entries")?);
            totals.push(CurrencyTotal { currency: row.parsed("currency")?, total_minor, entries });
        }
        Ok(TrialBalance { totals, drifted_accounts: tx.count(sql!(DRIFTED)).await? })
    }
}
