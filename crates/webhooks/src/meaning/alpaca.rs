//! What events of the broker mean.

mod account;
mod entry;
mod trade;
mod transfer;

use super::{Read, Reading, Unhandled};
use crate::alpaca::Kind;

pub(super) fn read(kind: Kind, body: &[u8], reading: &Reading) -> Read {
    match kind {
        Kind::Trade => trade::read(body),
        Kind::Account => account::read(body),
        Kind::Transfer => transfer::read(body, reading),
        Kind::Nta => entry::read_nta(body, reading),
        Kind::Activity => entry::read_activity(body, reading),
        // They name neither account nor amount; the entries JNLC and JNLS of the book do.
        Kind::Journal => Err(Unhandled::NoEffect("a journal's status")),
    }
}
