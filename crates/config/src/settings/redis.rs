//! The settings of Redis, through which several nodes share their rate limits.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::{LIST_ITEMS_MAX, parse};
use crate::error::Error;

/// The port when none is named.
const PORT_DEFAULT: u16 = 6379;
/// The highest number of a database.
const DATABASE_MAX: u32 = 1_000_000;
/// Connections beside those that carry commands: one that checks whether Redis answers, and one that replaces another.
const CONNECTIONS_BESIDE: usize = 2;
/// Settings of the connections, which have defaults.
const TUNING: [(&str, &str); 5] = [
    ("redis.max_retries", "REDIS_MAX_RETRIES"),
    ("redis.pool_size", "REDIS_POOL_SIZE"),
    ("redis.max_idle_conns", "REDIS_MAX_IDLE_CONNS"),
    ("redis.max_active_conns", "REDIS_MAX_ACTIVE_CONNS"),
    ("redis.idle_timeout_s", "REDIS_IDLE_TIMEOUT_SECS"),
];

settings! { read =>
    /// How Redis is reached. Without an address it is not used.
    #[derive(Clone, Debug)]
    pub struct Redis {
        /// The URL, without a password.
        url: Option<RedisUrl> = read.get("redis.url", "REDIS_URL").optional(redis_url);
        /// The host, if no URL is set.
        host: Option<String> = read.get("redis.host", "REDIS_HOST").optional(parse::host);
        /// The port; the default is 6379.
        port: Option<u16> = read.get("redis.port", "REDIS_PORT").optional_number(1..=u16::MAX);
        /// The user; the default is the default user of Redis.
        user: Option<String> = read.get("redis.user", "REDIS_USER").optional(user);
        /// The number of the database; the default is 0.
        database: Option<u32> = read.get("redis.db", "REDIS_DB").optional_number(0..=DATABASE_MAX);
        /// Whether connections are encrypted.
        tls: bool = read.get("redis.tls", "REDIS_TLS").flag();
        /// The certificate authorities in PEM, instead of those of the system.
        tls_ca: Option<CertificateAuthorities> =
            read.get("redis.tls_ca_file", "REDIS_TLS_CA_FILE").optional(certificate_authorities);
        /// Whether the server is a Redis Cluster.
        cluster_mode: bool = read.get("redis.cluster_mode", "REDIS_CLUSTER_MODE").flag();
        /// Some nodes of the cluster, which name all others.
        cluster_addresses: Vec<HostPort> =
            read.get("redis.cluster_addrs", "REDIS_CLUSTER_ADDRS").list(LIST_ITEMS_MAX, host_port);
        /// How often a command is repeated whose connection failed.
        retries_max: u32 = read.get("redis.max_retries", "REDIS_MAX_RETRIES").number(0..=10);
        /// Connections that carry commands, to each server of a cluster.
        pool_size: usize = read.get("redis.pool_size", "REDIS_POOL_SIZE").number(1..=100);
        /// Connections that stay open although fewer would do.
        idle_connections_max: usize = read.get("redis.max_idle_conns", "REDIS_MAX_IDLE_CONNS").number(1..=1000);
        /// Most connections, to each server of a cluster.
        connections_max: usize = read.get("redis.max_active_conns", "REDIS_MAX_ACTIVE_CONNS").number(3..=1000);
        /// Time without use after which a connection beyond the idle ones is closed.
        idle_timeout: Duration = read.get("redis.idle_timeout_s", "REDIS_IDLE_TIMEOUT_SECS").seconds(1..=86_400);
        /// The first variable of the five before that is set to another value than the default.
        tuned_by: Option<&'static str> = TUNING.into_iter().find_map(|(path, variable)| {
            let is_tuned = read.variable(variable)?.trim() != crate::default_text(path);
            is_tuned.then_some(variable)
        });
        /// Refused: nothing is read from replicas.
        route_randomly: bool = read.get("redis.route_randomly", "REDIS_ROUTE_RANDOMLY").flag();
        /// Refused: nothing is read from replicas.
        route_by_latency: bool = read.get("redis.route_by_latency", "REDIS_ROUTE_BY_LATENCY").flag();
    }
}

