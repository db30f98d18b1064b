//! Addresses that make few requests: each replica counts them alone, so that a flood from many addresses does not reach Redis.

use std::convert::Infallible;

use governor::nanos::Nanos;
use governor::state::StateStore;

use crate::table::{Capacity, Table};
use crate::{Limit, LimitStatus, Network, TIERS, shared};

/// The part of its limit that an address may use on all replicas together without being known to Redis: one in fifty requests, and
/// half of the burst.
const RATE_PART: i64 = 50;
const BURST_PART: i64 = 2;

/// Requests of addresses that Redis does not know.
#[derive(Debug)]
pub struct ColdAddresses {
    tables: [Table; TIERS.len()],
}

impl ColdAddresses {
    /// Without requests.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        Self { tables: std::array::from_fn(|_| Table::new(capacity)) }
    }

    /// Counts a request of a network in this tier, whose limit is `limit`, or starts to count from zero.
    ///
    /// # Errors
    /// The number of requests that the other replicas do not know, if they must from now on.
    pub fn check(
        &self,
        tier: usize,
        network: Network,
        limit: Limit,
        shared::Moment { now, replicas, .. }: shared::Moment,
    ) -> Result<LimitStatus, u32> {
        let (limit, replicas) = (limit.bounded(), i64::from(replicas.max(1)));
        let period = limit.period_nanos().saturating_mul(replicas * RATE_PART);
        let burst = i64::from(limit.burst.get()) / (BURST_PART * replicas);
        let now = now.max(0);
        let decide = |arrival: Option<Nanos>| {
            let arrival =
                arrival.map_or(0, |arrival| i64::try_from(arrival.as_u64()).unwrap_or(i64::MAX)).max(now);
            let spent = arrival.saturating_sub(now).saturating_add(period - 1) / period;
            let (result, next) = match spent < burst {
                true => (Ok(burst - spent - 1), arrival.saturating_add(period)),
                false => (Err(spent.min(burst)), now),
            };
            Ok::<_, Infallible>((result, Nanos::new(next.unsigned_abs())))
        };
        let number = |number: i64| u32::try_from(number).unwrap_or_default();
        match self.tables[tier].measure_and_replace(&network, decide) {
            Ok(Ok(left)) => {
                // What the other replicas allow is not known: as much of the burst as is left here.
                let used = burst - left;
                Ok(limit.status(limit.burst.get().saturating_sub(number(used))))
            }
            Ok(Err(spent)) => Err(number(spent)),
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::num::NonZeroU32;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn an_address_may_use_a_part_of_its_limit_and_is_then_to_be_known() {
        let cold = ColdAddresses::new(Capacity::FewClients);
        let number = |number| NonZeroU32::new(number).unwrap();
        let limit = Limit { per_minute: number(600), burst: number(100) };
        let network = Network::from("192.0.2.1".parse::<IpAddr>().unwrap());
        let at = |now| shared::Moment { now, replicas: 5, is_away: false };
        let check = |now| cold.check(0, network, limit, at(now)).map(|status| status.remaining);
        // A tenth of the burst.
        let results: Vec<_> = (0..11).map(|_| check(SECOND)).collect();
        assert_eq!(results[..10], [99, 98, 97, 96, 95, 94, 93, 92, 91, 90].map(Ok));
        assert_eq!(results[10], Err(10), "ten are reported to Redis, which decides about this request");
        assert!(check(SECOND).is_ok(), "what was reported is not reported again");
        // 600 / 50 / 5 a minute.
        assert_eq!((0..9).map(|_| check(SECOND)).filter(Result::is_ok).count(), 9);
        assert_eq!((check(26 * SECOND).is_ok(), check(26 * SECOND).is_err()), (true, true));
    }
}
