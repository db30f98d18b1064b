//! Limits by client address.

use std::fmt;
use std::net::IpAddr;

use governor::RateLimiter;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::StateInformationMiddleware;

use crate::table::{Capacity, Table};
use crate::{Limit, LimitStatus, Network};

type TableLimiter = RateLimiter<Network, Table, MonotonicClock, StateInformationMiddleware>;

/// A limit for each IPv4 address and IPv6 /64, and a wider one for each IPv6 /48.
pub struct AddressLimiter {
    limit: Limit,
    by_network: TableLimiter,
    by_site: TableLimiter,
}

/// The exceeded limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The limit of the address or /64.
    Network,
    /// The limit of the /48.
    Site,
}

/// The client must wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The exceeded limit.
    pub scope: Scope,
    /// Includes the time until the next request is allowed.
    pub status: LimitStatus,
}

impl AddressLimiter {
    /// Unused limits.
    #[must_use]
    pub fn new(limit: Limit, capacity: Capacity) -> Self {
        let limiter = |limit: Limit| TableLimiter::new(limit.quota(), Table::new(capacity), MonotonicClock);
        Self { limit, by_network: limiter(limit), by_site: limiter(limit.for_site()) }
    }

    /// Counts a request from this address.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub fn check(&self, address: IpAddr) -> Result<LimitStatus, Exceeded> {
        let network = Network::from(address);
        let exceeded = |scope, wait| Exceeded { scope, status: LimitStatus::exceeded(wait) };
        let status = match self.by_network.check_key(&network) {
            Ok(snapshot) => self.limit.status(snapshot.remaining_burst_capacity()),
            Err(refusal) => {
                return Err(exceeded(Scope::Network, refusal.wait_time_from(MonotonicClock.now())));
            }
        };
        match network.site().map(|site| self.by_site.check_key(&site)) {
            Some(Err(refusal)) => Err(exceeded(Scope::Site, refusal.wait_time_from(MonotonicClock.now()))),
            Some(Ok(_)) | None => Ok(status),
        }
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
        assert_eq!(limiter.check(address("192.0.2.1")), Err(Exceeded { scope: Scope::Network, status }));
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
