//! Facts: what providers report about money and shares, in a form common to all providers, and what people post by hand.
//!
//! A fact says *what happened* and when, never what to do about it. Facts form a set: a repeated fact is one fact, their order
//! of arrival does not matter, and contradicting facts are all kept. Their effect on the ledger is computed from all facts of
//! one [`Subject`], and therefore does not depend on how they arrived.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::external_id::ExternalId;
use crate::journal::Journal;
use crate::money::Money;
use crate::quantity::Quantity;
use crate::symbol::Symbol;
use crate::transaction_hash::TransactionHash;

/// What a fact is about. Facts of one subject are folded together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A customer's account at a provider.
    Account(ExternalId),
    /// Money that enters or leaves.
    Transfer(ExternalId),
    /// The shares of one symbol in one account, and the orders that changed them.
    Holding {
        /// The customer's account.
        account: ExternalId,
        /// The ticker of the shares.
        symbol: Symbol,
    },
    /// An entry in a broker's book that is not a trade: a dividend, interest, a fee.
    CashEntry(ExternalId),
    /// A journal that a person posted, by its number.
    Journal(i64),
}

/// One reported fact. Facts sort by subject, then by time, then by content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about.
    pub subject: Subject,
    /// When it happened, on the provider's clock.
    pub at: Timestamp,
    /// What happened.
    pub kind: FactKind,
}

/// What happened to a subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum FactKind {
    /// Status of an account. For [`Subject::Account`].
    Account {
        /// The status that the account took.
        status: AccountStatus,
    },
    /// Status of a transfer. For [`Subject::Transfer`]. Fields that the provider did not report are `None`.
    Transfer {
        /// The customer's account.
        account: Option<ExternalId>,
        /// Into or out of the account.
        direction: Option<Direction>,
        /// Amount that reaches or leaves the account: positive.
        amount: Option<Money>,
        /// The status that the transfer took.
        status: TransferStatus,
        /// Whether the transfer is posted, or an entry of the broker's own book instead.
        posting_mode: PostingMode,
    },
    /// The transaction on a blockchain that moved the coins of a settled transfer. For [`Subject::Transfer`].
    Coins {
        /// Its hash.
        transaction: TransactionHash,
        /// Whether the provider that reports it sent or received them.
        side: CoinSide,
    },
    /// Status of an order. For [`Subject::Holding`].
    Order {
        /// The broker's id of the order.
        order: ExternalId,
        /// Buy or sell.
        side: Side,
        /// The status that the order took.
        status: OrderStatus,
        /// Shares that it asks for, if it asks for shares: positive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quantity: Option<Quantity>,
        /// Money set aside when it was placed, if known: positive.
        reserve: Option<Money>,
    },
    /// An execution of an order. For [`Subject::Holding`].
    Fill {
        /// The order that was filled.
        order: ExternalId,
        /// Id of the execution.
        execution: ExternalId,
        /// Buy or sell.
        side: Side,
        /// Shares of the order filled so far, including this execution: positive.
        cumulative: Quantity,
        /// Total price of the shares filled so far: positive, or zero when it is less than half of the smallest unit.
        notional: Money,
    },
    /// A canceled execution, as if it had not happened. For [`Subject::Holding`].
    Bust {
        /// Id of the canceled execution.
        execution: ExternalId,
    },
    /// A split: the number of shares changes and their total cost stays. For [`Subject::Holding`].
    Split {
        /// Id of the entry that reports it.
        entry: ExternalId,
        /// Additional shares, negative for a reverse split.
        change: Quantity,
    },
    /// Shares and their cost as a journal changes them. For [`Subject::Holding`].
    Adjustment {
        /// Id of the journal, at the provider of the account.
        entry: ExternalId,
        /// Additional shares, negative for fewer, zero if only their cost changes.
        change: Quantity,
        /// Additional cost, negative for less; `None` if it is unknown.
        cost: Option<Money>,
    },
    /// Cash in a broker's book. For [`Subject::CashEntry`].
    Cash {
        /// The customer's account.
        account: ExternalId,
        /// What the money is for.
        kind: CashKind,
        /// Positive to the account, negative from it.
        amount: Money,
        /// Whether the entry is executed.
        status: EntryStatus,
        /// Whether the entry is posted, or the transfer that it belongs to instead.
        posting_mode: PostingMode,
    },
    /// Replacement of this entry by another one. For [`Subject::CashEntry`].
    Superseded {
        /// Id of the replacement.
        by: ExternalId,
    },
    /// Money as a person posted it. The shares of the journal are facts of their holdings. For [`Subject::Journal`].
    Journal {
        /// What the person wrote.
        journal: Box<Journal>,
        /// Who made it, as the audit chain names them.
        made_by: String,
        /// Who approved it, if it needed approval.
        checked_by: Option<String>,
        /// The number of the journal that it reverses.
        reverses: Option<i64>,
    },
}

