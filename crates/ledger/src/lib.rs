//! What an event does to money: double entry, positions, valuation, performance.
//!
//! [`fold`] takes every fact that is known of one subject and says what the books should hold because of it. It is a
//! function of the *set*: facts told twice, in another order, late or contradictorily come to the same state. The store
//! writes the difference between what the books should hold and what they do. This crate does no I/O and reads no clock.
//!
//! ```
//! use domain::{Booking, Direction, Fact, Money, Currency, Subject, TransferStatus, What};
//! let id: domain::ExternalId = "bridge:t1".parse().unwrap();
//! let fact = Fact {
//!     subject: Subject::Transfer(id.clone()),
//!     at: "2026-01-02T10:00:00Z".parse().unwrap(),
//!     what: What::Transfer {
//!         account: Some("bridge:cust_1".parse().unwrap()),
//!         direction: Some(Direction::Inbound),
//!         amount: Some(Money::from_minor(10_000_000, Currency::Usdc)),
//!         status: TransferStatus::Settled,
//!         booking: Booking::Books,
//!     },
//! };
//! let once = ledger::fold(&fact.subject, &[fact.clone()], &ledger::Rules::default()).unwrap();
//! let twice = ledger::fold(&fact.subject, &[fact.clone(), fact.clone()], &ledger::Rules::default()).unwrap();
//! assert_eq!(once, twice);
//! // 10 USDC: 7 to spend, 3 put by.
//! let stash = once.postings.iter().flat_map(|posting| posting.legs()).find(|leg| {
//!     leg.account.to_string() == "user/bridge:cust_1/stash_balance"
//! });
//! assert_eq!(stash.unwrap().money.minor(), 3_000_000);
//! ```

mod account;
#[cfg(test)]
mod any_order;
mod cash;
mod customer;
mod day;
mod fault;
mod fold;
mod holding;
mod performance;
mod posting;
mod rules;
mod shortfall;
mod state;
mod transfer;
mod valuation;

pub use account::{Bucket, LedgerAccount, LedgerAccountError, System};
pub use day::Day;
pub use fault::Fault;
pub use fold::{FACTS_MAX, HOLDING_FACTS_MAX, facts_max, fold};
pub use holding::{Amended, amend, follow};
pub use performance::{Close, year_to_date};
pub use posting::{Leg, Posting, TransactionKind, TransactionKindError};
pub use rules::{Rules, StashRatio, StashRatioError};
pub use shortfall::shortfall;
pub use state::{
    Account, CashEntry, CashWhat, Change, ChangeKind, ChangeStanding, Holding, Order, Position, Review,
    ReviewKind, Row, State, Transfer,
};
pub use valuation::{Marked, MarkedError, Marks, Valuation, value};
