//! Postgres URLs by the grammar of libpq, which is what `psql` and the hosters' consoles use.
//!
//! It differs from that of web URLs: a user needs no host, `#`, `?` and `:` may stand in a password as they are, an IPv6 address
//! has brackets that are not part of it, and `+` is no space. What is read here is handed to the driver parameter by parameter.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use form_urlencoded::Serializer;
use sqlx::postgres::PgConnectOptions;

use super::UrlError;

/// Longest time for a connection that a URL may ask for: requests wait for it.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(30);

/// Where the database is, and how to connect.
#[derive(Clone)]
pub(crate) struct PostgresAddress {
    pub(crate) options: PgConnectOptions,
    pub(super) connect_timeout: Option<Duration>,
    /// The certificates and keys, by their parameter.
    pub(super) files: Vec<(&'static str, PathBuf)>,
}

/// What a parameter of libpq does here.
enum Rule {
    /// The driver knows it.
    Pass,
    /// These values say what is the case anyway; for others there is another way.
    Only(&'static [&'static str], &'static str),
    /// There is another way.
    Unsupported(&'static str),
}

use Rule::{Only, Pass, Unsupported};

const ONE_ADDRESS: &str =
    "use one address that always leads to the primary, such as that of a proxy or of the managed service";
const KEEPALIVE: &str = "remove it: idle connections are checked before they are used";
const VERIFY: &str = "use sslmode=verify-full, which authenticates the server";
const IN_URL: &str = "write its values into the URL";
const NO_KERBEROS: &str = "Kerberos is not supported: use a password or a client certificate";

/// The parameters of libpq.
const PARAMETERS: &[(&str, Rule)] = &[
    ("host", Pass),
    ("hostaddr", Pass),
    ("port", Pass),
    ("dbname", Pass),
    ("user", Pass),
    ("password", Pass),
    ("application_name", Pass),
    ("options", Pass),
    (
        "sslmode",
        Only(&["disable", "allow", "prefer", "require", "verify-ca", "verify-full"], "there is no other"),
    ),
    ("sslrootcert", Pass),
    ("sslcert", Pass),
    ("sslkey", Pass),
    ("connect_timeout", Pass),
    ("fallback_application_name", Pass),
    ("channel_binding", Only(&["disable", "prefer", "require"], "there is no other")),
    ("client_encoding", Only(&["UTF8", "utf8", "UTF-8", "utf-8", "auto"], "texts are always sent as UTF-8")),
    ("gssencmode", Only(&["disable", "prefer"], NO_KERBEROS)),
    ("keepalives", Only(&["1"], KEEPALIVE)),
    ("load_balance_hosts", Only(&["disable"], ONE_ADDRESS)),
    ("replication", Only(&["false", "off", "no", "0"], "remove it")),
    ("sslcompression", Only(&["0"], "remove it: compression of TLS is unsafe")),
    ("sslnegotiation", Only(&["postgres"], "remove it")),
    ("sslsni", Only(&["1"], "remove it")),
    (
        "ssl_min_protocol_version",
        Only(&["TLSv1", "TLSv1.1", "TLSv1.2"], "remove it: TLS 1.2 and 1.3 are used"),
    ),
    ("ssl_max_protocol_version", Only(&["TLSv1.3"], "remove it: TLS 1.2 and 1.3 are used")),
    ("target_session_attrs", Only(&["any"], ONE_ADDRESS)),
    ("gssdelegation", Unsupported(NO_KERBEROS)),
    ("gsslib", Unsupported(NO_KERBEROS)),
    ("keepalives_count", Unsupported(KEEPALIVE)),
    ("keepalives_idle", Unsupported(KEEPALIVE)),
    ("keepalives_interval", Unsupported(KEEPALIVE)),
    ("krbsrvname", Unsupported(NO_KERBEROS)),
    ("passfile", Unsupported("set the variable PGPASSFILE")),
    ("require_auth", Unsupported(VERIFY)),
    ("requirepeer", Unsupported("remove it: the owner of the socket is not checked")),
    ("service", Unsupported(IN_URL)),
    ("servicefile", Unsupported(IN_URL)),
    ("sslcertmode", Unsupported("remove it: a certificate is sent if sslcert names one")),
    ("sslcrl", Unsupported("remove it: revocation lists are not checked")),
    ("sslcrldir", Unsupported("remove it: revocation lists are not checked")),
    ("sslpassword", Unsupported("use a key without a password")),
    ("tcp_user_timeout", Unsupported(KEEPALIVE)),
];

/// The names that a parameter may have, for a message.
pub(super) fn known_parameters() -> String {
    let usable = PARAMETERS.iter().filter(|(_, rule)| !matches!(rule, Unsupported(_)));
    usable.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Parameters in the order in which they apply: a later one replaces an earlier one.
#[derive(Default)]
struct Parameters(Vec<(&'static str, String)>);

/// Parses what follows `postgres://`.
pub(super) fn parse(rest: &str) -> Result<PostgresAddress, UrlError> {
    let mut parameters = Parameters::default();
    // As in libpq, the first `@` ends the user and the password, and a `/` before it begins the database.
    let rest = match rest.split_once('@') {
        Some((userinfo, rest)) if !userinfo.contains('/') => {
            let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
            parameters.add_decoded("user", user)?;
            parameters.add_decoded("password", password)?;
            rest
        }
        _ => rest,
    };
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    parameters.add_location(location)?;
    let mut names = BTreeSet::new();
    for pair in query.split('&').filter(|_| !query.is_empty()) {
        let name = parameters.add_pair(pair)?;
        if !names.insert(name) {
            return Err(UrlError::Repeated(name));
        }
    }
    parameters.apply_security()?;
    parameters.into_address()
}

impl Parameters {
    fn add_location(&mut self, location: &str) -> Result<(), UrlError> {
        let (address, database) = location.split_once('/').unwrap_or((location, ""));
        if address.contains('@') {
            return Err(UrlError::Userinfo);
        }
        let (host, port) = match address.strip_prefix('[') {
            Some(v6) => v6.split_once(']').ok_or(UrlError::Postgres)?,
            None => address.split_at(address.find(':').unwrap_or(address.len())),
        };
        let port = if port.is_empty() { "" } else { port.strip_prefix(':').ok_or(UrlError::Postgres)? };
        self.add_decoded("host", host)?;
        self.add_decoded("port", port)?;
        self.add_decoded("dbname", database)
    }

    /// Returns the name of the parameter.
    fn add_pair(&mut self, pair: &str) -> Result<&'static str, UrlError> {
        let (name, value) = pair.split_once('=').ok_or(UrlError::Pair)?;
        if value.contains('=') {
            return Err(UrlError::Pair);
        }
        let (name, value) = (decode(name)?, decode(value)?);
        // As the drivers of other languages write it; libpq takes it, too.
        let (name, value) = match (&*name, &*value) {
            ("ssl", "true") => ("sslmode".to_owned(), "require".to_owned()),
            _ => (name, value),
        };
        let Some((name, rule)) = PARAMETERS.iter().find(|(known, _)| *known == name) else {
            return Err(UrlError::UnknownParameter(printable(name)));
        };
        match rule {
            Pass => {}
            Only(values, remedy) if !values.contains(&&*value) => {
                return Err(UrlError::Value { name, values: values.join(", "), remedy });
            }
            Only(..) => {}
            Unsupported(remedy) => return Err(UrlError::Parameter { name, remedy }),
        }
        self.add(name, value)?;
        Ok(name)
    }

    /// An empty part of the location means its default.
    fn add_decoded(&mut self, name: &'static str, text: &str) -> Result<(), UrlError> {
        if !text.is_empty() {
            self.add(name, decode(text)?)?;
        }
        Ok(())
    }

    fn add(&mut self, name: &'static str, value: String) -> Result<(), UrlError> {
        if ["host", "hostaddr", "port"].contains(&name) && value.contains(',') {
            return Err(UrlError::SeveralHosts);
        }
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, value));
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    /// Where the driver is laxer than libpq, a stricter mode of TLS takes the place of what it lacks.
    fn apply_security(&mut self) -> Result<(), UrlError> {
        let has_socket =
            self.get("hostaddr").is_none() && self.get("host").is_some_and(|host| host.starts_with('/'));
        let mode = self.get("sslmode").unwrap_or("prefer");
        let (binding, roots) = (self.get("channel_binding"), self.get("sslrootcert"));
        let mode = match (binding, roots, mode) {
            (Some("require"), ..) if has_socket => {
                return Err(UrlError::Parameter {
                    name: "channel_binding=require",
                    remedy: "remove it: a socket has no TLS",
                });
            }
            (Some("require"), _, "disable" | "allow") => {
                return Err(UrlError::Parameter { name: "channel_binding=require", remedy: VERIFY });
            }
            (_, Some("system"), "disable" | "allow" | "require" | "verify-ca") => {
                return Err(UrlError::Parameter { name: "sslrootcert=system", remedy: VERIFY });
            }
            // The bytes of a socket do not leave the machine, and its server offers no TLS.
            _ if has_socket => "disable",
            // If the certificate of the server is verified, nobody is in between.
            (Some("require"), ..) | (_, Some("system"), _) => "verify-full",
            (_, Some(_), "require") => "verify-ca",
            // The driver would never use TLS.
            (_, _, "allow") => "prefer",
            (.., mode) => mode,
        };
        let mode = mode.to_owned();
        // The roots of public authorities are built in.
        self.0.retain(|(name, value)| (*name, value.as_str()) != ("sslrootcert", "system"));
        self.add("sslmode", mode)?;
        Ok(())
    }

    fn into_address(mut self) -> Result<PostgresAddress, UrlError> {
        let connect_timeout = match self.get("connect_timeout") {
            Some(text) => Some(connect_timeout(text.parse().map_err(|_| UrlError::ConnectTimeout)?)),
            None => None,
        };
        if let Some(port) = self.get("port") {
            port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(UrlError::Port)?;
        }
        if let (Some(fallback), None) = (self.get("fallback_application_name"), self.get("application_name"))
        {
            self.add("application_name", fallback.to_owned())?;
        }
        let files = FILES.iter().filter_map(|name| Some((*name, self.get(name)?)));
        // The driver takes a PEM in place of a path, too.
        let files = files.filter(|(_, text)| !text.trim().starts_with("-----BEGIN"));
        let files = files.map(|(name, path)| (name, PathBuf::from(path))).collect();
        let mut query = Serializer::new(String::new());
        for (name, value) in self.0.iter().filter(|(name, _)| DRIVER.contains(name)) {
            query.append_pair(name, value);
        }
        // The error of the driver could quote a part of the text.
        let options = format!("postgres:///?{}", query.finish()).parse().map_err(|_| UrlError::Postgres)?;
        Ok(PostgresAddress { options, connect_timeout, files })
    }
}

/// The parameters that name a file.
const FILES: [&str; 3] = ["sslrootcert", "sslcert", "sslkey"];

/// The parameters that the driver reads.
const DRIVER: &[&str] = &[
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
];

/// libpq waits without end at 0 and below; here every wait has a bound.
fn connect_timeout(seconds: i32) -> Duration {
    let timeout = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
    timeout.unwrap_or(CONNECT_TIMEOUT_MAX).min(CONNECT_TIMEOUT_MAX)
}

/// Decodes `%41`. Strict like libpq: a lone `%` is an error, so that no password is changed silently.
fn decode(text: &str) -> Result<String, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = after.get(..2).ok_or(UrlError::Percent)?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).map_err(|_| UrlError::Percent)?;
        if byte == [0] {
            return Err(UrlError::Percent);
        }
        bytes.extend(byte);
        rest = after.get(2..).unwrap_or_default();
    }
    String::from_utf8(bytes).map_err(|_| UrlError::Percent)
}

/// The name of an unknown parameter, unless it may be a part of a misplaced password.
fn printable(name: String) -> String {
    let is_name = name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_name { name } else { "…".to_owned() }
}
