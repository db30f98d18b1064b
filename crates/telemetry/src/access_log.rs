//! The access log: one line for each request, with its client, route, status and duration.
//!
//! Client input is escaped, so that an entry is always one line and, as JSON, one object.

mod line;
mod writer;

pub use line::Line;
pub use writer::AccessLog;
