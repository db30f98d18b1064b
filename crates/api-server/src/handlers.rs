//! One file a resource. A handler gathers (extracts, loads), decides (one pure call) and presents; its errors are
//! [`Problem`](crate::problem::Problem)s.

pub mod admin;
pub mod analyze;
pub mod analyze_bars;
pub mod bars;
pub mod deliveries;
pub mod docs;
pub mod entries;
pub mod health;
pub mod indicators;
pub mod metrics;
pub mod portfolio;
pub mod root;
pub mod symbols;

mod analysis_answer;
mod held_copies;
mod json_body;
mod parameters;
mod provenance;
mod representation;
mod symbol_path;
mod window;

pub use held_copies::{HeldCopies, NotModified};
pub use json_body::JsonBody;
pub use parameters::Parameters;
pub use provenance::{DataQuality, Provenance};
pub use representation::Representation;
pub use symbol_path::SymbolPath;
pub use window::Window;
