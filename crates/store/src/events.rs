//! Kept deliveries as operators look at them: lists by filter and page, and one whole.

mod detail;
mod filter;
mod list;

pub use detail::{EventDetail, WorkLine};
pub use filter::{Filter, IDS_MAX};
pub(crate) use list::line;
pub use list::{EventLine, Events, PAGE_ROWS_MAX, Page};
