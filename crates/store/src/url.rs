//! Database URLs: `sqlite:path/to/file.db` or `postgres://user:password@host:port/database`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Known parameters of a Postgres URL; any other is refused, because the driver would log it with its value.
const POSTGRES_PARAMETERS: &[&str] = &[
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// A valid database URL, which is never printed with its password.
#[derive(Clone)]
pub struct DatabaseUrl(pub(crate) Address);

#[derive(Clone)]
pub(crate) enum Address {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

/// The text is not a database URL. Messages do not repeat it, because it may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The scheme is neither `sqlite:` nor `postgres://`.
    #[error("database URL must begin with sqlite: or postgres://")]
    Scheme,
    /// The URL names no file, or an in-memory database, which would be lost.
    #[error("sqlite: URL must name a file, such as sqlite:data/investiq.db, and takes no parameters")]
    File,
    /// The parts after the scheme cannot be parsed.
    #[error(
        "postgres:// URL must have the form postgres://user:password@host:port/database, with reserved characters percent-encoded"
    )]
    Postgres,
    /// The driver would take the list for one name, and fail over to none of them.
    #[error(
        "postgres:// URL names several hosts, and the server connects to one address: name a proxy, a service or a managed endpoint that leads to the primary"
    )]
    SeveralHosts,
    /// The driver would log the parameter with its value.
    #[error(
        "unknown parameter in the postgres:// URL; known parameters are sslmode, sslrootcert, sslcert, sslkey, host, hostaddr, port, dbname, user, password, application_name, options"
    )]
    Parameter,
    /// An open store cannot change its database.
    #[error("the new database URL names another database: restart to use it")]
    OtherDatabase,
}

impl DatabaseUrl {
    /// The file of an SQLite URL.
    #[must_use]
    pub fn sqlite_file(&self) -> Option<&Path> {
        match &self.0 {
            Address::Sqlite(path) => Some(path),
            Address::Postgres(_) => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return file(path).map(Address::Sqlite).map(Self);
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(UrlError::Scheme);
        }
        check_hosts(text)?;
        check_parameters(text)?;
        // The error of the driver could quote a part of the text.
        let options = text.parse::<PgConnectOptions>().map_err(|_| UrlError::Postgres)?;
        Ok(Self(Address::Postgres(Box::new(options))))
    }
}

/// `sqlite:data/a.db`, `sqlite:/var/a.db` and `sqlite:///var/a.db` alike.
fn file(path: &str) -> Result<PathBuf, UrlError> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.ends_with('/') || path.contains(":memory:") || path.contains('?') {
        return Err(UrlError::File);
    }
    Ok(PathBuf::from(path))
}

fn check_hosts(text: &str) -> Result<(), UrlError> {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit('@').next().unwrap_or_default();
    let mut hosts = parameters(text).filter(|(name, _)| ["host", "hostaddr", "port"].contains(name));
    let is_list = |text: &str| text.to_ascii_lowercase().replace("%2c", ",").contains(',');
    match is_list(host_and_port) || hosts.any(|(_, value)| is_list(value)) {
        true => Err(UrlError::SeveralHosts),
        false => Ok(()),
    }
}

fn check_parameters(text: &str) -> Result<(), UrlError> {
    let mut names = parameters(text).map(|(name, _)| name);
    if names.all(|name| POSTGRES_PARAMETERS.contains(&name)) { Ok(()) } else { Err(UrlError::Parameter) }
}

fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = text.split_once('?').map(|(_, query)| query);
    query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

impl fmt::Display for DatabaseUrl {
    /// Without user and password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Address::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
            Address::Postgres(options) => {
                let database = options.get_database().unwrap_or_default();
                write!(out, "postgres://{}:{}/{database}", options.get_host(), options.get_port())
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_three_notations() {
        for (text, path) in [
            ("sqlite:data/investiq.db", "data/investiq.db"),
            ("sqlite:/var/lib/investiq.db", "/var/lib/investiq.db"),
            ("sqlite:///var/lib/investiq.db", "/var/lib/investiq.db"),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.sqlite_file(), Some(Path::new(path)));
        }
    }

    #[test]
    fn urls_are_printed_without_password() {
        let url: DatabaseUrl =
            "postgres://rail:p4ssw0rd@db.internal:6543/rail?sslmode=disable".parse().unwrap();
        for text in [format!("{url}"), format!("{url:?}"), format!("{url:#?}")] {
            assert!(text.contains("db.internal:6543/rail"), "{text}");
            assert!(!text.contains("p4ssw0rd"), "{text}");
        }
    }

    #[test]
    fn a_comma_elsewhere_is_no_second_host() {
        for text in ["postgres://a,b:p,q@h/c,d?application_name=e,f", "postgres://h/c?options=-c,x"] {
            assert!(text.parse::<DatabaseUrl>().is_ok(), "{text}");
        }
    }

    #[test]
    fn invalid_urls_are_refused_without_repeating_them() {
        for (text, expected) in [
            ("", UrlError::Scheme),
            ("mysql://a:p4ssw0rd@b/c", UrlError::Scheme),
            ("sqlite:", UrlError::File),
            ("sqlite::memory:", UrlError::File),
            ("sqlite:a.db?mode=memory", UrlError::File),
            ("postgres://a:p4ssw0rd@b:port/c", UrlError::Postgres),
            ("postgres://a@b/c?pasword=p4ssw0rd", UrlError::Parameter),
            ("postgres://a:p4ssw0rd@h1,h2/c", UrlError::SeveralHosts),
            ("postgres://a:p4ssw0rd@h1:5432,h2:5433/c", UrlError::SeveralHosts),
            ("postgres://a:p4ssw0rd@h1%2Ch2/c", UrlError::SeveralHosts),
            ("postgres://a:p4ssw0rd@/c?host=h1,h2", UrlError::SeveralHosts),
            ("postgres://a:p4ssw0rd@h1/c?port=1,2", UrlError::SeveralHosts),
            ("postgres://a:p4ssw0rd@h1/c?hostaddr=10.0.0.1%2C10.0.0.2", UrlError::SeveralHosts),
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!format!("{error} {error:?}").contains("p4ssw0rd"));
        }
    }
}
