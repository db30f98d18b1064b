//! What a transaction of the ledger is for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a posting is for.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TransactionKind {
    /// Money from outside.
    Deposit,
    /// Money to outside.
    Withdrawal,
    /// Shares bought or sold, and money set aside for orders.
    Investment,
    /// One currency for another.
    Conversion,
    /// Between buckets of one holder.
    InternalTransfer,
    /// Into our own buffers.
    BufferReplenishment,
    /// A returned transfer.
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
    /// Money that a holder owes, so that no balance is negative.
    Shortfall,
}

impl TransactionKind {
    /// Whether it moves money in from or out to the outside, and is therefore not investment performance.
    #[must_use]
    pub const fn is_flow(self) -> bool {
        matches!(self, Self::Deposit | Self::Withdrawal | Self::Reversal | Self::Journal | Self::CardPayment)
    }
}
