//! Whether clients need API keys, and whether the service may start without any.

use std::net::IpAddr;
use std::sync::Arc;

use config::Config;

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
    /// Keys if there are any. Without keys the service is open, but only to this machine.
    ///
    /// # Errors
    /// Keys are required, or other machines could reach the service.
    pub(crate) fn decide(ring: Option<Arc<KeyRing>>, config: &Config) -> Result<Self, AuthModeError> {
        match ring {
            Some(ring) => Ok(Self::Keys(ring)),
            None if config.keys_required => Err(AuthModeError::KeysRequired),
            None if !config.is_local() => Err(AuthModeError::Reachable(config.bind_address.ip())),
            None => Ok(Self::Open),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

#[cfg(test)]
mod tests {
    use config::{Connections, Environment};

    use super::*;

    #[test]
    fn without_keys_only_this_machine_is_served_and_only_when_keys_are_not_required() {
        let base = config::load(&Environment::default()).unwrap();
        for (bind, published_on_loopback, keys_required, expected) in [
            ("127.0.0.1", false, false, None),
            ("::1", false, false, None),
            ("::ffff:127.0.0.1", false, false, None),
            ("127.0.0.1", false, true, Some(AuthModeError::KeysRequired)),
            ("0.0.0.0", false, true, Some(AuthModeError::KeysRequired)),
            ("0.0.0.0", false, false, Some(AuthModeError::Reachable([0, 0, 0, 0].into()))),
            ("192.0.2.1", false, false, Some(AuthModeError::Reachable([192, 0, 2, 1].into()))),
            ("0.0.0.0", true, false, None),
            ("0.0.0.0", true, true, Some(AuthModeError::KeysRequired)),
        ] {
            let bind_address = (bind.parse::<IpAddr>().unwrap(), 3000).into();
            let connections = Connections { published_on_loopback, ..base.connections };
            let config = Config { bind_address, connections, keys_required, ..base.clone() };
            let decided = AuthMode::decide(None, &config);
            assert_eq!(decided.err(), expected, "{bind} {published_on_loopback} {keys_required}");
        }
    }
}
