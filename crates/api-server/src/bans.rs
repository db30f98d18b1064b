//! Bans of clients that guess keys, scan paths, send malformed heads or unsigned deliveries.
//!
//! A ban refuses requests without a valid API key: whoever shares the address of an attacker and has a key is served. It never
//! refuses a delivery, whose signature is its credential. Bans are rows of the database, which every replica reads every two seconds;
//! the replica that bans applies the ban at once.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use config::BanMode;
use ipnet::{IpNet, Ipv6Net};
use jiff::Timestamp;
use rate_limit::{Network, Offence, Offences};
use store::{Actor, Ban, Store};
use telemetry::Clock;
use telemetry::metrics::Metrics;
use tokio::sync::{Mutex, mpsc};

use crate::client_address::TrustedProxies;
use crate::problem::{Kind, Problem};

/// Time between two looks at the bans of other replicas.
const POLL: Duration = Duration::from_secs(2);
/// Bans that wait to be stored; further ones are dropped, and follow from the next offences.
const QUEUE: usize = 256;
/// Bans in [`POLL`] that are stored; a client with many networks must not fill the database.
const STORED_MAX: usize = 8;
/// Banned /64 of one /48 with which the /48 is banned, too.
const SITE_NETWORKS: usize = 4;
const ADDRESS_BITS_V6: u8 = 64;
const SITE_BITS_V6: u8 = 48;

/// The bans in force, and the offences that lead to further ones.
#[derive(Debug)]
pub(crate) struct Bans {
    mode: BanMode,
    never: Vec<IpNet>,
    proxies: TrustedProxies,
    offences: Offences,
    started: Instant,
    in_force: ArcSwap<InForce>,
    new: mpsc::Sender<(IpNet, Offence)>,
    /// Taken by the worker.
    queue: Mutex<mpsc::Receiver<(IpNet, Offence)>>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct InForce {
    until: HashMap<IpNet, Timestamp>,
    /// The lengths of the prefixes above.
    lengths: BTreeSet<u8>,
}

impl InForce {
    fn new(bans: impl Iterator<Item = (IpNet, Timestamp)>) -> Self {
        let until: HashMap<IpNet, Timestamp> = bans.collect();
        let lengths = until.keys().map(IpNet::prefix_len).collect();
        Self { until, lengths }
    }

