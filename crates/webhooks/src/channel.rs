//! Where a delivery came in.

use std::fmt;

use domain::Provider;

/// A protocol of a provider. It decides how a delivery is verified and how its body is interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    provider: Provider,
    name: &'static str,
}

/// An endpoint: a provider's path, with the value of the parameter in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) provider: Provider,
    pub(crate) parameter: Option<&'static str>,
}

/// How a delivery reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// It was posted to us, and its signature was checked.
    Webhook,
    /// It was read from a stream that we opened ourselves.
    Stream,
}

impl Channel {
    pub(crate) const fn new(provider: Provider, name: &'static str) -> Self {
        Self { provider, name }
    }

    /// The name, under which deliveries are stored and counted.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.name
    }

    /// The provider.
    #[must_use]
    pub const fn provider(self) -> Provider {
        self.provider
    }
}

impl Endpoint {
    /// The provider.
    #[must_use]
    pub const fn provider(self) -> Provider {
        self.provider
    }

    /// The value of the parameter in the path.
    #[must_use]
    pub const fn parameter(self) -> Option<&'static str> {
        self.parameter
    }
}

impl Transport {
    /// The name under which deliveries are stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Stream => "stream",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}
