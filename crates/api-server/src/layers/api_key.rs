//! Authenticates the caller: exactly one key, in `X-API-Key` or as a bearer token.
//!
//! Every invalid key gets the same response. A client that keeps sending invalid keys is slowed down; a valid key never waits.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use config::api_keys::{Key, Sighting, UseError, claimed_id};
use http::{HeaderMap, HeaderValue, Method, header};
use rate_limit::{Network, Offence};
use store::ApiKeyUse;
use telemetry::Clock;
use telemetry::metrics::{Anomaly, Metrics};

use super::hook::RequestHook;
use super::sensitive_headers::X_API_KEY;
use crate::auth_events::{AuthEvent, AuthEvents};
use crate::bans::Bans;
use crate::direct_request::DirectRequests;
use crate::keys::{AuthMode, KeyRing, Throttle, UNCHECKED_MAX};
use crate::problem::{Kind, Problem};
use crate::request_context::{Caller, RequestContext};

/// Where API keys are created, also the first one.
const KEYS_PATH: &str = "/api/admin/keys";
/// `Retry-After` while the database does not answer, in seconds.
const RETRY_AFTER_S: u64 = 2;

/// All clones share one state.
#[derive(Clone, Debug)]
pub(crate) struct ApiKeys {
    mode: AuthMode,
    direct: DirectRequests,
    throttle: Arc<Throttle>,
    subjects: RandomState,
    metrics: Arc<Metrics>,
    events: Arc<AuthEvents>,
    bans: Arc<Bans>,
}

impl ApiKeys {
    /// After `failures_per_minute` invalid keys a client has to wait.
    pub(crate) fn new(
        mode: AuthMode,
        direct: DirectRequests,
        failures_per_minute: u32,
        metrics: Arc<Metrics>,
        events: Arc<AuthEvents>,
        bans: Arc<Bans>,
    ) -> Self {
        let throttle = Arc::new(Throttle::new(failures_per_minute));
        Self { mode, direct, throttle, subjects: RandomState::new(), metrics, events, bans }
    }
}

impl RequestHook for ApiKeys {
    type ResponseHook = ();

    fn on_request(&self, request: &mut Request) -> Result<(), Problem> {
        let context = RequestContext::get(request.extensions())?;
        match &self.mode {
            AuthMode::Keys(_) if context.caller.get().is_some() => Ok(()),
            AuthMode::Keys(ring) => self.bootstrap_or_refuse(ring, request, context),
            AuthMode::Open => {
                self.direct.check(request)?;
                context.caller.get_or_init(Caller::open);
                Ok(())
            }
        }
    }
}

