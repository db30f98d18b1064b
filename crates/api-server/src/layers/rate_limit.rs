//! Limits how often one client may ask: by address here, by key in [`key_limit`](super::key_limit).
//!
//! The algorithm is GCRA (`governor`): one arrival time per client, no window edge at which twice the limit passes.
//! Refusing costs no more than serving, and memory is bounded whatever addresses appear.

mod fields;
mod quota;
mod table;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use governor::RateLimiter;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use prometheus::IntCounter;

use super::exchange::Exchange;
use super::step::{After, Step};
use crate::client_address::Network;
use crate::metrics::Metrics;
use crate::problem::{Kind, Problem};

pub use fields::{Fields, RATE_LIMIT_HEADERS};
use quota::Policy;
pub use quota::{Config, KeyLimiter, Standing};
use table::Table;

/// How many times the limit of one /64 a whole /48 has: a site with many real users, or one spammer with many networks.
const SITE_FACTOR: u32 = 16;

type TableLimiter = RateLimiter<Network, Table, MonotonicClock, StateInformationMiddleware>;

/// The layer. All clones share one state.
#[derive(Clone)]
pub struct AddressLimit(Arc<Limiters>);

struct Limiters {
    policy: Policy,
    by_network: TableLimiter,
    by_site: TableLimiter,
    clock: MonotonicClock,
    refused_network: IntCounter,
    refused_site: IntCounter,
}

impl AddressLimit {
    /// A limit of its own for each IPv4 address and IPv6 /64.
    #[must_use]
    pub fn new(config: Config, metrics: &Metrics) -> Self {
        let refused = [metrics.limited_by_address.clone(), metrics.limited_by_site.clone()];
        Self::with_table(config, &["address"], Table::new, refused)
    }

    /// The same for deliveries of one source: apart from the API's, and with few places, because few clients deliver.
    #[must_use]
    pub fn of_source(config: Config, metrics: &Metrics) -> Self {
        let refused = metrics.limited_by_source.clone();
        Self::with_table(config, &["source"], Table::small, [refused.clone(), refused])
    }

    /// A limit on what one client can make us ask of others.
    #[must_use]
    pub fn of_fetches(config: Config, refused: &IntCounter) -> Self {
        Self::with_table(config, &["fetch"], Table::small, [refused.clone(), refused.clone()])
    }

    /// One thing more for the client at this address.
    ///
    /// # Errors
    /// How many seconds it has to wait.
    pub fn admit(&self, address: IpAddr) -> Result<(), u64> {
        self.check(Network::of(address)).map(drop).map_err(|standing| standing.reset_s)
    }

    fn with_table(
        config: Config,
        name: &'static [&'static str; 1],
        table: impl Fn() -> Table,
        refused: [IntCounter; 2],
    ) -> Self {
        let limiter = |config: Config| TableLimiter::new(config.quota(), table(), MonotonicClock);
        let [refused_network, refused_site] = refused;
        Self(Arc::new(Limiters {
            policy: Policy::new(name, config),
            by_network: limiter(config),
            by_site: limiter(config.times(SITE_FACTOR)),
            clock: MonotonicClock,
            refused_network,
            refused_site,
        }))
    }

    fn check(&self, network: Network) -> Result<Standing, Standing> {
        let Limiters { policy, by_network, by_site, clock, refused_network, refused_site } = &*self.0;
        let standing = match by_network.check_key(&network) {
            Ok(snapshot) => policy.standing(snapshot.remaining_burst_capacity()),
            Err(refusal) => {
                refused_network.inc();
                return Err(policy.exhausted(refusal.wait_time_from(clock.now())));
            }
        };
        match network.site().map(|site| by_site.check_key(&site)) {
            Some(Err(refusal)) => {
                refused_site.inc();
                Err(policy.exhausted(refusal.wait_time_from(clock.now())))
            }
            Some(Ok(_)) | None => Ok(standing),
        }
    }
}

impl fmt::Debug for AddressLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AddressLimit").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}

/// What an answer says of the client's limit.
#[derive(Debug)]
pub struct Told {
    limit: AddressLimit,
    standing: Standing,
}

impl Step for AddressLimit {
    type After = Told;

    fn before(&self, request: &mut Request) -> Result<Told, Problem> {
        let Some(address) = Exchange::of(request)?.client() else {
            return Err(Problem::new(Kind::Internal, "the client's address is not known"));
        };
        match self.check(Network::of(address)) {
            Ok(standing) => Ok(Told { limit: self.clone(), standing }),
            Err(standing) => Err(self.0.policy.problem(standing)),
        }
    }
}

impl After for Told {
    fn after(self, response: &mut Response) {
        // A layer further in may have told of a limit that binds more closely.
        if !Fields::are_in(response.headers()) {
            self.limit.0.policy.fields(self.standing).put_in(response.headers_mut());
        }
    }
}

#[cfg(test)]
mod tests;
