//! What a set of facts comes to: rows to keep, postings to make, and what people should look at.

use domain::{
    AccountStatus, Booking, CashKind, Direction, ExternalId, Money, OrderStatus, Quantity, Side, Standing,
    Symbol, TransferStatus,
};
use jiff::Timestamp;

use crate::posting::Posting;

/// What the facts of one subject come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// What is kept of the subject.
    pub row: Row,
    /// What the books should say, by effect. Every effect that the subject could have had is here, or has none.
    pub postings: Vec<Posting>,
    /// What people should look at, in a fixed order.
    pub reviews: Vec<Review>,
}

/// What is kept of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Of an account.
    Account(Account),
    /// Of a transfer.
    Transfer(Transfer),
    /// Of a holding.
    Holding(Holding),
    /// Of an entry in a broker's book.
    CashEntry(CashEntry),
}

/// A customer's account at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Which.
    pub id: ExternalId,
    /// How it stands.
    pub status: AccountStatus,
    /// Since when.
    pub status_at: Timestamp,
    /// When it was first told of.
    pub registered_at: Timestamp,
}

/// Money that enters or leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Which.
    pub id: ExternalId,
    /// Whose, when told.
    pub account: Option<ExternalId>,
    /// Which way, when told.
    pub direction: Option<Direction>,
    /// How much, when told.
    pub amount: Option<Money>,
    /// How far it is.
    pub status: TransferStatus,
    /// Whether the books move with it.
    pub booking: Booking,
    /// When it first settled.
    pub settled_at: Option<Timestamp>,
    /// When it went back.
    pub returned_at: Option<Timestamp>,
    /// When it was last told of.
    pub last_at: Timestamp,
}

/// The shares of one symbol in one account, with the orders and executions that changed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Whose.
    pub account: ExternalId,
    /// Of what.
    pub symbol: Symbol,
    /// What is held.
    pub position: Position,
    /// Its orders, by id.
    pub orders: Vec<Order>,
    /// Its executions and splits, by id.
    pub changes: Vec<Change>,
}

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Shares: never below zero.
    pub quantity: Quantity,
    /// What they cost together. No shares have no cost.
    pub cost: Option<Money>,
    /// When it was last told of.
    pub last_at: Timestamp,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which.
    pub id: ExternalId,
    /// Which way.
    pub side: Side,
    /// How far it is.
    pub status: OrderStatus,
    /// Shares filled so far, busted executions not counted.
    pub cumulative: Quantity,
    /// What they came to.
    pub notional: Option<Money>,
    /// Money set aside when it was placed.
    pub reserve: Option<Money>,
    /// When it was last told of.
    pub last_at: Timestamp,
}

/// What one execution or split did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its id: of an execution, or of the entry that tells of a split.
    pub id: ExternalId,
    /// What it is.
    pub kind: ChangeKind,
    /// How many shares it moved: positive for executions, of either sign for splits.
    pub quantity: Quantity,
    /// What became of it.
    pub standing: ChangeStanding,
    /// When it happened.
    pub at: Timestamp,
}

/// What changes a number of shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// An execution of an order.
    Fill {
        /// Of which order.
        order: ExternalId,
        /// Which way.
        side: Side,
        /// What the shares came to.
        notional: Money,
    },
    /// A split.
    Split,
    /// An execution that is known only from being taken back.
    Unknown,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeStanding {
    /// It moved shares and money.
    Counted,
    /// It told nothing new: the order was filled that far already.
    Recorded,
    /// It did not happen after all.
    Busted,
    /// It cannot have happened with what is known, and moved nothing: people should look.
    Parked,
}

/// An entry in a broker's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashEntry {
    /// Which.
    pub id: ExternalId,
    /// Whose, what for and how much: unknown while only its replacement was told of.
    pub what: Option<CashWhat>,
    /// Which entry stands in its place.
    pub superseded_by: Option<ExternalId>,
    /// When it was last told of.
    pub last_at: Timestamp,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashWhat {
    /// Whose.
    pub account: ExternalId,
    /// What for.
    pub kind: CashKind,
    /// How much, with its sign.
    pub amount: Money,
    /// Whether it holds.
    pub standing: Standing,
    /// Whether the books move with it.
    pub booking: Booking,
    /// Since when.
    pub at: Timestamp,
}

/// Something that people should look at. It goes away when facts arrive that explain it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Review {
    /// What is odd.
    pub kind: ReviewKind,
    /// About which order, execution, entry, transfer or account.
    pub about: ExternalId,
    /// When it was so.
    pub at: Timestamp,
}

/// What is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewKind {
    /// More shares were sold or split away than were held: parked whole.
    BeyondHolding,
    /// Shares paid in another currency than those that are held: parked whole.
    CurrencyMixed,
    /// An execution was taken back that was never told of.
    UnknownExecution,
    /// Two facts cannot both be so; one of them was taken.
    Contradiction,
    /// A transfer settled whose account, direction or amount was not told: not booked.
    Incomplete,
    /// An account cannot have gone from one standing to the other: not taken.
    TransitionRefused,
}

impl ReviewKind {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BeyondHolding => "beyond_holding",
            Self::CurrencyMixed => "currency_mixed",
            Self::UnknownExecution => "unknown_execution",
            Self::Contradiction => "contradiction",
            Self::Incomplete => "incomplete",
            Self::TransitionRefused => "transition_refused",
        }
    }
}

impl ChangeStanding {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Counted, Self::Recorded, Self::Busted, Self::Parked];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Recorded => "recorded",
            Self::Busted => "busted",
            Self::Parked => "parked",
        }
    }
}
