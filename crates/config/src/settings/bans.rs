//! Settings of bans.

use ipnet::IpNet;

use super::{LIST_ITEMS_MAX, parse};

/// What happens to clients with enough offences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanMode {
    /// Nothing is counted, and no ban is in force.
    Off,
    /// They are counted and logged. Bans of operators are in force.
    Observe,
    /// Their networks are banned.
    Enforce,
}

const MODES: [(&str, BanMode); 3] =
    [("off", BanMode::Off), ("observe", BanMode::Observe), ("enforce", BanMode::Enforce)];

settings! { read =>
    /// Bans.
    #[derive(Clone, Debug)]
    pub struct Bans {
        /// What happens to clients with enough offences.
        mode: BanMode = read.get("bans.mode", "BANS").choice(&MODES);
        /// Networks that are never banned, beside loopback and trusted proxies.
        never: Vec<IpNet> = read.get("bans.never", "BAN_NEVER").list(LIST_ITEMS_MAX, parse::network);
    }
}
