//! Limits by client address.

use std::fmt;
use std::net::IpAddr;

use governor::RateLimiter;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::StateInformationMiddleware;

use crate::table::{Capacity, Table};
use crate::{Limit, LimitStatus, Network, TIERS};

type TableLimiter = RateLimiter<Network, Table, MonotonicClock, StateInformationMiddleware>;

/// A limit for each IPv4 address and IPv6 /64, and higher ones for the wider networks of [`TIERS`].
pub struct AddressLimiter {
    limit: Limit,
    tiers: [TableLimiter; TIERS.len()],
}

/// The client must wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Index in [`TIERS`] of the exceeded limit.
    pub tier: usize,
    /// Includes the time until the next request is allowed.
    pub status: LimitStatus,
}

impl AddressLimiter {
    /// Unused limits.
    #[must_use]
    pub fn new(limit: Limit, capacity: Capacity) -> Self {
        let limiter = |limit: Limit| TableLimiter::new(limit.quota(), Table::new(capacity), MonotonicClock);
        Self { limit, tiers: TIERS.each_ref().map(|tier| limiter(limit.for_tier(tier))) }
    }

    /// Counts a request from this address. The status is that of the first tier.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn check(&self, address: IpAddr) -> Result<LimitStatus, Exceeded> {
        let mut remaining = None;
        for (tier, network) in Network::from(address).tiers().enumerate() {
            match self.tiers[tier].check_key(&network) {
                Ok(snapshot) => _ = remaining.get_or_insert(snapshot.remaining_burst_capacity()),
                Err(refusal) => {
                    let wait = refusal.wait_time_from(MonotonicClock.now());
                    return Err(Exceeded { tier, status: LimitStatus::exceeded(wait) });
                }
            }
        }
        Ok(self.limit.status(remaining.unwrap_or_default()))
    }
}

impl fmt::Debug for AddressLimiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AddressLimiter").field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;
    use crate::KeyLimiter;

    fn limit(per_minute: u32, burst: u32) -> Limit {
        Limit { per_minute: NonZeroU32::new(per_minute).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
    }

    fn limiter(per_minute: u32, burst: u32) -> AddressLimiter {
        AddressLimiter::new(limit(per_minute, burst), Capacity::ManyClients)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_is_allowed_and_the_next_request_must_wait() {
        let limiter = limiter(60, 3);
        let remaining: Vec<u32> =
            (0..3).map(|_| limiter.check(address("192.0.2.1")).unwrap().remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let status = LimitStatus { remaining: 0, reset_s: 1 };
        assert_eq!(limiter.check(address("192.0.2.1")), Err(Exceeded { tier: 0, status }));
        assert!(limiter.check(address("192.0.2.2")).is_ok());
    }

    #[test]
    fn waiting_for_reset_s_is_enough_even_if_the_wait_is_under_a_second() {
        let limiter = limiter(100, 1);
        limiter.check(address("192.0.2.1")).unwrap();
        let exceeded = limiter.check(address("192.0.2.1")).unwrap_err();
        assert_eq!(exceeded.status.reset_s, 1, "600 ms, rounded up");
        std::thread::sleep(Duration::from_secs(exceeded.status.reset_s));
        assert!(limiter.check(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn rotating_ipv6_addresses_gains_nothing_within_a_64_and_little_within_a_48() {
        let limiter = limiter(1, 2);
        let within_64 =
            (0..100).filter(|host| limiter.check(address(&format!("2001:db8::{host:x}"))).is_ok()).count();
        assert_eq!(within_64, 2);
        let within_48 =
            (1..300).filter(|net| limiter.check(address(&format!("2001:db8:0:{net:x}::1"))).is_ok()).count();
        assert_eq!(within_48, 2 * 16 - 2, "sixteen times the burst, less what the first network used");
        assert!(limiter.check(address("2001:db8:1::1")).is_ok());
    }

    #[test]
    fn rotating_through_the_48s_of_a_32_gains_no_more_than_its_limit() {
        let limiter = limiter(1, 2);
        let results: Vec<_> =
            (0..2000).map(|site| limiter.check(address(&format!("2001:db8:{site:x}::1")))).collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2 * 256);
        assert!(matches!(results.last(), Some(Err(Exceeded { tier: 2, .. }))));
        assert!(limiter.check(address("2001:db9::1")).is_ok());
    }

    #[test]
    fn a_million_addresses_take_no_memory_and_do_not_reset_an_exceeded_limit() {
        let limiter = limiter(1, 2);
        let busy = address("192.0.2.1");
        let mut allowed = 0;
        for number in 0..1_000_000_u32 {
            let _other = limiter.check(IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
            if number % 1000 == 0 && limiter.check(busy).is_ok() {
                allowed += 1;
            }
        }
        assert_eq!(allowed, 2);
    }

    #[test]
    fn every_rate_from_one_to_the_largest_number_works() {
        for per_minute in [1, 59, 60, 61, 1_000_000_000, u32::MAX] {
            let key = KeyLimiter::new(limit(per_minute, 10));
            assert!(key.check().is_ok(), "{per_minute}");
            assert!(key.check().unwrap().remaining <= 10, "{per_minute}");
            assert!(limiter(per_minute, u32::MAX).check(address("192.0.2.1")).is_ok(), "{per_minute}");
        }
    }
}