/// A `redis://` or `rediss://` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisUrl {
    address: HostPort,
    user: Option<String>,
    database: Option<u32>,
    is_encrypted: bool,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A file of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateAuthorities {
    path: PathBuf,
    /// Its text.
    pub pem: Vec<u8>,
}

/// Where Redis is, and as whom to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisEndpoint {
    /// The server, or some nodes of a cluster.
    pub addresses: Vec<HostPort>,
    /// Whether it is a cluster.
    pub is_cluster: bool,
    /// The user.
    pub user: Option<String>,
    /// The number of the database.
    pub database: u32,
    /// Whether connections are encrypted.
    pub is_encrypted: bool,
}

impl RedisEndpoint {
    /// Whether commands may cross a network in the clear.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        !self.is_encrypted && self.addresses.iter().any(|address| parse::is_remote(&address.host))
    }
}

impl Redis {
    /// Where Redis is; `None` if it is not used.
    #[must_use]
    pub fn endpoint(&self) -> Option<RedisEndpoint> {
        let from_host = self.host.clone().map(|host| HostPort {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: self.port.unwrap_or(PORT_DEFAULT),
        });
        let single = self.url.as_ref().map(|url| url.address.clone()).or(from_host);
        let addresses = match self.cluster_addresses.is_empty() {
            true => single.into_iter().collect(),
            false => self.cluster_addresses.clone(),
        };
        let of_url = |field: fn(&RedisUrl) -> Option<u32>| self.url.as_ref().and_then(field);
        (!addresses.is_empty()).then(|| RedisEndpoint {
            addresses,
            is_cluster: self.cluster_mode,
            user: self.user.clone().or_else(|| self.url.as_ref()?.user.clone()),
            database: self.database.or_else(|| of_url(|url| url.database)).unwrap_or(0),
            is_encrypted: self.tls || self.url.as_ref().is_some_and(|url| url.is_encrypted),
        })
    }

