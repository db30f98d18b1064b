//! What a verified body means.
//!
//! A body is a snapshot or a step in its provider's words; it becomes facts in ours. What cannot be interpreted with certainty
//! is not guessed: the event is unhandled, with a reason, and stays stored for a person to look at.

use domain::Fact;

/// What a body means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interpretation {
    /// At least one fact.
    Facts(Vec<Fact>),
    /// Nothing to post, and why.
    Unhandled(Unhandled),
    /// A test message of the provider.
    Test,
}

/// Why a body has nothing to post. The event is stored all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unhandled {
    /// The type is not known.
    #[error("unknown event type")]
    UnknownType,
    /// The type is known, and has no effect on the ledger.
    #[error("{0} has no effect on the ledger")]
    NoEffect(&'static str),
    /// The type is known, and may change what someone owns in a way that is not posted automatically.
    #[error("{0} is not posted automatically: review it and post it manually")]
    ByHand(&'static str),
    /// The status in this field is not known.
    #[error("unknown status in {0}")]
    UnknownStatus(&'static str),
    /// A field is needed and missing, or cannot be parsed.
    #[error("cannot parse {field}: {why}")]
    Unreadable {
        /// The field's path in the body.
        field: &'static str,
        /// What is expected of it.
        why: &'static str,
    },
    /// A currency that the ledger does not support.
    #[error("unsupported currency")]
    Currency,
    /// A token whose id is not in this setting.
    #[error("the token is not in {0}: if it is USDC, add its id there, then replay the event")]
    Token(&'static str),
    /// A symbol that is no share: a cryptocurrency, an option.
    #[error("the symbol is not a share")]
    Symbol,
    /// About a customer of the provider who is not in this setting.
    #[error(
        "addressed to a customer who is not in {0}: if it is you, add the id there, then replay the event"
    )]
    OtherCustomer(&'static str),
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
        "other_customer",
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
            Self::Currency | Self::Token(_) => "currency",
            Self::Symbol => "symbol",
            Self::OtherCustomer(_) => "other_customer",
        }
    }
}

pub(crate) type Outcome = Result<Interpretation, Unhandled>;

impl From<Fact> for Interpretation {
    fn from(fact: Fact) -> Self {
        Self::Facts(vec![fact])
    }
}
