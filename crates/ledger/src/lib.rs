//! Double-entry ledger: what facts do to money, positions, valuation and performance.
//!
//! [`fold`] takes all known facts of one subject and returns what the ledger should contain because of them. It is a
//! function of the *set* of facts: repeated, reordered, late or contradicting facts give the same state. The store writes
//! the difference between that and what the ledger contains. This crate does no I/O and reads no clock.
//!
//! ```
//! use domain::{Currency, Direction, Fact, FactKind, Money, PostingMode, Subject, TransferStatus};
//! let id: domain::ExternalId = "bridge:t1".parse().unwrap();
//! let fact = Fact {
//!     subject: Subject::Transfer(id.clone()),
//!     at: "2026-01-02T10:00:00Z".parse().unwrap(),
//!     kind: FactKind::Transfer {
//!         account: Some("bridge:cust_1".parse().unwrap()),
//!         direction: Some(Direction::Inbound),
//!         amount: Some(Money::from_minor(10_000_000, Currency::Usdc)),
//!         status: TransferStatus::Settled,
//!         posting_mode: PostingMode::Post,
//!     },
//! };
//! let once = ledger::fold(&fact.subject, &[fact.clone()], &ledger::Rules::default()).unwrap();
//! let twice = ledger::fold(&fact.subject, &[fact.clone(), fact.clone()], &ledger::Rules::default()).unwrap();
//! assert_eq!(once, twice);
//! // 10 USDC: 7 for spending, 3 for the stash.
//! let stash = once.postings.iter().flat_map(|posting| posting.legs()).find(|leg| {
//!     leg.account.to_string() == "user/bridge:cust_1/stash_balance"
//! });
//! assert_eq!(stash.unwrap().money.minor(), 3_000_000);
//! ```

mod cash;
mod check;
mod customer_account;
mod day;
mod error;
mod fold;
mod holding;
mod journal;
mod lots;
#[cfg(test)]
mod order_independence;
mod performance;
mod posting;
mod rules;
mod share_price;
mod shortfall;
mod state;
mod transfer;
mod valuation;

pub use check::facts_max;
pub use day::Day;
pub use domain::{Bucket, LedgerAccount, LedgerAccountError, System, TransactionKind};
pub use error::LedgerError;
pub use fold::fold;
pub use holding::{Elsewhere, FoldDiff, fold_diff, fold_holding, fold_incremental};
pub use journal::{JOURNAL_LINES_MAX, JournalFault, check_journal, check_reason, reversed};
pub use lots::{Gain, Lot, Lots, is_wash_sale, lots};
pub use performance::{Close, year_to_date};
pub use posting::{Leg, Posting};
pub use rules::{Rules, StashRatio, StashRatioError};
pub use share_price::{SharePrice, ShareSplit};
pub use shortfall::shortfall;
pub use state::{
    Account, CashDetails, CashEntry, Change, ChangeKind, ChangeStatus, Holding, Order, Position, Review,
    ReviewKind, Row, State, Transfer,
};
pub use valuation::{PricedAsset, PricedAssetError, Prices, Valuation, value};
