//! Where a delivery came in.

use std::fmt;
use std::str::FromStr;

use domain::Provider;

use crate::alpaca::Kind;

/// Which source, and which of its systems: it decides how a delivery is proved and how its body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The broker, by kind of event.
    Alpaca(Kind),
    /// Bank accounts and transfers.
    Bridge,
    /// Wallets: Circle's second system, which posts and signs by itself.
    CircleDirect,
    /// Mint: Circle's first system, which Amazon SNS delivers and signs.
    CircleSns,
}

/// How a delivery reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// It was posted to us, and its signature was checked.
    Webhook,
    /// It was read from a stream that we opened ourselves.
    Stream,
}

/// The text is no channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a channel is alpaca/trade, alpaca/account, alpaca/transfer, alpaca/journal, alpaca/nta, alpaca/activity, bridge, circle/direct or circle/sns"
)]
pub struct ChannelError;

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 9] = [
        Self::Alpaca(Kind::Trade),
        Self::Alpaca(Kind::Account),
        Self::Alpaca(Kind::Transfer),
        Self::Alpaca(Kind::Journal),
        Self::Alpaca(Kind::Nta),
        Self::Alpaca(Kind::Activity),
        Self::Bridge,
        Self::CircleDirect,
        Self::CircleSns,
    ];

    /// Its name, under which deliveries are kept and counted.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alpaca(Kind::Trade) => "alpaca/trade",
            Self::Alpaca(Kind::Account) => "alpaca/account",
            Self::Alpaca(Kind::Transfer) => "alpaca/transfer",
            Self::Alpaca(Kind::Journal) => "alpaca/journal",
            Self::Alpaca(Kind::Nta) => "alpaca/nta",
            Self::Alpaca(Kind::Activity) => "alpaca/activity",
            Self::Bridge => "bridge",
            Self::CircleDirect => "circle/direct",
            Self::CircleSns => "circle/sns",
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn provider(self) -> Provider {
        match self {
            Self::Alpaca(_) => Provider::Alpaca,
            Self::Bridge => Provider::Bridge,
            Self::CircleDirect | Self::CircleSns => Provider::Circle,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Channel {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Self, ChannelError> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text).ok_or(ChannelError)
    }
}

impl Transport {
    /// Its name, under which deliveries are kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Stream => "stream",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_read_back_from_its_name() {
        for channel in Channel::ALL {
            assert_eq!(channel.as_str().parse(), Ok(channel));
            assert!(channel.as_str().starts_with(channel.provider().as_str()));
        }
        assert!("circle".parse::<Channel>().is_err());
    }
}
