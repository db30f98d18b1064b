//! One file per resource. A handler gathers (extracts, loads), decides (one pure call) and presents; its errors are
//! [`Problem`](crate::problem::Problem)s.

pub(crate) mod admin;
pub(crate) mod analyze;
pub(crate) mod analyze_bars;
pub(crate) mod balances;
pub(crate) mod bars;
pub(crate) mod customer_portfolio;
pub(crate) mod docs;
pub(crate) mod entries;
pub(crate) mod health;
pub(crate) mod indicators;
pub(crate) mod metrics;
pub(crate) mod portfolio;
pub(crate) mod reports;
pub(crate) mod root;
pub(crate) mod symbols;
pub(crate) mod webhooks;

mod bar_spacing;
mod book_reader;
mod customer_path;
mod entry_parameters;
mod etag;
mod if_none_match;
mod json_body;
mod parameters;
mod path_id;
mod report_body;
mod symbol_path;
mod window;

use book_reader::BookReader;
use customer_path::CustomerPath;
use etag::etag;
use if_none_match::IfNoneMatch;
use json_body::JsonBody;
use parameters::Parameters;
use path_id::PathId;
use symbol_path::SymbolPath;
