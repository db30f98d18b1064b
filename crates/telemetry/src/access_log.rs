//! One line for every request, with everything in it: client, request, route, status and duration.
//!
//! Whatever a client sends is escaped, so that a line is always one line and, as JSON, one object.

mod line;
mod writer;

pub use line::Line;
pub use writer::AccessLog;