/// Status of a customer's account. Later statuses sort after earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Application received.
    Submitted,
    /// Under review by people.
    InReview,
    /// Accepted, but not open yet.
    Approved,
    /// Open.
    Active,
    /// Open, but not allowed to trade.
    Restricted,
    /// Application refused.
    Rejected,
    /// Closed.
    Closed,
}

/// Direction of money, as seen from the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into the account.
    Inbound,
    /// Out of the account.
    Outbound,
}

/// Status of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferStatus {
    /// Under way.
    Pending,
    /// Arrived.
    Settled,
    /// Will not arrive.
    Failed,
    /// Sent back after it settled.
    Returned,
}

/// What a provider did with the coins of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoinSide {
    /// It sent them to an address outside.
    Sent,
    /// They arrived in an account that it holds.
    Received,
}

/// Status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Can be filled.
    Open,
    /// Partly filled, and can be filled further.
    PartiallyFilled,
    /// Filled completely.
    Filled,
    /// Canceled.
    Canceled,
    /// Expired.
    Expired,
    /// Refused by the broker.
    Rejected,
    /// Replaced by another order.
    Replaced,
}

impl OrderStatus {
    /// Whether the order cannot be filled any further.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Filled | Self::Canceled | Self::Expired | Self::Rejected | Self::Replaced => true,
            Self::Open | Self::PartiallyFilled => false,
        }
    }
}

/// Side of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Shares come in, money goes out.
    Buy,
    /// Shares go out, money comes in.
    Sell,
}

/// What cash in a broker's book is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CashKind {
    /// Money from outside.
    Deposit,
    /// Money to outside.
    Withdrawal,
    /// Paid by a company.
    Dividend,
    /// Paid for cash.
    Interest,
    /// Charged for a service.
    Fee,
    /// Withheld tax.
    Tax,
    /// Moved between accounts at the broker.
    Journal,
}

/// Status of a cash entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryStatus {
    /// Announced.
    Pending,
    /// Executed.
    Executed,
    /// Canceled.
    Canceled,
}

/// Whether a fact is posted to the ledger. A provider can report the same money twice, as a transfer and as an entry in the
/// broker's book; only one of the two is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostingMode {
    /// Posted.
    Post,
    /// Kept for comparison only.
    Memo,
}

impl fmt::Display for Subject {
    /// The key that facts are stored under: `transfer/bridge:abc`, `holding/alpaca:904837e3/AAPL`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(out, "account/{id}"),
            Self::Transfer(id) => write!(out, "transfer/{id}"),
            Self::Holding { account, symbol } => write!(out, "holding/{account}/{symbol}"),
            Self::CashEntry(id) => write!(out, "cash/{id}"),
            Self::Journal(number) => write!(out, "journal/{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_deserializes_from_its_json() {
        let fact = Fact {
            subject: Subject::Holding {
                account: "alpaca:a1".parse().unwrap(),
                symbol: "AAPL".parse().unwrap(),
            },
            at: "2026-01-02T15:04:05.000006Z".parse().unwrap(),
            kind: FactKind::Fill {
                order: "alpaca:o1".parse().unwrap(),
                execution: "alpaca:e1".parse().unwrap(),
                side: Side::Buy,
                cumulative: "1.5".parse().unwrap(),
                notional: Money::from_minor(28_100, crate::Currency::Usd),
            },
        };
        let text = serde_json::to_string(&fact).unwrap();
        assert_eq!(
            text,
            r#"{"subject":{"holding":{"account":"alpaca:a1","symbol":"AAPL"}},"at":"2026-01-02T15:04:05.000006Z","kind":{"type":"fill","order":"alpaca:o1","execution":"alpaca:e1","side":"buy","cumulative":"1.5","notional":{"minor":28100,"currency":"USD"}}}"#
        );
        assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact);
        assert_eq!(fact.subject.to_string(), "holding/alpaca:a1/AAPL");
    }
}
