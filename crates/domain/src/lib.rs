//! The vocabulary of the house: what a symbol, a date, a bar, a price history, a filing and a news item are.
//!
//! Everything here is parsed at the door into types that cannot be wrong. It does no I/O, reads no clock and computes
//! no indicator. Market prices are measurements and are floats; money (which is an integer) will live beside them.

mod bar;
mod date;
mod filing;
mod history;
mod news;
mod symbol;
mod timeframe;

pub use bar::{Bars, BarsView, RawBar, Refusal, RefusedBar, VOLUME_SHARES_MAX};
pub use date::{Date, DateError};
pub use filing::{Filing, FilingPeriod};
pub use history::{DatedValues, History, PriceBasis};
pub use news::{NewsItem, Tone};
pub use symbol::{Symbol, SymbolError};
pub use timeframe::{Timeframe, TimeframeError};
