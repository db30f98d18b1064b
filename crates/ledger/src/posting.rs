//! A posting: what the ledger should contain for one effect, as legs that sum to zero in every currency.

use std::collections::BTreeMap;

use domain::{Currency, LedgerAccount, Money, TransactionKind};
use jiff::Timestamp;

use crate::error::LedgerError;

/// One side of a posting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// The account it changes.
    pub account: LedgerAccount,
    /// Positive increases the balance of the account.
    pub money: Money,
}

/// What the ledger should contain for one effect, given all facts of a subject. The store writes the difference between this
/// and what the ledger contains. A posting without legs removes the effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    effect: String,
    kind: TransactionKind,
    at: Timestamp,
    legs: Vec<Leg>,
}

impl Posting {
    /// Creates a posting. Legs of the same account and currency are added up, and zero legs are dropped.
    ///
    /// # Errors
    /// [`LedgerError::Unbalanced`] when a currency does not sum to zero; [`LedgerError::Money`] when a sum is out of range.
    pub fn new(
        effect: String,
        kind: TransactionKind,
        at: Timestamp,
        legs: impl IntoIterator<Item = Leg>,
    ) -> Result<Self, LedgerError> {
        let mut sums: BTreeMap<(LedgerAccount, Currency), Money> = BTreeMap::new();
        let mut totals: BTreeMap<Currency, Money> = BTreeMap::new();
        for Leg { account, money } in legs {
            let currency = money.currency();
            add(&mut sums, (account, currency), money)?;
            add(&mut totals, currency, money)?;
        }
        if let Some((&currency, _)) = totals.iter().find(|(_, total)| !total.is_zero()) {
            return Err(LedgerError::Unbalanced { effect, currency });
        }
        let legs = sums.into_iter().filter(|(_, money)| !money.is_zero());
        let legs = legs.map(|((account, _), money)| Leg { account, money }).collect();
        Ok(Self { effect, kind, at, legs })
    }

    /// Moves `money` from the first account of `between` to the second.
    ///
    /// # Errors
    /// [`LedgerError::Money`] for `i64::MIN`, which cannot be negated.
    pub fn movement(
        effect: String,
        kind: TransactionKind,
        at: Timestamp,
        money: Money,
        between: (LedgerAccount, LedgerAccount),
    ) -> Result<Self, LedgerError> {
        let (from, to) = between;
        let debit = Leg { account: from, money: money.negated()? };
        Self::new(effect, kind, at, [debit, Leg { account: to, money }])
    }

    /// Unique key in the ledger, such as `transfer/bridge:abc/deposit`.
    #[must_use]
    pub fn effect(&self) -> &str {
        &self.effect
    }

    /// What the posting is for.
    #[must_use]
    pub const fn kind(&self) -> TransactionKind {
        self.kind
    }

    /// When the money moved, on the provider's clock.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Sorted by account, one for each account and currency, none of zero.
    #[must_use]
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }
}

/// Adds `money` to the sum of `key`.
fn add<K: Ord>(sums: &mut BTreeMap<K, Money>, key: K, money: Money) -> Result<(), LedgerError> {
    let sum = sums.entry(key).or_insert(Money::zero(money.currency()));
    *sum = sum.plus(money)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::System;

    use super::*;

    fn leg(system: System, minor: i64, currency: Currency) -> Leg {
        Leg { account: LedgerAccount::System(system), money: Money::from_minor(minor, currency) }
    }

    fn posting(legs: Vec<Leg>) -> Result<Posting, LedgerError> {
        Posting::new("test/1".to_owned(), TransactionKind::Fee, Timestamp::UNIX_EPOCH, legs)
    }

    #[test]
    fn legs_sum_to_zero_in_each_currency() {
        let one_sided = vec![leg(System::Fees, 1, Currency::Usd), leg(System::Income, -1, Currency::Usdc)];
        assert!(matches!(posting(one_sided), Err(LedgerError::Unbalanced { currency: Currency::Usd, .. })));
        let both = vec![leg(System::Fees, 7, Currency::Usd), leg(System::Income, -7, Currency::Usd)];
        assert_eq!(posting(both).unwrap().legs().len(), 2);
    }

    #[test]
    fn legs_of_one_account_are_merged_and_zero_legs_are_dropped() {
        let legs = vec![leg(System::Fees, 7, Currency::Usd), leg(System::Fees, -7, Currency::Usd)];
        assert_eq!(posting(legs).unwrap().legs(), []);
    }

    #[test]
    fn sums_out_of_range_are_refused() {
        let legs = vec![leg(System::Fees, i64::MAX, Currency::Usd), leg(System::Fees, 1, Currency::Usd)];
        assert!(matches!(posting(legs), Err(LedgerError::Money(_))));
    }
}
