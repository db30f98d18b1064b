//! What a proved body means.
//!
//! A body is a snapshot or a step, told by its provider in its own words; here it becomes facts in ours. What cannot be
//! read for certain is not guessed: it is unhandled, with a reason, and stays in the inbox for people.

mod alpaca;
mod bridge;
mod circle;
mod reader;

use std::collections::{BTreeMap, BTreeSet};

use domain::{Currency, Fact};

use crate::channel::Channel;

/// What the reader must know that no body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Which of the broker's two accounts of one deposit moves the books.
    pub alpaca_cash: AlpacaCash,
    /// Which of the two books that the broker keeps of the same entries is read.
    pub alpaca_entries: AlpacaEntries,
    /// Which currency a token of Circle's wallets is, by the token's id: the id differs by blockchain.
    pub circle_tokens: BTreeMap<String, Currency>,
    /// Which of Circle's notifications are ours, by `subscriptionId` in its second system and `clientId` in its first.
    /// Circle signs for all its customers with the same keys, and each of them can have theirs sent to any address: a
    /// signature proves Circle, and not whose money it is.
    pub circle_senders: CircleSenders,
}

/// Whose notifications of Circle are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CircleSenders {
    /// Everyone's: for development, where no money is at stake.
    #[default]
    Anyone,
    /// Those that are addressed so.
    Only(BTreeSet<String>),
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

/// The broker writes its book twice: as entries `nta`, and as the activities that replace them. One entry is one fact where both
/// give it one id; nothing that the broker publishes promises that they do, so where both arrive one of them must be named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlpacaEntries {
    /// Both are read: right while only one of them arrives, or both with the same ids.
    #[default]
    Either,
    /// The older entries alone.
    Nta,
    /// The activities alone.
    Activities,
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
    /// A type that is known, and may change what someone owns in a way that is not booked by itself.
    #[error("{0} is not booked by itself: look at it and book it by hand")]
    ByHand(&'static str),
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
    /// About another customer of the provider.
    #[error("it is addressed to another customer of the provider than those that are ours")]
    Stranger,
}

impl Unhandled {
    /// Every reason, for counters that exist at zero from the start.
    pub const REASONS: [&'static str; 8] = [
        "unknown_type",
        "no_effect",
        "by_hand",
        "unknown_status",
        "unreadable",
        "currency",
        "symbol",
        "stranger",
    ];

    /// The reason in one word, as a metric's label.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UnknownType => "unknown_type",
            Self::NoEffect(_) => "no_effect",
            Self::ByHand(_) => "by_hand",
            Self::UnknownStatus(_) => "unknown_status",
            Self::Unreadable { .. } => "unreadable",
            Self::Currency => "currency",
            Self::Symbol => "symbol",
            Self::Stranger => "stranger",
        }
    }
}

impl Reading {
    /// Whether a notification of Circle that is addressed so is ours.
    fn is_ours(&self, address: Option<&str>) -> bool {
        match &self.circle_senders {
            CircleSenders::Anyone => true,
            CircleSenders::Only(ours) => address.is_some_and(|address| ours.contains(address)),
        }
    }
}

/// Reads a body that was proved for `channel`. The same bytes always mean the same facts.
#[must_use]
pub fn meaning(channel: Channel, body: &[u8], reading: &Reading) -> Meaning {
    let read = match channel {
        Channel::Alpaca(kind) => alpaca::read(kind, body, reading),
        Channel::Bridge => bridge::read(body),
        Channel::CircleDirect => circle::direct::read(body, reading),
        Channel::CircleSns => circle::mint::read(body, reading),
    };
    read.unwrap_or_else(Meaning::Unhandled)
}

/// What a reader of one kind of body answers.
type Read = Result<Meaning, Unhandled>;

impl From<Fact> for Meaning {
    fn from(fact: Fact) -> Self {
        Self::Facts(vec![fact])
    }
}
