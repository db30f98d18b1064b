//! Whether clients need API keys, and whether the service may start without any.

use std::net::IpAddr;
use std::sync::Arc;

use super::KeyRing;

/// How clients are authenticated.
#[derive(Clone, Debug)]
pub(crate) enum AuthMode {
    /// By API keys.
    Keys(Arc<KeyRing>),
    /// Not at all: every client on this machine has read access.
    Open,
}

/// Why the service must not start without API keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthModeError {
    #[error("REQUIRE_AUTH is set and API_KEYS has no key")]
    KeysRequired,
    #[error(
        "API_KEYS has no key and BIND_ADDRESS is {0}, which is not a loopback address: other machines could reach the service"
    )]
    Reachable(IpAddr),
}

impl AuthMode {
    /// Keys if there are any. Without keys the service is open, but only on a loopback address.
    ///
    /// # Errors
    /// Keys are required, or other machines could reach the service.
    pub(crate) fn decide(
        ring: Option<Arc<KeyRing>>,
        bind: IpAddr,
        keys_required: bool,
    ) -> Result<Self, AuthModeError> {
        match ring {
            Some(ring) => Ok(Self::Keys(ring)),
            None if keys_required => Err(AuthModeError::KeysRequired),
            None if !bind.to_canonical().is_loopback() => Err(AuthModeError::Reachable(bind)),
            None => Ok(Self::Open),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
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
            ("127.0.0.1", true, Some(AuthModeError::KeysRequired)),
            ("0.0.0.0", true, Some(AuthModeError::KeysRequired)),
            ("0.0.0.0", false, Some(AuthModeError::Reachable([0, 0, 0, 0].into()))),
            ("192.0.2.1", false, Some(AuthModeError::Reachable([192, 0, 2, 1].into()))),
        ] {
            let decided = AuthMode::decide(None, bind.parse().unwrap(), keys_required);
            assert_eq!(decided.err(), expected, "{bind} {keys_required}");
        }
    }
}
