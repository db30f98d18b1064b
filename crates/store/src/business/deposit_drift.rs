//! Compares credited deposits with the deposits that providers report as settled.

use std::collections::BTreeMap;

use domain::{Currency, Provider};

use crate::database::{Operation, Transaction, sql};
use crate::error::Error;
use crate::store::Store;
use crate::sums::sum_sql;

/// Deposits that the journal credited.
const CREDITED: &str = concat!(
    "SELECT e.currency, ",
    sum_sql!("e.minor", "minor"),
    " FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id \
    WHERE e.account = $1 AND t.kind = 'deposit' GROUP BY e.currency"
);

/// Settled deposits by posting mode: transfers, and cash entries of the broker.
const TRANSFERS: &str = concat!(
    "SELECT currency, ",
    sum_sql!("amount", "minor"),
    " FROM transfers \
    WHERE id LIKE $1 AND posting_mode = $2 AND direction = 'inbound' AND status IN ('settled', 'returned') \
    AND settled_at IS NOT NULL AND amount IS NOT NULL AND account IS NOT NULL GROUP BY currency"
);
const CASH_ENTRIES: &str = concat!(
    "SELECT currency, ",
    sum_sql!("amount", "minor"),
    " FROM cash_entries \
    WHERE id LIKE $1 AND posting_mode = $2 AND kind = 'deposit' AND status = 'executed' AND superseded_by IS NULL \
    GROUP BY currency"
);

/// All deposits of one provider in one currency, from three sources, in smallest units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepositDrift {
    /// The provider.
    pub provider: Provider,
    /// The currency of the amounts.
    pub currency: Currency,
    /// Deposits that the journal credited.
    pub credited_minor: i128,
    /// Deposits that settled according to posted facts.
    pub settled_minor: i128,
    /// Deposits that settled according to facts that are not posted, which may have no amounts.
    pub memo_minor: i128,
}

impl DepositDrift {
    /// Credited less settled deposits, in smallest units: a value other than 0 is a fault.
    #[must_use]
    pub const fn drift_minor(&self) -> i128 {
        self.credited_minor - self.settled_minor
    }
}

impl Store {
    /// All deposits, as credited and as reported by providers.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn deposit_drift(&self) -> Result<Vec<DepositDrift>, Error> {
        let mut reader = self.shared.database.reader(Operation::Business).await?;
        let mut tx = reader.begin().await?;
        let mut drifts = Vec::new();
        for provider in Provider::ALL {
            drifts.extend(provider_drifts(&mut tx, provider).await?);
        }
        Ok(drifts)
    }
}

async fn provider_drifts(tx: &mut Transaction<'_>, provider: Provider) -> Result<Vec<DepositDrift>, Error> {
    let mut drifts: BTreeMap<Currency, DepositDrift> = BTreeMap::new();
    let account = format!("system/clearing/{provider}");
    for row in tx.fetch_all(sql!(CREDITED, account)).await? {
        drift(&mut drifts, provider, row.parsed("currency")?).credited_minor -= row.sum("minor")?;
    }
    let ids = format!("{provider}:%");
    for select in [TRANSFERS, CASH_ENTRIES] {
        for row in tx.fetch_all(sql!(select, &ids, "post")).await? {
            drift(&mut drifts, provider, row.parsed("currency")?).settled_minor += row.sum("minor")?;
        }
        for row in tx.fetch_all(sql!(select, &ids, "memo")).await? {
            drift(&mut drifts, provider, row.parsed("currency")?).memo_minor += row.sum("minor")?;
        }
    }
    Ok(drifts.into_values().collect())
}

fn drift(
    drifts: &mut BTreeMap<Currency, DepositDrift>,
    provider: Provider,
    currency: Currency,
) -> &mut DepositDrift {
    let none = DepositDrift { provider, currency, credited_minor: 0, settled_minor: 0, memo_minor: 0 };
    drifts.entry(currency).or_insert(none)
}
