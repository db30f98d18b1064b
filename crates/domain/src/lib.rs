//! The vocabulary of the product: symbols, dates, bars, price histories, filings and news; money, quantities and prices; and
//! the facts that providers report or people post.
//!
//! Every type validates its input on construction. This crate does no I/O, reads no clock and computes no indicator. Market
//! prices are measurements and therefore floats; money is an integer, and what shares cost is an exact decimal.

mod account_scope;
mod bar;
mod date;
mod decimal;
mod external_id;
mod fact;
mod filing;
mod history;
mod journal;
mod key_mode;
mod ledger_account;
mod money;
mod news;
mod quantity;
mod role;
mod scope;
mod statement;
mod symbol;
mod text;
mod timeframe;
mod transaction_hash;
mod transaction_kind;

pub use account_scope::{AccountScope, AccountScopeError, CustomerId, CustomerIdError};
pub use bar::{BarDefect, Bars, BarsView, PRICE_TOLERANCE, RawBar, RefusedBar, VOLUME_SHARES_MAX};
pub use date::{Date, DateError};
pub use external_id::{ExternalId, ExternalIdError, Provider};
pub use fact::{
    AccountStatus, CashKind, CoinSide, Direction, EntryStatus, Fact, FactKind, OrderStatus, PostingMode,
    Side, Subject, TransferStatus,
};
pub use filing::{Filing, FilingPeriod};
pub use history::{DatedValues, History, PriceBasis, VolumeBasis};
pub use journal::{Journal, JournalEntry, JournalPosting, ShareLine};
pub use key_mode::KeyMode;
pub use ledger_account::{Bucket, LedgerAccount, LedgerAccountError, System};
pub use money::{Currency, CurrencyError, Money, MoneyError, Total};
pub use news::{NewsItem, Tone};
pub use quantity::{NumberError, Price, Quantity};
pub use role::Role;
pub use scope::{Scope, ScopeError, Scopes};
pub use statement::{StatementKind, StatementLine, StatementStatus};
pub use symbol::{SYMBOL_BYTES_MAX, Symbol, SymbolError};
pub use timeframe::{Timeframe, TimeframeError};
pub use transaction_hash::{TransactionHash, TransactionHashError};
pub use transaction_kind::TransactionKind;
