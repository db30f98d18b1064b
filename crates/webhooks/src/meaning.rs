//! What a proved body means.

use std::collections::BTreeMap;

use domain::{Currency, Fact};

use crate::channel::Channel;

/// What the reader must know that no body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Which of the broker's two accounts of one deposit moves the books.
    pub alpaca_cash: AlpacaCash,
    /// Which currency a token of Circle's wallets is, by the token's id: the id differs by blockchain.
    pub circle_tokens: BTreeMap<String, Currency>,
}

/// The broker tells of one deposit twice: as a transfer, whose events name no amount, and as an entry `CSD` or `CSW` of its
/// book, which does. Exactly one of the two moves the books; the other is kept to compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlpacaCash {
    /// The entries do.
    #[default]
    Activities,
    /// The transfers do.
    Transfers,
}

/// What a body means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// These facts, at least one.
    Facts(Vec<Fact>),
    /// Nothing for the books, and why.
    Unhandled(Unhandled),
    /// A call to see whether we answer.
    Test,
}

/// Why a body means nothing for the books. It is kept all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unhandled {
    /// A type that is not known.
    #[error("the type of event is not known")]
    UnknownType,
    /// A type that is known, and moves no books.
    #[error("{0} moves no books")]
    NoEffect(&'static str),
    /// A status that is not known.
    #[error("the status in {0} is not known")]
    UnknownStatus(&'static str),
    /// A field that is needed and is not there, or cannot be read.
    #[error("{field} cannot be read: {why}")]
    Unreadable {
        /// Which field.
        field: &'static str,
        /// What is expected of it.
        why: &'static str,
    },
    /// A currency or a token that is not kept.
    #[error("the currency or token is not kept")]
    Currency,
    /// A symbol that is no share: a cryptocurrency, an option.
    #[error("the symbol is no share")]
    Symbol,
}

impl Unhandled {
    /// The reason in one word, as a metric's label.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownType => "unknown_type",
            Self::NoEffect(_) => "no_effect",
            Self::UnknownStatus(_) => "unknown_status",
            Self::Unreadable { .. } => "unreadable",
            Self::Currency => "currency",
            Self::Symbol => "symbol",
        }
    }
}

/// Reads a body that was proved for `channel`. The same bytes always mean the same facts.
#[must_use]
pub fn meaning(_channel: Channel, _body: &[u8], _reading: &Reading) -> Meaning {
    Meaning::Unhandled(Unhandled::UnknownType)
}
