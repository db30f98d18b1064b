//! What providers tell us about money and shares, in our own words.
//!
//! A fact says what *is so* and when it became so, never what to do about it. Facts are kept as a set: told twice they
//! are one, told in another order they are the same, told contradictorily they are all there. What they do to the books
//! is decided from the whole set of one [`Subject`], and so it does not depend on how they arrived.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::external_id::ExternalId;
use crate::money::Money;
use crate::quantity::Quantity;
use crate::symbol::Symbol;

/// Facts of one subject are judged together, and one after the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A customer's account at a provider.
    Account(ExternalId),
    /// Money that enters or leaves.
    Transfer(ExternalId),
    /// The shares of one symbol in one account, and the orders that changed them.
    Holding {
        /// Whose shares.
        account: ExternalId,
        /// Of what.
        symbol: Symbol,
    },
    /// One entry in a broker's book that is no trade: a dividend, interest, a fee.
    CashEntry(ExternalId),
}

/// One thing that is so. Facts order by subject, then by time; the rest of the order only makes it total.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about.
    pub subject: Subject,
    /// When it became so, on the provider's clock.
    pub at: Timestamp,
    /// What is so.
    pub what: What,
}

/// What is so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum What {
    /// An account's standing. Of [`Subject::Account`].
    Account {
        /// How it stands.
        status: AccountStatus,
    },
    /// A transfer's state. Of [`Subject::Transfer`]. A field that the provider did not tell is `None`.
    Transfer {
        /// Whose money.
        account: Option<ExternalId>,
        /// Which way.
        direction: Option<Direction>,
        /// How much reaches or leaves the account: positive.
        amount: Option<Money>,
        /// How far it is.
        status: TransferStatus,
        /// Whether the books move with it, or with entries of the broker's own book instead.
        booking: Booking,
    },
    /// An order's state. Of [`Subject::Holding`].
    Order {
        /// Which.
        order: ExternalId,
        /// Which way.
        side: Side,
        /// How far it is.
        status: OrderStatus,
        /// Money set aside for it when it was placed, when that can be told: positive.
        reserve: Option<Money>,
    },
    /// Shares that changed hands. Of [`Subject::Holding`].
    Fill {
        /// For which order.
        order: ExternalId,
        /// The id of this execution.
        execution: ExternalId,
        /// Which way.
        side: Side,
        /// Shares of the order filled so far, this execution included: positive.
        cumulative: Quantity,
        /// What the shares filled so far cost together: positive.
        notional: Money,
    },
    /// An execution that did not happen after all. Of [`Subject::Holding`].
    Bust {
        /// Which execution.
        execution: ExternalId,
    },
    /// Shares appear or vanish and their total cost stays: a split. Of [`Subject::Holding`].
    Split {
        /// The entry that says so.
        entry: ExternalId,
        /// How many more shares, negative when fewer.
        change: Quantity,
    },
    /// Money in a broker's book. Of [`Subject::CashEntry`].
    Cash {
        /// Whose.
        account: ExternalId,
        /// What for.
        kind: CashKind,
        /// How much: positive to the account, negative from it.
        amount: Money,
        /// Whether it holds.
        standing: Standing,
        /// Whether the books move with it, or with the transfer that it belongs to instead.
        booking: Booking,
    },
    /// Another entry replaces this one. Of [`Subject::CashEntry`].
    Superseded {
        /// Which.
        by: ExternalId,
    },
}

/// How an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Asked for.
    Submitted,
    /// Looked at by people.
    InReview,
    /// Accepted, and not open yet.
    Approved,
    /// Open.
    Active,
    /// Open, and not to be traded with.
    Restricted,
    /// Refused.
    Rejected,
    /// Closed.
    Closed,
}

/// Which way money goes, seen from the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into it.
    Inbound,
    /// Out of it.
    Outbound,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferStatus {
    /// On its way.
    Pending,
    /// Arrived.
    Settled,
    /// Will not arrive.
    Failed,
    /// Went back.
    Returned,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// May still be filled.
    Open,
    /// Filled in part, and may still be filled.
    PartiallyFilled,
    /// Filled whole.
    Filled,
    /// Taken back.
    Canceled,
    /// Out of time.
    Expired,
    /// Refused.
    Rejected,
    /// Another order stands in its place.
    Replaced,
}

/// Which way an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Shares come, money goes.
    Buy,
    /// Shares go, money comes.
    Sell,
}

/// What money in a broker's book is for.
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
    /// Taken for a service.
    Fee,
    /// Withheld for a state.
    Tax,
    /// Moved between accounts at the broker.
    Journal,
}

/// Whether an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is announced.
    Pending,
    /// It is so.
    Executed,
    /// It is taken back.
    Canceled,
}

/// Whether the books move with a fact. The same money can be told twice, as a transfer and as an entry of the broker's
/// book; it is booked by one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Booking {
    /// They do.
    Books,
    /// They do not: it is kept to compare.
    Memo,
}

impl fmt::Display for Subject {
    /// `transfer/bridge:abc`, `holding/alpaca:904837e3/AAPL`: the text under which facts are kept.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(out, "account/{id}"),
            Self::Transfer(id) => write!(out, "transfer/{id}"),
            Self::Holding { account, symbol } => write!(out, "holding/{account}/{symbol}"),
            Self::CashEntry(id) => write!(out, "cash/{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_read_back_as_it_was_written() {
        let fact = Fact {
            subject: Subject::Holding {
                account: "alpaca:a1".parse().unwrap(),
                symbol: "AAPL".parse().unwrap(),
            },
            at: "2026-01-02T15:04:05.000006Z".parse().unwrap(),
            what: What::Fill {
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
            r#"{"subject":{"holding":{"account":"alpaca:a1","symbol":"AAPL"}},"at":"2026-01-02T15:04:05.000006Z","what":{"is":"fill","order":"alpaca:o1","execution":"alpaca:e1","side":"buy","cumulative":"1.5","notional":{"minor":28100,"currency":"USD"}}}"#
        );
        assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact);
        assert_eq!(fact.subject.to_string(), "holding/alpaca:a1/AAPL");
    }
}
