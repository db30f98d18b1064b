//! Finds out who is calling: exactly one key, in `X-API-Key` or as a bearer token.
//!
//! A wrong key is always answered alike, whatever is wrong with it. Wrong attempts are slowed down for whoever makes
//! them; a valid key is looked up first and never waits for the mistakes of others.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use http::{HeaderMap, HeaderValue, header};

use super::exchange::Exchange;
use super::sensitive_headers::X_API_KEY;
use super::step::Step;
use crate::client_address::Network;
use crate::keys::{AuthMode, Key, Role, Throttle, claimed_id};
use crate::metrics::Metrics;
use crate::problem::{Kind, Problem};

/// Who is calling.
#[derive(Clone, Debug)]
pub struct Caller {
    role: Role,
    key: Option<Arc<Key>>,
}

impl Caller {
    /// What it may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its key; `None` on an open server.
    #[must_use]
    pub fn key(&self) -> Option<&Arc<Key>> {
        self.key.as_ref()
    }

    #[cfg(test)]
    pub(super) fn with_role(role: Role) -> Self {
        Self { role, key: None }
    }
}

/// The layer. All clones share one state.
#[derive(Clone, Debug)]
pub struct ApiKeys(Arc<State>);

#[derive(Debug)]
struct State {
    mode: AuthMode,
    throttle: Throttle,
    subjects: RandomState,
    metrics: Arc<Metrics>,
}

impl ApiKeys {
    /// Keys as the mode has them; so many wrong attempts a minute are answered at once.
    #[must_use]
    pub fn new(mode: AuthMode, failures_per_minute: u32, metrics: Arc<Metrics>) -> Self {
        let throttle = Throttle::new(failures_per_minute);
        Self(Arc::new(State { mode, throttle, subjects: RandomState::new(), metrics }))
    }
}

impl Step for ApiKeys {
    type After = ();

    fn before(&self, request: &mut Request) -> Result<(), Problem> {
        let ring = match &self.0.mode {
            AuthMode::Keys(ring) => ring,
            AuthMode::Open => {
                Exchange::of(request)?.set_caller(Caller { role: Role::OPEN, key: None });
                return Ok(());
            }
        };
        let exchange = Exchange::of(request)?;
        let presented = credential(request.headers())?;
        let Some(key) = presented.and_then(|presented| ring.find(presented)) else {
            return Err(self.0.refuse(presented, exchange.client()));
        };
        exchange.set_caller(Caller { role: key.role(), key: Some(key) });
        Ok(())
    }
}

impl State {
    fn refuse(&self, presented: Option<&[u8]>, client: Option<IpAddr>) -> Problem {
        let Some(presented) = presented else {
            self.metrics.auth_missing.inc();
            return unauthorized();
        };
        // Guesses are counted for the address and, so that many addresses do not help, for the key they aim at.
        let address = client.map(|address| Network::of(address).to_bits());
        let subjects = [
            Some(self.subjects.hash_one(address)),
            claimed_id(presented).map(|id| self.subjects.hash_one(id)),
        ];
        match self.throttle.note_failure(subjects.into_iter().flatten()) {
            None => {
                self.metrics.auth_rejected.inc();
                unauthorized()
            }
            Some(wait) => {
                self.metrics.auth_throttled.inc();
                Problem::new(Kind::TooManyFailures, "too many wrong keys were tried")
                    .retry_after_s(wait.as_secs() + 1)
            }
        }
    }
}

/// The key that is presented. Two of them are refused, because two readers could take different ones.
fn credential(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut keys = headers.get_all(X_API_KEY).iter();
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    match (keys.next(), authorizations.next(), keys.next().or(authorizations.next())) {
        (None, None, None) => Ok(None),
        (Some(key), None, None) => Ok(Some(key.as_bytes())),
        // Another scheme is no key: it is refused like a wrong one.
        (None, Some(authorization), None) => Ok(Some(bearer(authorization.as_bytes()).unwrap_or_default())),
        _ => {
            Err(Problem::new(Kind::BadRequest, "present exactly one key: X-API-Key or Authorization: Bearer"))
        }
    }
}

fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = authorization.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

fn unauthorized() -> Problem {
    let challenge = HeaderValue::from_static("Bearer realm=\"investiq\"");
    Problem::new(Kind::Unauthorized, "a valid API key is required, in X-API-Key or as a bearer token")
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests;
