//! How many connections may be open at once, in total and from one client.
//!
//! While all places are taken, a client that has fewer connections than another takes the place of one that the other does not
//! use. A few places are only for probes and for trusted proxies.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rate_limit::{Network, TIERS};
use strict_http1::Connection;
use tokio::sync::Notify;

use crate::client_address::TrustedProxies;

/// Connections of this machine, from which containers are probed, and of trusted proxies, beyond the total limit.
pub(crate) const RESERVED: usize = 64;
/// How many of these proxies cannot take.
const RESERVED_FOR_PROBES: usize = 16;

/// The open connections. The map has only clients with an open connection, so it is bounded by the total limit.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    total_max: usize,
    per_address_max: usize,
    proxies: TrustedProxies,
    open: Mutex<Open>,
    is_crowded: AtomicBool,
    none_open: Notify,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_client: HashMap<Client, Vec<(Network, Arc<Connection>)>>,
}

/// Who shares places fairly with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Client {
    /// Trusted proxies carry many clients; their connections are never closed for others.
    Proxy,
    /// The widest network of an address: an IPv4 address or an IPv6 /32.
    Network(Network),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitHit {
    Total,
    Address,
}

/// One open connection; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Permit {
    limits: Arc<ConnectionLimits>,
    client: Client,
    connection: Arc<Connection>,
}

impl ConnectionLimits {
    /// At most `total_max` connections, `per_address_max` of them from one address (IPv6: one /64), and more from the wider
    /// networks of [`TIERS`]. Only the first limit applies to trusted proxies.
    pub(crate) fn new(total_max: usize, per_address_max: usize, proxies: TrustedProxies) -> Arc<Self> {
        let (open, is_crowded, none_open) = (Mutex::default(), AtomicBool::new(false), Notify::new());
        Arc::new(Self { total_max, per_address_max, proxies, open, is_crowded, none_open })
    }

    pub(crate) fn acquire(self: &Arc<Self>, connection: &Arc<Connection>) -> Result<Permit, LimitHit> {
        let peer = connection.peer().ip();
        let network = Network::from(peer);
        let client = match self.proxies.contains(peer) {
            true => Client::Proxy,
            false => Client::Network(network.tiers().last().unwrap_or(network)),
        };
        let mut open = self.open();
        if client != Client::Proxy && !self.has_room(&open, client, network) {
            return Err(LimitHit::Address);
        }
        if open.total >= self.total_max(client, peer) && !open.close_for(client) {
            return Err(LimitHit::Total);
        }
        open.total += 1;
        open.by_client.entry(client).or_default().push((network, Arc::clone(connection)));
        if open.total > self.total_max / 2 && !self.is_crowded.swap(true, Ordering::Relaxed) {
            open.notify_all();
        }
        Ok(Permit { limits: Arc::clone(self), client, connection: Arc::clone(connection) })
    }

    /// Wakes every connection.
    pub(crate) fn notify_all(&self) {
        self.open().notify_all();
    }

    /// Whether more than half of the places were taken, and not three quarters are free again. When it becomes so, every connection is
    /// woken.
    pub(crate) fn is_crowded(&self) -> bool {
        self.is_crowded.load(Ordering::Relaxed)
    }

    /// The number of open connections.
    pub(crate) fn count(&self) -> usize {
        self.open().total
    }

    /// Ready when no connection is open.
    pub(crate) async fn wait_for_none(&self) {
        while self.count() > 0 {
            self.none_open.notified().await;
        }
    }

    fn total_max(&self, client: Client, peer: IpAddr) -> usize {
        let reserved = match (peer.is_loopback(), client) {
            (true, _) => RESERVED,
            (false, Client::Proxy) => RESERVED - RESERVED_FOR_PROBES,
            (false, Client::Network(_)) => 0,
        };
        self.total_max + reserved
    }

