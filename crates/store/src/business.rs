//! What the business looks at, from tables and marks: what is under management, what came in today, how it does.
//!
//! Nothing here counts in memory: asked again after a restart or a replay, the same tables give the same figures.

mod drift;
mod figures;
mod marks;
mod returns;
mod snapshots;
mod today;
mod trial;
mod worth;

pub use drift::DepositDrift;
pub use figures::{ACTIVE_WITHIN, Figures};
pub use marks::{MARK_AHEAD_MAX, MARKS_MAX, Mark};
pub use snapshots::Snapshots;
pub use trial::{TrialBalance, TrialLine};
pub use worth::Worth;

pub(crate) use marks::load as load_marks;
pub(crate) use returns::{Whose, year_to_date};
pub(crate) use worth::worth;
