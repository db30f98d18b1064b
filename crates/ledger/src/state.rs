//! The result of folding a subject's facts: rows to store, postings to write, and reviews for people.

use domain::{
    AccountStatus, CashKind, CoinSide, Direction, EntryStatus, ExternalId, Money, OrderStatus, PostingMode,
    Quantity, Side, Symbol, TransactionHash, TransferStatus,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::posting::Posting;

/// The folded facts of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Row to store.
    pub row: Row,
    /// What the ledger should contain, by effect. An effect of this subject that is not listed has no posting.
    pub postings: Vec<Posting>,
    /// Findings for people, sorted.
    pub reviews: Vec<Review>,
}

/// The stored row of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A customer's account.
    Account(Account),
    /// Money that enters or leaves.
    Transfer(Transfer),
    /// The shares of one symbol in one account.
    Holding(Holding),
    /// An entry in a broker's book.
    CashEntry(CashEntry),
    /// A journal that a person posted. Its row is written when it is made.
    Journal,
}

/// A customer's account at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The provider's id of the account.
    pub id: ExternalId,
    /// Current status.
    pub status: AccountStatus,
    /// When it took that status.
    pub status_at: Timestamp,
    /// Time of its first fact.
    pub registered_at: Timestamp,
}

/// Money that enters or leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The provider's id of the transfer.
    pub id: ExternalId,
    /// The customer's account, if reported.
    pub account: Option<ExternalId>,
    /// Into or out of the account, if reported.
    pub direction: Option<Direction>,
    /// Positive amount, if reported.
    pub amount: Option<Money>,
    /// Current status.
    pub status: TransferStatus,
    /// Whether it is posted to the ledger.
    pub posting_mode: PostingMode,
    /// The transaction on a blockchain that moved its coins, and what the provider did with them.
    pub coins: Option<(TransactionHash, CoinSide)>,
    /// When it first settled.
    pub settled_at: Option<Timestamp>,
    /// When it was first returned.
    pub returned_at: Option<Timestamp>,
    /// Time of its latest fact.
    pub last_at: Timestamp,
}

/// The shares of one symbol in one account, with the orders and executions that changed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The customer's account.
    pub account: ExternalId,
    /// The ticker.
    pub symbol: Symbol,
    /// Shares and their cost.
    pub position: Position,
    /// Orders, sorted by id.
    pub orders: Vec<Order>,
    /// Executions and splits, sorted by id.
    pub changes: Vec<Change>,
}

/// Shares and their cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Shares; those of a short position are negative.
    pub quantity: Quantity,
    /// Their total cost, for a short position the proceeds as a negative number; `None` without shares.
    pub cost: Option<Money>,
    /// Time of the latest fact.
    pub last_at: Timestamp,
}

/// An order to buy or sell shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The broker's id of the order.
    pub id: ExternalId,
    /// Buy or sell.
    pub side: Side,
    /// Current status.
    pub status: OrderStatus,
    /// Shares that it asks for, if known.
    pub quantity: Option<Quantity>,
    /// Shares filled so far, without busted executions.
    pub cumulative: Quantity,
    /// Price of the shares filled so far.
    pub notional: Option<Money>,
    /// Money set aside when it was placed.
    pub reserve: Option<Money>,
    /// Time of its latest fact.
    pub last_at: Timestamp,
}

/// The effect of one execution or split on a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Id of the execution, or of the entry that reports the split.
    pub id: ExternalId,
    /// Fill or split.
    pub kind: ChangeKind,
    /// Shares moved: positive for executions, of either sign for splits.
    pub quantity: Quantity,
    /// Whether it counts.
    pub status: ChangeStatus,
    /// Time of the fact that reported it.
    pub at: Timestamp,
}

/// What changed the number of shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// An execution of an order.
    Fill {
        /// The order that was filled.
        order: ExternalId,
        /// Buy or sell.
        side: Side,
        /// Price of the shares of this execution.
        notional: Money,
    },
    /// A split.
    Split {
        /// Shares before it.
        before: Quantity,
    },
    /// An execution that is known only by its bust.
    Unknown,
}

/// Whether a change counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeStatus {
    /// It moved shares and money.
    Counted,
    /// It moved nothing, because the order was already filled that far.
    Recorded,
    /// It was busted and moved nothing.
    Busted,
    /// It contradicts the known facts and moved nothing; a review says why.
    Parked,
}

/// An entry in a broker's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashEntry {
    /// The broker's id of the entry.
    pub id: ExternalId,
    /// Account, kind and amount; `None` while only its replacement is known.
    pub details: Option<CashDetails>,
    /// The entry that replaces it.
    pub superseded_by: Option<ExternalId>,
    /// Time of its latest fact.
    pub last_at: Timestamp,
}

/// What a cash entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashDetails {
    /// The customer's account.
    pub account: ExternalId,
    /// What the money is for.
    pub kind: CashKind,
    /// Positive to the account, negative from it.
    pub amount: Money,
    /// Whether the entry is executed.
    pub status: EntryStatus,
    /// Whether it is posted to the ledger.
    pub posting_mode: PostingMode,
    /// Time of the fact that reported this.
    pub at: Timestamp,
}

/// Something that a person must look at. It disappears when later facts explain it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Review {
    /// What is wrong.
    pub kind: ReviewKind,
    /// Id of the order, execution, entry, transfer or account.
    pub about: ExternalId,
    /// Time of the fact that caused it.
    pub at: Timestamp,
}

/// What is wrong.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum ReviewKind {
    /// More shares were sold than the position has, so that it is short, or a buy is missing. Or more were split away; then
    /// the whole change is parked.
    BeyondHolding,
    /// The change is in another currency than the position; the whole change is parked.
    CurrencyMixed,
    /// An execution fills more shares than its order asks for; it is parked.
    Overfilled,
    /// The execution was reported of another symbol or account, and counts there; here it is parked.
    ExecutionElsewhere,
    /// An unknown execution was busted.
    UnknownExecution,
    /// Two facts contradict each other; one of them was used.
    Contradiction,
    /// A transfer settled whose account, direction or amount is unknown; it is not posted.
    Incomplete,
    /// Another entry of the account has the same kind, amount and day: one of the two may be a second report. Both are posted.
    RepeatedEntry,
    /// A transfer sent coins that another provider reports as arrived with another amount. Both are posted.
    CoinsDiffer,
    /// There are more facts than are folded: what is posted is as before those.
    TooManyFacts,
    /// An account cannot change from one status to the other; the change is ignored.
    TransitionRefused,
}