    fn find(&self, address: IpAddr, now: Timestamp) -> Option<Timestamp> {
        let networks = self.lengths.iter().filter_map(|length| IpNet::new(address, *length).ok());
        networks
            .filter_map(|network| self.until.get(&network.trunc()))
            .copied()
            .filter(|until| *until > now)
            .max()
    }
}

impl Bans {
    pub(crate) fn new(
        mode: BanMode,
        never: Vec<IpNet>,
        proxies: TrustedProxies,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Self {
        let (new, queue) = mpsc::channel(QUEUE);
        Self {
            mode,
            never,
            proxies,
            offences: Offences::default(),
            started: Instant::now(),
            in_force: ArcSwap::default(),
            new,
            queue: Mutex::new(queue),
            metrics,
            clock,
        }
    }

    /// The proxies that name the client.
    pub(crate) fn proxies(&self) -> &TrustedProxies {
        &self.proxies
    }

    #[cfg(test)]
    pub(crate) fn off(metrics: Arc<Metrics>) -> Self {
        Self::new(BanMode::Off, Vec::new(), TrustedProxies::default(), metrics, Clock::System)
    }

    /// Refuses a request without a valid key if its client is banned.
    pub(crate) fn check(&self, client: Option<&IpAddr>) -> Result<(), Problem> {
        let in_force = self.in_force.load();
        let Some(client) = client.filter(|_| self.mode != BanMode::Off && !in_force.until.is_empty()) else {
            return Ok(());
        };
        let now = self.clock.now();
        let Some(until) = in_force.find(client.to_canonical(), now).filter(|_| !self.is_exempt(*client))
        else {
            return Ok(());
        };
        self.metrics.banned_requests.inc();
        let wait = u64::try_from(until.duration_since(now).as_secs()).unwrap_or_default() + 1;
        let detail = "too many refused requests came from this network: wait, or send a valid API key";
        Err(Problem::new(Kind::Banned, detail).retry_after_s(wait))
    }

    /// Counts an offence of a client without a valid key.
    pub(crate) fn record(&self, client: Option<&IpAddr>, offence: Offence, subject: &[u8]) {
        let Some(client) = client.filter(|client| self.mode != BanMode::Off && !self.is_exempt(**client))
        else {
            return;
        };
        if !self.offences.record(Network::from(*client), offence, subject, self.started.elapsed()) {
            return;
        }
        let network = network(*client);
        self.metrics.bans(offence.name()).inc();
        if self.mode == BanMode::Observe {
            tracing::warn!(%network, reason = offence.name(), "a client would be banned: BANS is observe");
        } else if self.new.try_send((network, offence)).is_err() {
            tracing::warn!(%network, "too many new bans: one was dropped");
        }
    }

    fn is_exempt(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        client.is_loopback()
            || self.proxies.contains(client)
            || self.never.iter().any(|network| network.contains(&client))
    }

    /// Stores new bans, and follows those of other replicas and of operators; never returns.
    pub(crate) async fn run(&self, store: &Store, replica: &str) {
        let mut queue = self.queue.lock().await;
        loop {
            match store.bans(self.clock.now()).await {
                Ok(bans) => self.install(bans.into_iter().map(|ban| (ban.network, ban.until))),
                // Those in force go on.
                Err(error) => tracing::debug!(%error, "reading the bans failed"),
            }
            let next = tokio::time::Instant::now() + POLL;
            for _ in 0..STORED_MAX {
                let Ok(Some((network, offence))) = tokio::time::timeout_at(next, queue.recv()).await else {
                    break;
                };
                // A wider ban may be in force since.
                if self.in_force.load().find(network.addr(), self.clock.now()).is_none() {
                    self.ban(store, network, offence.name(), replica).await;
                }
            }
            tokio::time::sleep_until(next).await;
        }
    }

    async fn ban(&self, store: &Store, network: IpNet, reason: &str, replica: &str) {
        let Some(ban) = self.try_ban(store, network, reason, replica).await else { return };
        let in_force = self.in_force.load();
        let bans = in_force.until.iter().map(|(network, until)| (*network, *until));
        let bans: Vec<_> = bans.chain([(ban.network, ban.until)]).collect();
        let site = site(network).filter(|site| {
            bans.iter().filter(|(other, _)| other.prefix_len() > SITE_BITS_V6 && site.contains(other)).count()
                >= SITE_NETWORKS
        });
        self.install(bans.iter().copied());
        if let Some(site) = site
            && let Some(ban) = self.try_ban(store, site, reason, replica).await
        {
            self.install(bans.into_iter().chain([(ban.network, ban.until)]));
        }
    }

    async fn try_ban(&self, store: &Store, network: IpNet, reason: &str, replica: &str) -> Option<Ban> {
        match store.ban(network, reason, None, Actor::named(replica), self.clock.now()).await {
            Ok(ban) => {
                tracing::warn!(%network, reason, until = %ban.until, times = ban.times, "network banned");
                Some(ban)
            }
            Err(error) => {
                tracing::error!(%network, %error, "storing a ban failed");
                None
            }
        }
    }

    fn install(&self, bans: impl Iterator<Item = (IpNet, Timestamp)>) {
        let in_force = InForce::new(bans);
        self.metrics.banned_networks.set(i64::try_from(in_force.until.len()).unwrap_or(i64::MAX));
        self.in_force.store(Arc::new(in_force));
    }
}

/// What is banned for the offences of an address.
fn network(client: IpAddr) -> IpNet {
    match client.to_canonical() {
        IpAddr::V4(address) => IpNet::from(IpAddr::V4(address)),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, ADDRESS_BITS_V6).trunc().into(),
    }
}

fn site(network: IpNet) -> Option<IpNet> {
    let IpNet::V6(network) = network else { return None };
    Some(Ipv6Net::new_assert(network.addr(), SITE_BITS_V6).trunc().into())
}

#[cfg(test)]
mod tests {
    use telemetry::metrics::Labels;

    use super::*;

    fn bans(mode: BanMode) -> Bans {
        let metrics = Arc::new(Metrics::new(Labels::default()).unwrap());
        let never = vec!["198.51.100.0/24".parse().unwrap()];
        Bans::new(mode, never, TrustedProxies::default(), metrics, Clock::System)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_ban_is_of_a_network_until_its_end_and_never_of_exempt_clients() {
        let bans = bans(BanMode::Enforce);
        let [past, future] = [-1, 60].map(|s| bans.clock.now() + jiff::SignedDuration::from_secs(s));
        let networks = [
            ("192.0.2.1/32", future),
            ("192.0.2.2/32", past),
            ("2001:db8:1::/48", future),
            ("198.51.0.0/16", future),
        ];
        bans.install(networks.into_iter().map(|(network, until)| (network.parse().unwrap(), until)));
        for (client, is_banned) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.2", false),
            ("192.0.2.3", false),
            ("2001:db8:1:9::1", true),
            ("2001:db8:2::1", false),
            ("198.51.99.1", true),
            ("198.51.100.1", false),
        ] {
            let refusal = bans.check(Some(&address(client)));
            assert_eq!(
                refusal.err().map(|problem| problem.kind),
                is_banned.then_some(Kind::Banned),
                "{client}"
            );
        }
        assert!(bans.check(None).is_ok());
    }

    #[test]
    fn what_is_observed_is_counted_and_not_banned() {
        for (mode, queued) in [(BanMode::Off, 0), (BanMode::Observe, 0), (BanMode::Enforce, 1)] {
            let bans = bans(mode);
            for _ in 0..20 {
                for client in ["192.0.2.1", "127.0.0.1", "198.51.100.1"] {
                    bans.record(Some(&address(client)), Offence::MalformedHead, b"");
                }
            }
            let counted = u64::from(mode != BanMode::Off);
            assert_eq!(bans.metrics.bans("malformed_head").get(), counted, "{mode:?}");
            assert_eq!(QUEUE - bans.new.capacity(), queued, "{mode:?}");
        }
    }
}
