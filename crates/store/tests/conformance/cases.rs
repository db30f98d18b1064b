//! The cases, which know no database.

pub(crate) mod auditing;
pub(crate) mod circle_keys;
pub(crate) mod opening;
pub(crate) mod operating;
pub(crate) mod racing;
pub(crate) mod receiving;
pub(crate) mod working;
