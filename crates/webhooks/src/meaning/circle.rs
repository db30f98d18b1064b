//! What notifications of Circle's two systems mean.

pub(super) mod direct;
pub(super) mod mint;
mod transfer;
