//! What the books should say about one effect: legs that sum to zero in every currency.

use std::collections::BTreeMap;
use std::str::FromStr;

use domain::{Currency, Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::LedgerAccount;
use crate::fault::Fault;

/// One side of a posting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// Where.
    pub account: LedgerAccount,
    /// How much: positive raises what lies there.
    pub money: Money,
}

/// What a movement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// Money from outside.
    Deposit,
    /// Money to outside.
    Withdrawal,
    /// Shares bought or sold, and money set aside for that.
    Investment,
    /// One currency for another.
    Conversion,
    /// Between buckets of one holder.
    InternalTransfer,
    /// Into our own buffers.
    BufferReplenishment,
    /// A transfer that went back.
    Reversal,
    /// Spent with a card.
    CardPayment,
    /// Paid by a company.
    Dividend,
    /// Paid for cash.
    Interest,
    /// Taken for a service.
    Fee,
    /// Withheld for a state.
    Tax,
    /// Between accounts at the broker.
    Journal,
    /// What a holder owes, so that no balance is below zero.
    Shortfall,
}

/// What the books should say about one effect, from the whole set of facts. The store writes the difference to what
/// they say. No legs: the effect has none, or none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    effect: String,
    kind: TransactionKind,
    at: Timestamp,
    legs: Vec<Leg>,
}

impl TransactionKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Deposit,
        Self::Withdrawal,
        Self::Investment,
        Self::Conversion,
        Self::InternalTransfer,
        Self::BufferReplenishment,
        Self::Reversal,
        Self::CardPayment,
        Self::Dividend,
        Self::Interest,
        Self::Fee,
        Self::Tax,
        Self::Journal,
        Self::Shortfall,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::Investment => "investment",
            Self::Conversion => "conversion",
            Self::InternalTransfer => "internal_transfer",
            Self::BufferReplenishment => "buffer_replenishment",
            Self::Reversal => "reversal",
            Self::CardPayment => "card_payment",
            Self::Dividend => "dividend",
            Self::Interest => "interest",
            Self::Fee => "fee",
            Self::Tax => "tax",
            Self::Journal => "journal",
            Self::Shortfall => "shortfall",
        }
    }

    /// Whether it brings money in from outside or takes it out, and so is no performance of what was invested.
    #[must_use]
    pub const fn is_flow(self) -> bool {
        matches!(self, Self::Deposit | Self::Withdrawal | Self::Reversal | Self::Journal | Self::CardPayment)
    }
}

/// The text names no kind of movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kind of movement is a word such as deposit or investment")]
pub struct TransactionKindError;

impl FromStr for TransactionKind {
    type Err = TransactionKindError;

    fn from_str(text: &str) -> Result<Self, TransactionKindError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or(TransactionKindError)
    }
}

impl Posting {
    /// A posting: legs of one account and currency are added up, those of nothing dropped.
    ///
    /// # Errors
    /// [`Fault::Unbalanced`] when a currency does not sum to zero; [`Fault::Money`] when a sum is out of range.
    pub fn new(
        effect: String,
        kind: TransactionKind,
        at: Timestamp,
        legs: impl IntoIterator<Item = Leg>,
    ) -> Result<Self, Fault> {
        let mut sums: BTreeMap<(LedgerAccount, Currency), Money> = BTreeMap::new();
        let mut totals: BTreeMap<Currency, Money> = BTreeMap::new();
        for Leg { account, money } in legs {
            let currency = money.currency();
            add(&mut sums, (account, currency), money)?;
            add(&mut totals, currency, money)?;
        }
        if let Some((&currency, _)) = totals.iter().find(|(_, total)| !total.is_zero()) {
            return Err(Fault::Unbalanced { effect, currency });
        }
        let legs = sums.into_iter().filter(|(_, money)| !money.is_zero());
        let legs = legs.map(|((account, _), money)| Leg { account, money }).collect();
        Ok(Self { effect, kind, at, legs })
    }

    /// A movement of `money` from one account to another.
    ///
    /// # Errors
    /// [`Fault::Money`] for the one amount that has no opposite.
    pub fn movement(
        effect: String,
        kind: TransactionKind,
        at: Timestamp,
        money: Money,
        between: (LedgerAccount, LedgerAccount),
    ) -> Result<Self, Fault> {
        let (from, to) = between;
        let given = Leg { account: from, money: money.negated()? };
        Self::new(effect, kind, at, [given, Leg { account: to, money }])
    }

    /// What it is the effect of, such as `transfer/bridge:abc/deposit`: unique in the books.
    #[must_use]
    pub fn effect(&self) -> &str {
        &self.effect
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> TransactionKind {
        self.kind
    }

    /// When it became so.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Its legs, by account: each account and currency once, none of nothing.
    #[must_use]
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }
}

/// Adds `money` to what lies under `key`.
pub(crate) fn add<K: Ord>(sums: &mut BTreeMap<K, Money>, key: K, money: Money) -> Result<(), Fault> {
    let sum = sums.entry(key).or_insert(Money::zero(money.currency()));
    *sum = sum.plus(money)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::System;

    fn leg(system: System, minor: i64, currency: Currency) -> Leg {
        Leg { account: LedgerAccount::System(system), money: Money::from_minor(minor, currency) }
    }

    fn posting(legs: Vec<Leg>) -> Result<Posting, Fault> {
        Posting::new("test/1".to_owned(), TransactionKind::Fee, Timestamp::UNIX_EPOCH, legs)
    }

    #[test]
    fn legs_sum_to_zero_in_each_currency() {
        let one_sided = vec![leg(System::Fees, 1, Currency::Usd), leg(System::Income, -1, Currency::Usdc)];
        assert!(matches!(posting(one_sided), Err(Fault::Unbalanced { currency: Currency::Usd, .. })));
        let both = vec![leg(System::Fees, 7, Currency::Usd), leg(System::Income, -7, Currency::Usd)];
        assert_eq!(posting(both).unwrap().legs().len(), 2);
    }

    #[test]
    fn legs_of_one_account_are_one_and_nothing_is_no_leg() {
        let legs = vec![leg(System::Fees, 7, Currency::Usd), leg(System::Fees, -7, Currency::Usd)];
        assert_eq!(posting(legs).unwrap().legs(), []);
    }

    #[test]
    fn sums_that_do_not_fit_are_refused() {
        let legs = vec![leg(System::Fees, i64::MAX, Currency::Usd), leg(System::Fees, 1, Currency::Usd)];
        assert!(matches!(posting(legs), Err(Fault::Money(_))));
    }
}
