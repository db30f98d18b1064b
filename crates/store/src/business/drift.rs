//! Whether what was credited is what providers say has settled.

use std::collections::BTreeMap;

use domain::{Currency, Provider};

use crate::database::{Transaction, values};
use crate::error::Error;
use crate::store::Store;

/// What the journal credited as deposits.
const CREDITED: &str = "SELECT e.currency, CAST(-SUM(e.minor) AS BIGINT) AS minor FROM ledger_entries e \
    JOIN ledger_transactions t ON t.id = e.transaction_id \
    WHERE e.account = $1 AND t.kind = 'deposit' GROUP BY e.currency";

/// What settled, by what books it: transfers, and entries of the broker's book.
const SETTLED: &str = "SELECT currency, CAST(SUM(amount) AS BIGINT) AS minor FROM transfers \
    WHERE id LIKE $1 AND booking = $2 AND direction = 'inbound' AND status IN ('settled', 'returned') \
    AND settled_at IS NOT NULL AND amount IS NOT NULL AND account IS NOT NULL GROUP BY currency";
const ENTERED: &str = "SELECT currency, CAST(SUM(amount) AS BIGINT) AS minor FROM cash_entries \
    WHERE id LIKE $1 AND booking = $2 AND kind = 'deposit' AND standing = 'executed' AND superseded_by IS NULL \
    GROUP BY currency";

/// Deposits of one provider in one currency, told in three ways, in smallest units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepositDrift {
    /// Whose.
    pub provider: Provider,
    /// In what.
    pub currency: Currency,
    /// What the journal credited.
    pub credited_minor: i64,
    /// What the provider said has settled, by what the books move with.
    pub settled_minor: i64,
    /// What the provider said has settled, by what is kept to compare; the provider may tell no amounts there.
    pub memo_minor: i64,
}

impl DepositDrift {
    /// How much more was credited than settled, in smallest units: 0 when the books are sound.
    #[must_use]
    pub const fn drift_minor(&self) -> i64 {
        self.credited_minor.saturating_sub(self.settled_minor)
    }
}

impl Store {
    /// Deposits as they were credited and as providers told of them, since the beginning.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn deposit_drift(&self) -> Result<Vec<DepositDrift>, Error> {
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        let mut drifts = Vec::new();
        for provider in Provider::ALL {
            drifts.extend(of(&mut tx, provider).await?);
        }
        Ok(drifts)
    }
}

async fn of(tx: &mut Transaction<'_>, provider: Provider) -> Result<Vec<DepositDrift>, Error> {
    let mut drifts: BTreeMap<Currency, DepositDrift> = BTreeMap::new();
    let account = format!("system/clearing/{provider}");
    for row in tx.rows(CREDITED, values![account]).await? {
        at(&mut drifts, provider, row.parsed("currency")?).credited_minor += row.int("minor")?;
    }
    let ids = format!("{provider}:%");
    for sql in [SETTLED, ENTERED] {
        for row in tx.rows(sql, values![&ids, "books"]).await? {
            at(&mut drifts, provider, row.parsed("currency")?).settled_minor += row.int("minor")?;
        }
        for row in tx.rows(sql, values![&ids, "memo"]).await? {
            at(&mut drifts, provider, row.parsed("currency")?).memo_minor += row.int("minor")?;
        }
    }
    Ok(drifts.into_values().collect())
}

fn at(
    drifts: &mut BTreeMap<Currency, DepositDrift>,
    provider: Provider,
    currency: Currency,
) -> &mut DepositDrift {
    let none = DepositDrift { provider, currency, credited_minor: 0, settled_minor: 0, memo_minor: 0 };
    drifts.entry(currency).or_insert(none)
}
