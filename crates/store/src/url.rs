//! Database URLs: `sqlite:path/to/file.db` or `postgres://user:password@host:port/database`.

mod postgres;

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

pub(crate) use postgres::PostgresAddress;

/// A valid database URL, which is never printed with its password.
#[derive(Clone)]
pub struct DatabaseUrl(pub(crate) Address);

#[derive(Clone)]
pub(crate) enum Address {
    Sqlite(PathBuf),
    Postgres(Box<PostgresAddress>),
}

/// The text is not a database URL. Messages do not repeat it, because it may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The scheme is neither `sqlite:` nor `postgres://`.
    #[error("database URL must begin with sqlite: or postgres://")]
    Scheme,
    /// The URL names no file, or an in-memory database, which would be lost.
    #[error("sqlite: URL must name a file, such as sqlite:data/investiq.db, and takes no parameters")]
    File,
    /// The parts after the scheme cannot be parsed.
    #[error("postgres:// URL must have the form postgres://user:password@host:port/database?parameter=value")]
    Postgres,
    /// The driver would take the list for one name, and fail over to none of them.
    #[error(
        "postgres:// URL names several hosts, and the server connects to one address: name a proxy, a service or a managed endpoint that leads to the primary"
    )]
    SeveralHosts,
    /// The port is not one, or a part of a password was taken for it.
    #[error(
        "the port of the postgres:// URL must be a number from 1 to 65535; write / and @ of a password as %2F and %40"
    )]
    Port,
    /// More than one `@`.
    #[error("the postgres:// URL has more than one @; write @ of a user or password as %40")]
    Userinfo,
    /// A lone `%`, or bytes that are not text.
    #[error(
        "% in the postgres:// URL must be followed by two hexadecimal digits of UTF-8; write % itself as %25"
    )]
    Percent,
    /// A parameter without a value.
    #[error("each parameter of the postgres:// URL must have the form name=value; write = of a value as %3D")]
    Pair,
    /// The wait for a connection is not a number.
    #[error("connect_timeout in the postgres:// URL must be a whole number of seconds")]
    ConnectTimeout,
    /// A parameter that is given again.
    #[error("{0} is set twice in the postgres:// URL: keep one (ssl=true sets sslmode, too)")]
    Repeated(&'static str),
    /// A file of a certificate or a key.
    #[error("{parameter} in the postgres:// URL names {path}, which cannot be read: {cause}")]
    Unreadable {
        /// The parameter.
        parameter: &'static str,
        /// The file.
        path: PathBuf,
        /// The refusal of the operating system.
        cause: String,
    },
    /// A parameter with a value that is not supported.
    #[error("{name} in the postgres:// URL must be one of {values}: {remedy}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// The values that are supported.
        values: String,
        /// The way to reach the same.
        remedy: &'static str,
    },
    /// A parameter that is not supported.
    #[error("{name} in the postgres:// URL is not supported: {remedy}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// The way to reach the same.
        remedy: &'static str,
    },
    /// The driver would log it with its value.
    #[error("unknown parameter {0} in the postgres:// URL; known parameters are {known}", known = postgres::known_parameters())]
    UnknownParameter(String),
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

    /// Checks that the certificates and keys that the URL names can be read on this machine.
    ///
    /// # Errors
    /// [`UrlError::Unreadable`].
    pub fn check_files(&self) -> Result<(), UrlError> {
        let Address::Postgres(address) = &self.0 else { return Ok(()) };
        address.files.iter().try_for_each(|(parameter, path)| {
            // A directory can be opened, and not read.
            let read = File::open(path).and_then(|mut file| file.read(&mut [0]));
            read.map(drop).map_err(|cause| UrlError::Unreadable {
                parameter,
                path: path.clone(),
                cause: cause.to_string(),
            })
        })
    }

    /// The longest wait for a connection, if the URL has one.
    pub(crate) fn connect_timeout(&self) -> Option<Duration> {
        match &self.0 {
            Address::Sqlite(_) => None,
            Address::Postgres(address) => address.connect_timeout,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return file(path).map(Address::Sqlite).map(Self);
        }
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let address = postgres::parse(rest.ok_or(UrlError::Scheme)?)?;
        Ok(Self(Address::Postgres(Box::new(address))))
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

impl fmt::Display for DatabaseUrl {
    /// Without user and password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Address::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
            Address::Postgres(address) => {
                let options = &address.options;
                let (host, port) = (options.get_host(), options.get_port());
                let database = options.get_database().unwrap_or_default();
                match options.get_socket() {
                    Some(path) => write!(out, "postgres:///{database}?host={}&port={port}", path.display()),
                    None if host.contains(':') => write!(out, "postgres://[{host}]:{port}/{database}"),
                    None => write!(out, "postgres://{host}:{port}/{database}"),
                }
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
        for (text, expected) in [
            (
                "postgres://rail:p4ssw0rd@db.internal:6543/rail?sslmode=disable",
                "postgres://db.internal:6543/rail",
            ),
            ("postgres://rail:p4ssw0rd@[::1]/rail", "postgres://[::1]:5432/rail"),
            ("postgres://rail:p4ssw0rd@/rail?host=/run/pg", "postgres:///rail?host=/run/pg&port=5432"),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), expected);
            for text in [format!("{url:?}"), format!("{url:#?}")] {
                assert!(text.contains(expected) && !text.contains("p4ssw0rd"), "{text}");
            }
        }
    }

    #[test]
    fn a_comma_elsewhere_is_no_second_host() {
        for text in ["postgres://a,b:p,q@h/c,d?application_name=e,f", "postgres://h/c?options=-c,x"] {
            assert!(text.parse::<DatabaseUrl>().is_ok(), "{text}");
        }
    }

    #[test]
    fn invalid_urls_are_refused_with_the_remedy_and_without_the_password() {
        for (text, expected) in [
            ("", "must begin with sqlite: or postgres://"),
            ("mysql://a:p4ssw0rd@b/c", "must begin with sqlite: or postgres://"),
            ("host=b password=p4ssw0rd", "must begin with sqlite: or postgres://"),
            ("sqlite:", "must name a file"),
            ("sqlite::memory:", "must name a file"),
            ("sqlite:a.db?mode=memory", "must name a file"),
            ("postgres://a:p4ssw0rd@b:port/c", "write / and @ of a password as %2F and %40"),
            ("postgres://a:p4ssw0rd/1@b/c", "write / and @ of a password as %2F and %40"),
            ("postgres://a:p4ssw0rd@1@b/c", "write @ of a user or password as %40"),
            ("postgres://a:p4ssw0rd@h1,h2/c", "names several hosts"),
            ("postgres://a:p4ssw0rd@h1:5432,h2:5433/c", "names several hosts"),
            ("postgres://a:p4ssw0rd@h1%2Ch2/c", "names several hosts"),
            ("postgres://a:p4ssw0rd@/c?host=h1,h2", "names several hosts"),
            ("postgres://a:p4ssw0rd@h1/c?port=1,2", "names several hosts"),
            ("postgres://a:p4ssw0rd@h1/c?hostaddr=10.0.0.1%2C10.0.0.2", "names several hosts"),
            ("postgres://a:p4ssw0rd%@b/c", "write % itself as %25"),
            ("postgres://a:p4ssw0rd%00@b/c", "write % itself as %25"),
            ("postgres://a:p4ssw0rd@[::1/c", "must have the form"),
            ("postgres://a:p4ssw0rd@[::1]5432/c", "must have the form"),
            ("postgres://a:p4ssw0rd@b/c?sslmode", "must have the form name=value"),
            ("postgres://a:p4ssw0rd@b/c?options=a=b", "write = of a value as %3D"),
            ("postgres://a@b/c?pasword=p4ssw0rd", "unknown parameter pasword"),
            ("postgres://a@b/c?p4ssw0rd=1", "unknown parameter …"),
            ("postgres://a@b/c?sslmode=p4ssw0rd", "must be one of disable, allow, prefer"),
            ("postgres://a@b/c?connect_timeout=p4ssw0rd", "must be a whole number of seconds"),
            (
                "postgres://a@b/c?target_session_attrs=read-write",
                "use one address that always leads to the primary",
            ),
            ("postgres://a@b/c?sslmode=require&sslmode=disable", "sslmode is set twice"),
            ("postgres://a@b/c?ssl=true&sslmode=disable", "sslmode is set twice"),
            ("postgres://a@b/c?password=p4ssw0rd&password=x", "password is set twice"),
            ("postgres://a@b/c?service=p4ssw0rd", "write its values into the URL"),
            ("postgres://a@b/c?channel_binding=require&sslmode=disable", "use sslmode=verify-full"),
            ("postgres://a@b/c?sslrootcert=system&sslmode=require", "use sslmode=verify-full"),
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert!(!format!("{error} {error:?}").contains("p4ssw0rd"), "{error:?}");
        }
        let names = "postgres://a@b/c?target_session_attrs=primary".parse::<DatabaseUrl>().unwrap_err();
        assert!(names.to_string().starts_with("target_session_attrs in the postgres:// URL"), "{names}");
    }

    #[test]
    fn a_mode_of_tls_that_the_driver_lacks_is_replaced_by_a_stricter_one() {
        for (parameters, expected) in [
            ("", "prefer"),
            ("sslmode=allow", "prefer"),
            ("sslmode=disable", "disable"),
            ("sslmode=require", "require"),
            ("sslmode=require&sslrootcert=ca.pem", "verify-ca"),
            ("sslmode=require&channel_binding=require", "verify-full"),
            ("sslmode=require&channel_binding=prefer", "require"),
            ("sslrootcert=system", "verify-full"),
            ("sslmode=require&host=/run/pg", "disable"),
            ("ssl=true", "require"),
        ] {
            let url: DatabaseUrl = format!("postgres://a@b/c?{parameters}").parse().unwrap();
            let Address::Postgres(address) = url.0 else { unreachable!() };
            let mode: sqlx::postgres::PgSslMode = expected.parse().unwrap();
            assert_eq!(format!("{:?}", address.options.get_ssl_mode()), format!("{mode:?}"), "{parameters}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_its_parameter() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name).display().to_string();
        std::fs::write(path("ca.pem"), "").unwrap();
        let check = |parameters: String| {
            let url: DatabaseUrl = format!("postgres://a:p4ssw0rd@b/c?{parameters}").parse().unwrap();
            url.check_files().map_err(|error| error.to_string())
        };
        for parameter in ["sslrootcert", "sslcert", "sslkey"] {
            assert_eq!(check(format!("{parameter}={}", path("ca.pem"))), Ok(()));
            for wrong in [path("missing.pem"), path(".")] {
                let error = check(format!("{parameter}={wrong}")).unwrap_err();
                assert!(error.starts_with(parameter) && error.contains(&wrong), "{error}");
                assert!(!error.contains("p4ssw0rd"), "{error}");
            }
        }
        for inline in ["sslrootcert=system", "sslrootcert=-----BEGIN CERTIFICATE-----"] {
            assert_eq!(check(inline.to_owned()), Ok(()));
        }
    }

    #[test]
    fn the_wait_for_a_connection_has_a_bound() {
        for (parameters, seconds) in [
            ("", None),
            ("?connect_timeout=10", Some(10)),
            ("?connect_timeout=600", Some(30)),
            // libpq: without end.
            ("?connect_timeout=0", Some(30)),
            ("?connect_timeout=-1", Some(30)),
        ] {
            let url: DatabaseUrl = format!("postgres://a@b/c{parameters}").parse().unwrap();
            assert_eq!(url.connect_timeout(), seconds.map(Duration::from_secs), "{parameters}");
        }
    }
}
