//! Stored events for operators: lists by filter and page, and details of single events.

mod detail;
mod filter;
mod list;

pub use detail::{EventDetail, JobSummary};
pub use filter::{EventFilter, FILTER_IDS_MAX};
pub use list::{EventPage, EventSummary, PAGE_ROWS_MAX, PageRequest};
pub(crate) use list::{SUMMARY, summary};
