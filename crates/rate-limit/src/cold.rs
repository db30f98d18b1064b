//! Addresses that make few requests: each replica counts them alone, so that a flood from many addresses does not reach Redis.

use std::time::Duration;

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
    /// Those that Redis should know, but there are too many.
    shares: [Table; TIERS.len()],
}

impl ColdAddresses {
    /// Without requests.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        let tables = || std::array::from_fn(|_| Table::new(capacity));
        Self { tables: tables(), shares: tables() }
    }

    /// Counts a request of a network in this tier, whose limit is `limit`.
    ///
    /// # Errors
    /// The number of requests that the other replicas do not know, if they must from now on: the caller makes the network known and
    /// calls [`forget`](Self::forget), or else [`check_share`](Self::check_share). This request is not counted.
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
        self.tables[tier].measure_and_replace(&network, |arrival| {
            let arrival = nanos(arrival).max(now);
            let spent = (arrival - now).saturating_add(period - 1) / period;
            if spent >= burst {
                return Err(number(spent.min(burst)));
            }
            // What the other replicas allow is not known: as much of the burst as is used here.
            let status = limit.status(limit.burst.get().saturating_sub(number(spent + 1)));
            Ok((status, Nanos::new(arrival.saturating_add(period).unsigned_abs())))
        })
    }

    /// Counts a request that [`check`](Self::check) did not, with this replica's part of the limit: `limit` divided by the replicas,
    /// but one request at least. `spent` were counted before.
    ///
    /// # Errors
    /// The network has used its part.
    pub fn check_share(
        &self,
        tier: usize,
        network: Network,
        (limit, spent): (Limit, u32),
        shared::Moment { now, replicas, .. }: shared::Moment,
    ) -> Result<LimitStatus, LimitStatus> {
        let (limit, replicas) = (limit.bounded(), i64::from(replicas.max(1)));
        let period = limit.period_nanos().saturating_mul(replicas);
        let burst_time = limit.period_nanos().saturating_mul(replicas.max(limit.burst.get().into()));
        let now = now.max(0);
        self.shares[tier].measure_and_replace(&network, |arrival| {
            let known = if arrival.is_some() { 0 } else { period.saturating_mul(spent.into()) };
            let next = nanos(arrival).max(now).saturating_add(known).saturating_add(period);
            match next.saturating_sub(now) - burst_time {
                wait @ 1.. => Err(LimitStatus::exceeded(Duration::from_nanos(wait.unsigned_abs()))),
                left => Ok((limit.status(number(-left / period)), Nanos::new(next.unsigned_abs()))),
            }
        })
    }

    /// Starts to count from zero, because the other replicas know what was counted.
    pub fn forget(&self, tier: usize, network: Network) {
        for tables in [&self.tables, &self.shares] {
            let _absent = tables[tier].measure_and_replace(&network, |arrival| match arrival {
                Some(_) => Ok(((), Nanos::new(0))),
                None => Err(()),
            });
        }
    }
}

fn nanos(arrival: Option<Nanos>) -> i64 {
    arrival.map_or(0, |arrival| i64::try_from(arrival.as_u64()).unwrap_or(i64::MAX))
}

fn number(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
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
        assert_eq!(check(SECOND), Err(10), "they stay counted until Redis knows them");
        cold.forget(0, network);
        assert!(check(SECOND).is_ok(), "what was reported is not reported again");
        // 600 / 50 / 5 a minute.
        assert_eq!((0..20).filter(|_| check(SECOND).is_ok()).count(), 9);
        assert_eq!((check(26 * SECOND).is_ok(), check(26 * SECOND).is_err()), (true, true));
    }

    #[test]
    fn an_address_that_cannot_be_known_has_this_replicas_part_of_its_limit() {
        let number = |number| NonZeroU32::new(number).unwrap();
        let network = Network::from("192.0.2.1".parse::<IpAddr>().unwrap());
        // Requests a minute, burst, replicas; allowed in the first second and in a minute.
        for (per_minute, burst, replicas, in_a_second, in_a_minute) in
            [(600, 100, 5, 21..=21, 139..=142), (60, 5, 10, 1..=1, 6..=6), (60, 1, 1, 1..=1, 60..=60)]
        {
            let cold = ColdAddresses::new(Capacity::FewClients);
            let limit = Limit { per_minute: number(per_minute), burst: number(burst) };
            let check = |now| {
                let moment = shared::Moment { now, replicas, is_away: false };
                cold.check(0, network, limit, moment)
                    .or_else(|spent| cold.check_share(0, network, (limit, spent), moment))
            };
            let name = format!("{per_minute} a minute, burst {burst}, {replicas} replicas");
            let second = (0..100).filter(|step| check(SECOND + step * SECOND / 100).is_ok()).count();
            assert!(in_a_second.contains(&second), "{name}: {second}");
            let rest = (100..6000).filter(|step| check(SECOND + step * SECOND / 100).is_ok()).count();
            assert!(in_a_minute.contains(&(second + rest)), "{name}: {second} and {rest}");
            let status = check(61 * SECOND).err().or_else(|| check(61 * SECOND).err()).unwrap();
            let later = 61 * SECOND + i64::try_from(status.reset_s).unwrap() * SECOND;
            assert!(check(later).is_ok(), "{name}: after {} s", status.reset_s);
        }
    }
}