    /// Settings that contradict each other, and those that could have no effect.
    pub(crate) fn errors(&self, source: &str) -> Vec<Error> {
        let endpoint = self.endpoint();
        let url = self.url.as_ref();
        let is_used = endpoint.is_some();
        let is_encrypted = endpoint.as_ref().is_some_and(|endpoint| endpoint.is_encrypted);
        let has_several = [url.is_some(), self.host.is_some(), !self.cluster_addresses.is_empty()];
        let has_user_twice = self.user.is_some() && url.is_some_and(|url| url.user.is_some());
        let has_database_twice = self.database.is_some() && url.is_some_and(|url| url.database.is_some());
        let is_plain_url = self.tls && url.is_some_and(|url| !url.is_encrypted);
        let database = endpoint.map_or(0, |endpoint| endpoint.database);
        let rules = [
            (
                has_several.into_iter().filter(|is_set| *is_set).count() > 1,
                "redis.url",
                "REDIS_URL, REDIS_HOST and REDIS_CLUSTER_ADDRS each say where Redis is: set one of them",
            ),
            (
                url.is_some() && self.port.is_some(),
                "redis.port",
                "write the port into REDIS_URL, or set REDIS_HOST and REDIS_PORT instead of REDIS_URL",
            ),
            (
                self.port.is_some() && !self.cluster_addresses.is_empty(),
                "redis.port",
                "has no effect with REDIS_CLUSTER_ADDRS: write the ports there",
            ),
            (has_user_twice, "redis.user", "is also in REDIS_URL: set it in one of them"),
            (has_database_twice, "redis.db", "is also in REDIS_URL: set it in one of them"),
            (is_plain_url, "redis.tls", "contradicts the redis:// of REDIS_URL: write rediss://"),
            (
                is_used && self.tls_ca.is_some() && !is_encrypted,
                "redis.tls_ca_file",
                "has no effect without TLS: set REDIS_TLS=true, or write rediss:// in REDIS_URL",
            ),
            (
                !self.cluster_mode && !self.cluster_addresses.is_empty(),
                "redis.cluster_addrs",
                "has no effect without REDIS_CLUSTER_MODE=true",
            ),
            (
                self.cluster_mode && database != 0,
                "redis.db",
                "must be 0 with REDIS_CLUSTER_MODE: a cluster has one database",
            ),
            (
                self.cluster_mode && !is_used,
                "redis.cluster_mode",
                "needs REDIS_CLUSTER_ADDRS, some nodes of the cluster as host:port",
            ),
            (
                self.route_randomly && self.route_by_latency,
                "redis.route_randomly",
                "contradicts REDIS_ROUTE_BY_LATENCY, and neither has an effect: set both to false",
            ),
            (
                self.route_randomly,
                "redis.route_randomly",
                "must be false: the server reads nothing from Redis that a replica may answer, because rate limits need the newest value",
            ),
            (
                self.route_by_latency,
                "redis.route_by_latency",
                "must be false: the server reads nothing from Redis that a replica may answer, because rate limits need the newest value",
            ),
            (
                self.pool_size + CONNECTIONS_BESIDE > self.connections_max,
                "redis.max_active_conns",
                "must be at least REDIS_POOL_SIZE + 2: one connection checks whether Redis answers, and one replaces another",
            ),
            (
                self.idle_connections_max < self.pool_size,
                "redis.max_idle_conns",
                "must be at least REDIS_POOL_SIZE: those connections always stay open",
            ),
            (
                self.idle_connections_max + CONNECTIONS_BESIDE > self.connections_max,
                "redis.max_idle_conns",
                "must be at most REDIS_MAX_ACTIVE_CONNS - 2: so many connections at most carry commands",
            ),
        ];
        let broken = rules.into_iter().filter(|(is_broken, ..)| *is_broken);
        let broken = broken.map(|(_, path, problem)| (path, problem.to_owned()));
        let without_address = self.first_set().filter(|_| !is_used && !self.cluster_mode).map(|name| {
            let problem = format!(
                "is not set, but {name} is: set REDIS_URL, REDIS_HOST or REDIS_CLUSTER_ADDRS, without which Redis is not used, or \
                 remove {name}"
            );
            ("redis.url", problem)
        });
        let errors = broken.chain(without_address);
        errors
            .map(|(path, problem)| Error { path: path.to_owned(), source: source.to_owned(), problem })
            .collect()
    }

    /// The first setting that has no effect without an address.
    fn first_set(&self) -> Option<&'static str> {
        let are_set = [
            (self.port.is_some(), "REDIS_PORT"),
            (self.user.is_some(), "REDIS_USER"),
            (self.database.is_some(), "REDIS_DB"),
            (self.tls, "REDIS_TLS"),
            (self.tls_ca.is_some(), "REDIS_TLS_CA_FILE"),
        ];
        are_set.into_iter().find_map(|(is_set, name)| is_set.then_some(name)).or(self.tuned_by)
    }
}

