//! The changes that entries make to accounts of holders.

use std::collections::BTreeMap;

use domain::{Currency, ExternalId, MoneyError};
use ledger::{Bucket, LedgerAccount, LedgerError, TransactionKind};

use crate::error::Error;

/// System accounts have no balance row, because every transaction would wait for it.
#[derive(Debug, Default)]
pub(super) struct Deltas(pub(super) BTreeMap<(ExternalId, Bucket, Currency), Delta>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delta {
    pub(super) balance: i128,
    pub(super) cover: i128,
    pub(super) flow: i128,
}

impl Deltas {
    /// Adds an entry of a transaction of this kind.
    pub(super) fn add(
        &mut self,
        account: &LedgerAccount,
        currency: Currency,
        minor: i64,
        kind: TransactionKind,
    ) {
        let LedgerAccount::User(holder, bucket) = account else { return };
        let delta = self.0.entry((holder.clone(), *bucket, currency)).or_default();
        delta.balance += i128::from(minor);
        if kind.is_flow() {
            delta.flow += i128::from(minor);
        }
    }

    /// The same deltas, all covered by the receivable.
    pub(super) fn with_cover(mut self) -> Self {
        for ((_, bucket, _), delta) in &mut self.0 {
            delta.cover = if *bucket == Bucket::Receivable { 0 } else { delta.balance };
        }
        self
    }
}

pub(super) fn out_of_range() -> Error {
    Error::Ledger(LedgerError::Money(MoneyError::OutOfRange))
}
