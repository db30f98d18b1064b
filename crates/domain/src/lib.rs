//! The vocabulary of the house: what a symbol, a date, a bar, a price history, a filing and a news item are; what money,
//! a quantity and a price are, and what providers tell us of them.
//!
//! Everything here is parsed at the door into types that cannot be wrong. It does no I/O, reads no clock and computes
//! no indicator. Market prices are measurements and are floats; money is an integer, and what shares were bought for is
//! an exact decimal.

mod bar;
mod date;
mod external_id;
mod fact;
mod filing;
mod history;
mod money;
mod news;
mod quantity;
mod symbol;
mod text;
mod timeframe;

pub use bar::{Bars, BarsView, RawBar, Refusal, RefusedBar, VOLUME_SHARES_MAX};
pub use date::{Date, DateError};
pub use external_id::{ExternalId, ExternalIdError, Provider};
pub use fact::{
    AccountStatus, Booking, CashKind, Direction, Fact, OrderStatus, Side, Standing, Subject, TransferStatus,
    What,
};
pub use filing::{Filing, FilingPeriod};
pub use history::{DatedValues, History, PriceBasis};
pub use money::{Currency, CurrencyError, Money, MoneyError};
pub use news::{NewsItem, Tone};
pub use quantity::{NumberError, Price, Quantity};
pub use symbol::{Symbol, SymbolError};
pub use timeframe::{Timeframe, TimeframeError};
