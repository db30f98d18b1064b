//! Whether the books balance.

use domain::Currency;

use crate::database::values;
use crate::error::Error;
use crate::store::Store;

const TOTALS: &str = "SELECT currency, CAST(SUM(minor) AS BIGINT) AS total, COUNT(*) AS entries FROM ledger_entries \
    GROUP BY currency ORDER BY currency";
const DRIFTED: &str = "SELECT COUNT(*) AS number FROM ledger_balances b WHERE balance <> \
    (SELECT COALESCE(SUM(e.minor), 0) FROM ledger_entries e WHERE e.account = b.account AND e.currency = b.currency)";

/// The books, added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialBalance {
    /// Each currency that was ever booked.
    pub currencies: Vec<TrialLine>,
    /// Accounts whose balance is not the sum of their entries: 0 when the books are sound.
    pub drifted_accounts: u64,
}

/// All entries of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialLine {
    /// Which.
    pub currency: Currency,
    /// Their sum in smallest units: 0 when the books are sound.
    pub total_minor: i64,
    /// How many.
    pub entries: u64,
}

impl TrialBalance {
    /// Whether everything sums to nothing and every balance is what its entries say.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.drifted_accounts == 0 && self.currencies.iter().all(|line| line.total_minor == 0)
    }

    /// How far the currencies are from nothing, in smallest units, without their signs: 0 when the books are sound.
    #[must_use]
    pub fn imbalance_minor(&self) -> u64 {
        self.currencies.iter().fold(0, |sum, line| sum.saturating_add(line.total_minor.unsigned_abs()))
    }
}

impl Store {
    /// Adds up the whole journal. Its cost grows with the journal: ask every few minutes, not with each scrape.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn trial_balance(&self) -> Result<TrialBalance, Error> {
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        let mut currencies = Vec::new();
        for row in tx.rows(TOTALS, values![]).await? {
            let (total_minor, entries) = (row.int("total")?, row.int("entries")?.cast_unsigned());
            currencies.push(TrialLine { currency: row.parsed("currency")?, total_minor, entries });
        }
        let row = tx.row(DRIFTED, values![]).await?.ok_or_else(|| Error::unreadable("number"))?;
        Ok(TrialBalance { currencies, drifted_accounts: row.int("number")?.cast_unsigned() })
    }
}