    fn has_room(&self, open: &Open, client: Client, network: Network) -> bool {
        let others = open.by_client.get(&client).map_or(&[][..], Vec::as_slice);
        network.tiers().zip(&TIERS).enumerate().all(|(at, (network, tier))| {
            let is_within = |other: &Network| other.tiers().nth(at) == Some(network);
            let count = others.iter().filter(|(other, _)| is_within(other)).count();
            count < self.per_address_max.saturating_mul(tier.connections_factor)
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn notify_all(&self) {
        self.by_client.values().flatten().for_each(|(_, connection)| connection.notify_change());
    }

    /// Closes the connection that is idle for longest among those of the client with most of them that has an idle one, if `client`
    /// has fewer.
    fn close_for(&mut self, client: Client) -> bool {
        let own = self.by_client.get(&client).map_or(0, Vec::len);
        let is_larger =
            |(other, held): &(&Client, &mut Vec<_>)| **other != Client::Proxy && held.len() > own + 1;
        let mut larger: Vec<_> =
            self.by_client.iter_mut().filter(is_larger).map(|(_, connections)| connections).collect();
        larger.sort_unstable_by_key(|connections| Reverse(connections.len()));
        let Some(connection) = larger.into_iter().find_map(remove_idle) else { return false };
        connection.close();
        self.total -= 1;
        true
    }
}

/// Removes the connection that is idle for longest; `None` if all are in use.
fn remove_idle(connections: &mut Vec<(Network, Arc<Connection>)>) -> Option<Arc<Connection>> {
    let idle = connections.iter().enumerate().filter_map(|(at, (_, other))| Some((other.idle_for()?, at)));
    let (_, longest) = idle.max()?;
    Some(connections.swap_remove(longest).1)
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        let Some(connections) = open.by_client.get_mut(&self.client) else { return };
        // Not found if its place was given to another.
        if let Some(at) = connections.iter().position(|(_, other)| Arc::ptr_eq(other, &self.connection)) {
            connections.swap_remove(at);
            open.total -= 1;
        }
        if open.by_client.get(&self.client).is_some_and(Vec::is_empty) {
            open.by_client.remove(&self.client);
        }
        if open.total < self.limits.total_max / 4 {
            self.limits.is_crowded.store(false, Ordering::Relaxed);
        }
        if open.total == 0 {
            self.limits.none_open.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acquire(limits: &Arc<ConnectionLimits>, address: &str) -> Result<Permit, LimitHit> {
        let address: IpAddr = address.parse().unwrap();
        limits.acquire(&Arc::new(Connection::new((address, 50_000).into())))
    }

    #[test]
    fn one_address_cannot_use_every_connection_and_a_closed_connection_makes_room() {
        let limits = ConnectionLimits::new(4, 2, TrustedProxies::default());
        let first = acquire(&limits, "192.0.2.1").unwrap();
        let _second = acquire(&limits, "192.0.2.1").unwrap();
        assert_eq!(acquire(&limits, "192.0.2.1").unwrap_err(), LimitHit::Address);
        drop(first);
        assert!(acquire(&limits, "192.0.2.1").is_ok());
        assert_eq!(limits.count(), 1);
    }

    #[test]
    fn the_server_is_crowded_from_a_half_of_its_places_down_to_a_quarter() {
        let limits = ConnectionLimits::new(4, 9, TrustedProxies::default());
        let mut permits = Vec::new();
        for (open, crowded) in [(2, false), (3, true), (1, true), (0, false), (2, false), (4, true)] {
            permits.truncate(open);
            permits.extend((permits.len()..open).map(|_| acquire(&limits, "192.0.2.1").unwrap()));
            assert_eq!(limits.is_crowded(), crowded, "{open} open");
        }
    }

    #[test]
    fn the_client_with_most_connections_gives_the_place_that_it_uses_least() {
        let limits = ConnectionLimits::new(4, 3, TrustedProxies::default());
        let greedy = [(); 3].map(|()| acquire(&limits, "192.0.2.1").unwrap());
        // In use: all but the second.
        greedy[0].connection.start_request();
        greedy[2].connection.start_request();
        let first = acquire(&limits, "192.0.2.2").unwrap();
        let second = acquire(&limits, "192.0.2.3").unwrap();
        assert!(greedy.iter().map(|permit| permit.connection.idle_for()).any(|idle| idle.is_some()));
        assert_eq!(limits.count(), 4);
        // Both others are in use, and nobody takes a place from a client that has no more than itself.
        assert_eq!(acquire(&limits, "192.0.2.4").unwrap_err(), LimitHit::Total);
        greedy[0].connection.end_request();
        assert_eq!(acquire(&limits, "192.0.2.1").unwrap_err(), LimitHit::Total);
        let third = acquire(&limits, "192.0.2.4").unwrap();
        greedy[2].connection.end_request();
        assert_eq!(acquire(&limits, "192.0.2.5").unwrap_err(), LimitHit::Total, "everybody has one");
        drop((greedy, first, second, third));
        assert_eq!(limits.count(), 0);
    }

    #[test]
    fn a_client_that_uses_all_its_connections_does_not_protect_the_idle_ones_of_others() {
        let limits = ConnectionLimits::new(5, 9, TrustedProxies::default());
        let busy = [(); 3].map(|()| acquire(&limits, "192.0.2.1").unwrap());
        busy.iter().for_each(|permit| permit.connection.start_request());
        let _idle = [(); 2].map(|()| acquire(&limits, "192.0.2.2").unwrap());
        assert!(acquire(&limits, "192.0.2.3").is_ok());
    }

    #[test]
    fn probes_of_this_machine_and_proxies_find_a_place_when_the_rest_is_taken() {
        let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()], Default::default());
        let limits = ConnectionLimits::new(2, 9, proxies);
        let _others = ["192.0.2.1", "192.0.2.2"].map(|address| acquire(&limits, address).unwrap());
        assert_eq!(acquire(&limits, "192.0.2.3").unwrap_err(), LimitHit::Total);
        let _reserved =
            ["127.0.0.1", "10.0.0.1", "10.0.0.1", "::1"].map(|own| acquire(&limits, own).unwrap());
        assert_eq!(limits.count(), 6);
    }

    #[test]
    fn an_ipv6_client_cannot_escape_its_limit_by_changing_its_address_within_a_32() {
        let limits = ConnectionLimits::new(99, 1, TrustedProxies::default());
        let _permit = acquire(&limits, "2001:db8::1").unwrap();
        assert_eq!(acquire(&limits, "2001:db8::ffff").unwrap_err(), LimitHit::Address);
        let _others = [1, 2, 3].map(|net| acquire(&limits, &format!("2001:db8:0:{net}::1")).unwrap());
        assert_eq!(acquire(&limits, "2001:db8:0:4::1").unwrap_err(), LimitHit::Address);
        let _sites = [1, 2, 3, 4].map(|site| acquire(&limits, &format!("2001:db8:{site}::1")).unwrap());
        assert_eq!(acquire(&limits, "2001:db8:5::1").unwrap_err(), LimitHit::Address);
        assert!(acquire(&limits, "2001:db9::1").is_ok());
    }

    #[test]
    fn only_the_total_limit_applies_to_a_trusted_proxy() {
        let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()], Default::default());
        let limits = ConnectionLimits::new(3, 1, proxies);
        let permits: Vec<Permit> = std::iter::from_fn(|| acquire(&limits, "10.0.0.1").ok()).collect();
        assert_eq!(permits.len(), 3 + RESERVED - RESERVED_FOR_PROBES);
        assert!(acquire(&limits, "127.0.0.1").is_ok(), "a probe");
    }
}