fn redis_url(text: &str) -> Result<RedisUrl, String> {
    const EXPECTED: &str = "must be redis://HOST:PORT or rediss://HOST:PORT, with user@ before the host and /DATABASE after the port where needed";
    let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
    let authority = uri.authority().ok_or(EXPECTED)?;
    let is_encrypted = match uri.scheme_str() {
        Some("redis") => false,
        Some("rediss") => true,
        Some(_) | None => return Err(EXPECTED.to_owned()),
    };
    let name = match authority.as_str().rsplit_once('@') {
        Some((name, _)) if name.contains(':') => {
            return Err("must not have a password: put it into REDIS_PASSWORD or the secret redis_password, where it can be rotated".to_owned());
        }
        Some((name, _)) => Some(user(name)?),
        None => None,
    };
    let database = match uri.path().trim_start_matches('/') {
        "" => None,
        number => Some(number.parse().ok().filter(|number| *number <= DATABASE_MAX).ok_or(EXPECTED)?),
    };
    if uri.query().is_some() {
        return Err(
            "must not have parameters: each has a setting of its own, such as REDIS_TLS_CA_FILE".to_owned()
        );
    }
    let host = parse::host(authority.host())?.trim_matches(['[', ']']).to_owned();
    let host_port = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, rest)| rest);
    let port = match host_port.len() == authority.host().len() {
        true => PORT_DEFAULT,
        false => authority.port_u16().filter(|port| *port != 0).ok_or(EXPECTED)?,
    };
    Ok(RedisUrl { address: HostPort { host, port }, user: name, database, is_encrypted })
}

fn user(text: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match !text.is_empty() && text.len() <= 128 && text.bytes().all(is_name) {
        true => Ok(text.to_owned()),
        false => Err("must be the name of a user of Redis: letters, digits, '-', '_' and '.'".to_owned()),
    }
}

fn host_port(text: &str) -> Result<HostPort, String> {
    let expected = || "must be hosts with ports, such as redis-1:6379,redis-2:6379".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let host = parse::host(host)?.trim_matches(['[', ']']).to_owned();
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(expected)?;
    Ok(HostPort { host, port })
}

fn certificate_authorities(text: &str) -> Result<CertificateAuthorities, String> {
    let path = PathBuf::from(text);
    let pem = std::fs::read(&path).map_err(|error| format!("must be a file that can be read: {error}"))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(CertificateAuthorities { path, pem }),
        Ok(_) | Err(_) => {
            Err("must be a file with certificates in PEM: it has none that can be read".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_redis_have_no_password_and_no_parameters() {
        for (text, expected) in [
            ("redis://redis", Some(("redis", 6379, None, None, false))),
            ("rediss://investiq@[::1]:7000/3", Some(("::1", 7000, Some("investiq"), Some(3), true))),
            ("redis://:secret@redis", None),
            ("redis://user:secret@redis", None),
            ("redis://redis?db=1", None),
            ("redis://redis/x", None),
            ("redis://redis:99999", None),
            ("redis://redis:0", None),
            ("redis://u@redis:", None),
            ("http://redis", None),
            ("redis", None),
            ("", None),
        ] {
            let url = redis_url(text);
            let got = url.as_ref().ok().map(|url| {
                let HostPort { host, port } = &url.address;
                (host.as_str(), *port, url.user.as_deref(), url.database, url.is_encrypted)
            });
            assert_eq!(got, expected, "{text}: {url:?}");
            assert!(!format!("{:?}", url.err()).contains("secret@"), "{text}");
        }
    }

    #[test]
    fn only_a_name_without_a_dot_and_this_host_need_no_tls() {
        for (host, is_encrypted, is_exposed) in [
            ("redis", false, false),
            ("127.0.0.1", false, false),
            ("::1", false, false),
            ("cache.internal", false, true),
            ("10.0.0.7", false, true),
            ("fd00::7", false, true),
            ("cache.internal", true, false),
        ] {
            let addresses = vec![HostPort { host: host.to_owned(), port: 6379 }];
            let endpoint =
                RedisEndpoint { addresses, is_cluster: false, user: None, database: 0, is_encrypted };
            assert_eq!(endpoint.is_exposed(), is_exposed, "{host}");
        }
    }

    #[test]
    fn nodes_of_a_cluster_have_ports() {
        for (text, is_valid) in
            [("redis-1:7000", true), ("[::1]:7000", true), ("redis-1", false), ("a:0", false), (":1", false)]
        {
            assert_eq!(host_port(text).is_ok(), is_valid, "{text}");
        }
    }
}
