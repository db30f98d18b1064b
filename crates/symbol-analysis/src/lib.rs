//! The analysis of a symbol as both binaries give it: from the source of data that the settings name, over a window, with the
//! provenance of the data.
//!
//! It knows nothing of HTTP; what is computed is up to crates/analysis, and how data is read up to crates/market-data.

mod analyze;
mod provenance;
mod response;
mod source;
mod window;

pub use analyze::{SymbolData, analyze};
pub use provenance::{DataQuality, Provenance, dropped};
pub use response::AnalysisResponse;
pub use source::{OpenError, open};
pub use window::{DAYS_MAX, Window, first_bar};
