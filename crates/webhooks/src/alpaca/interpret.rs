//! What events of the broker mean.

mod account;
mod currency;
mod entry;
mod trade;
mod transfer;

use super::kind::Kind;
use crate::channel::Channel;
use crate::interpretation::{Outcome, Unhandled};
use crate::settings::Settings;

pub(super) fn interpret(channel: Channel, body: &[u8], settings: &Settings) -> Outcome {
    match Kind::from_channel(channel).ok_or(Unhandled::UnknownType)? {
        Kind::Trade => trade::interpret(body),
        Kind::Account => account::interpret(body),
        Kind::Transfer => transfer::interpret(body, settings),
        Kind::Nta => entry::interpret_nta(body, settings),
        Kind::Activity => entry::interpret_activity(body, settings),
        // They name neither account nor amount; the entries JNLC and JNLS do.
        Kind::Journal => Err(Unhandled::NoEffect("a journal's status")),
    }
}