impl ApiKeys {
    /// Notes the caller if the presented key is valid. This layer then refuses requests without a caller.
    pub(super) fn identify<'a>(&self, request: &'a Request) -> Result<Option<&'a Key>, Problem> {
        let AuthMode::Keys(ring) = &self.mode else { return Ok(None) };
        let Ok(Some(presented)) = credential(request.headers()) else { return Ok(None) };
        let Some(key) = ring.find(presented) else { return Ok(None) };
        let context = RequestContext::get(request.extensions())?;
        if let Some(terms) = &key.stored {
            let (client, now) = (context.client.get().copied(), Clock::System.now());
            // The limit of the key is for those who may use it.
            if unusable(ring, &key, client).is_some() {
                return Ok(None);
            }
            if let Some(ip) = client {
                terms.usage.note(ApiKeyUse { at: now, ip });
            }
        }
        self.note_use(&key, context.client.get());
        Ok(context.caller.get_or_init(|| Caller::with_key(key)).key().map(|key| &**key))
    }

    /// Refuses a request without a valid key, unless it creates the first key.
    fn bootstrap_or_refuse(
        &self,
        ring: &KeyRing,
        request: &Request,
        context: &RequestContext,
    ) -> Result<(), Problem> {
        let (presented, client) = (credential(request.headers())?, context.client.get());
        let creates_key = request.method() == Method::POST && context.route() == Some(KEYS_PATH);
        if creates_key && presented.is_some_and(|presented| ring.is_bootstrap_token(presented)) {
            context.caller.get_or_init(Caller::bootstrap);
            return Ok(());
        }
        let key = presented.and_then(|presented| ring.find(presented));
        let unusable = key.as_ref().and_then(|key| Some((key, unusable(ring, key, client.copied())?)));
        let Some((key, reason)) = unusable else {
            // Somebody who uses a key that has ended guesses none.
            if let Some(wrong) = presented.filter(|presented| !ring.is_ended(presented)) {
                self.bans.record(client, Offence::WrongKey, wrong);
            }
            return Err(self.refuse(presented, client));
        };
        let label = Some(key.label());
        match reason {
            Unusable::Now(UseError::Expired) => {
                self.events.record(AuthEvent::Expired(label));
                Err(self.refuse(presented, client))
            }
            Unusable::Now(UseError::Address) => {
                self.metrics.auth_forbidden.inc();
                self.metrics.key_anomalies.count(Anomaly::Forbidden, key.label());
                self.events.record(AuthEvent::AddressRefused(label));
                Err(Problem::new(Kind::Forbidden, "this API key must not be used from this address"))
            }
            Unusable::Unchecked => {
                self.metrics.auth_unchecked.inc();
                let detail = "the database does not say whether this API key was revoked";
                Err(Problem::new(Kind::StoreUnavailable, detail).retry_after_s(RETRY_AFTER_S))
            }
        }
    }

    fn note_use(&self, key: &Key, client: Option<&IpAddr>) {
        let Some(client) = client else { return };
        match key.networks_seen.note(Network::from(*client).to_bits()) {
            Sighting::Known => {}
            Sighting::First => self.events.record(AuthEvent::FirstUse(Some(key.label()))),
            Sighting::NewNetwork => self.metrics.key_anomalies.count(Anomaly::NewNetwork, key.label()),
        }
    }

    /// Refuses a request without a valid key from a banned network.
    pub(super) fn check_ban(&self, request: &Request) -> Result<(), Problem> {
        self.bans.check(RequestContext::get(request.extensions())?.client.get())
    }

    fn refuse(&self, presented: Option<&[u8]>, client: Option<&IpAddr>) -> Problem {
        let Some(presented) = presented else {
            self.metrics.auth_missing.inc();
            return unauthorized();
        };
        self.metrics.key_anomalies.count_unknown();
        self.events.record(AuthEvent::Rejected(client.map(|address| Network::from(*address))));
        // Counted for the address and for the id of the guessed key, so that many addresses do not help.
        let address = client.map(|address| Network::from(*address).to_bits());
        let subjects = [
            Some(self.subjects.hash_one(address)),
            claimed_id(presented).map(|id| self.subjects.hash_one(id)),
        ];
        match self.throttle.record_failure(subjects.into_iter().flatten()) {
            None => {
                self.metrics.auth_rejected.inc();
                unauthorized()
            }
            Some(wait) => {
                self.metrics.auth_throttled.inc();
                Problem::new(Kind::TooManyFailures, "too many invalid API keys")
                    .retry_after_s(wait.as_secs() + 1)
            }
        }
    }
}

/// Why a known key is not accepted.
enum Unusable {
    Now(UseError),
    /// Nobody knows whether it was revoked, and it could change something.
    Unchecked,
}

fn unusable(ring: &KeyRing, key: &Key, client: Option<IpAddr>) -> Option<Unusable> {
    let terms = key.stored.as_ref()?;
    match terms.check(client, Clock::System.now()) {
        Err(error) => Some(Unusable::Now(error)),
        Ok(()) if !key.scopes.only_read() && ring.unchecked() > UNCHECKED_MAX => Some(Unusable::Unchecked),
        Ok(()) => None,
    }
}

/// The presented key. Two of them are refused, because two parsers could choose different ones.
fn credential(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut keys = headers.get_all(X_API_KEY).iter();
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    match (keys.next(), authorizations.next(), keys.next().or(authorizations.next())) {
        (None, None, None) => Ok(None),
        (Some(key), None, None) => Ok(Some(key.as_bytes())),
        // Another scheme counts as an invalid key.
        (None, Some(authorization), None) => Ok(Some(bearer(authorization.as_bytes()).unwrap_or_default())),
        _ => {
            Err(Problem::new(Kind::BadRequest, "send exactly one API key, in X-API-Key or as a bearer token"))
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
