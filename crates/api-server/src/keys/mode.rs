//! Whether the service may start as it is asked to: with keys, or open on this machine alone.

use std::net::IpAddr;
use std::sync::Arc;

use super::KeyRing;

/// How callers are known.
#[derive(Clone, Debug)]
pub enum AuthMode {
    /// By these keys.
    Keys(Arc<KeyRing>),
    /// Not at all: everyone on this machine reads.
    Open,
}

/// Why the service does not start without keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSafe {
    /// It was told to require them.
    #[error("REQUIRE_AUTH is set and API_KEYS has no key")]
    KeysRequired,
    /// Others could reach it.
    #[error(
        "API_KEYS has no key and BIND_ADDRESS is {0}, not a loopback address: everyone could reach the service"
    )]
    Reachable(IpAddr),
}

impl AuthMode {
    /// Keys when there are any; without them open, but only where nobody else can reach it.
    ///
    /// # Errors
    /// Why it would not be safe.
    pub fn decide(ring: Option<Arc<KeyRing>>, bind: IpAddr, keys_required: bool) -> Result<Self, NotSafe> {
        match ring {
            Some(ring) => Ok(Self::Keys(ring)),
            None if keys_required => Err(NotSafe::KeysRequired),
            None if !bind.to_canonical().is_loopback() => Err(NotSafe::Reachable(bind)),
            None => Ok(Self::Open),
        }
    }

    /// Whether everyone on this machine may read.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_keys_only_a_loopback_address_is_served_and_only_when_keys_are_not_required() {
        for (bind, keys_required, expected) in [
            ("127.0.0.1", false, None),
            ("::1", false, None),
            ("::ffff:127.0.0.1", false, None),
            ("127.0.0.1", true, Some(NotSafe::KeysRequired)),
            ("0.0.0.0", true, Some(NotSafe::KeysRequired)),
            ("0.0.0.0", false, Some(NotSafe::Reachable([0, 0, 0, 0].into()))),
            ("192.0.2.1", false, Some(NotSafe::Reachable([192, 0, 2, 1].into()))),
        ] {
            let decided = AuthMode::decide(None, bind.parse().unwrap(), keys_required);
            assert_eq!(decided.err(), expected, "{bind} {keys_required}");
        }
    }
}
