//! The settings of Secrets Manager: region, prefix, endpoint and credentials.

use std::net::IpAddr;

use crate::environment::Environment;
use crate::error::{ConfigError, Error};
use crate::profile::Profile;
use crate::value::SecretValue;

const PREFIX: &str = "SECRET_PREFIX";
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"];

/// The settings of Secrets Manager.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Precedes each name, such as `prod/rail`: product and environment.
    pub prefix: String,
    /// The AWS region.
    pub region: String,
    /// An endpoint other than the region's own, such as an emulator's. Refused in production and staging.
    pub endpoint: Option<String>,
    /// Source of the credentials.
    pub credentials: CredentialSource,
    /// How many secrets are read in one call.
    pub batching: Batching,
    /// The HTTP proxy to AWS. The SDK would read one from the environment by itself.
    pub proxy: Option<Proxy>,
}

/// An HTTP proxy for requests over TLS.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its URL, with user and password.
    pub url: SecretValue,
    /// Hosts that are called without it, as in `NO_PROXY`.
    pub exceptions: String,
}

/// Source of the AWS credentials.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are named as in AWS")]
pub enum CredentialSource {
    /// An access key in the environment; temporary keys have a session token.
    Static { access_key_id: String, secret_access_key: SecretValue, session_token: Option<SecretValue> },
    /// The SDK's default chain: profile, web identity, container, instance. The SDK then reads the environment and files
    /// of the process itself, because only it supports all of their formats.
    DefaultChain,
}

/// How many secrets are read in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// Up to 20 secrets per call, until the policy denies a batch.
    Together,
    /// One secret per call.
    OneByOne,
}

impl Settings {
    /// Reads `SECRET_PREFIX`, `AWS_REGION`, `AWS_ENDPOINT_URL` and the variables of an access key. There is no proxy yet. `None` without a
    /// `SECRET_PREFIX`: then AWS is not used.
    ///
    /// # Errors
    /// [`ConfigError::NoRegion`] when there is a prefix and no region.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>, Error> {
        let Some(prefix) = environment.setting(PREFIX) else { return Ok(None) };
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| environment.setting(name));
        let region = first(REGIONS).ok_or(Error::Config(ConfigError::NoRegion))?;
        let (endpoint, credentials) = (first(ENDPOINTS), CredentialSource::from_environment(environment));
        Ok(Some(Self { prefix, region, endpoint, credentials, batching: Batching::Together, proxy: None }))
    }

    pub(super) fn check(&self, profile: Profile) -> Result<(), Error> {
        let Some(endpoint) = &self.endpoint else { return Ok(()) };
        if profile.is_strict() {
            return Err(Error::Config(ConfigError::EndpointOverride(endpoint.clone())));
        }
        if !is_encrypted(endpoint) && !is_loopback(endpoint) {
            return Err(Error::Config(ConfigError::PlainHttp(endpoint.clone())));
        }
        Ok(())
    }
}

impl CredentialSource {
    fn from_environment(environment: &Environment) -> Self {
        let secret = |name| environment.secret(name).cloned();
        let key = environment.setting("AWS_ACCESS_KEY_ID").zip(secret("AWS_SECRET_ACCESS_KEY"));
        match key {
            Some((access_key_id, secret_access_key)) => {
                let session_token = secret("AWS_SESSION_TOKEN");
                Self::Static { access_key_id, secret_access_key, session_token }
            }
            None => Self::DefaultChain,
        }
    }
}

fn is_encrypted(endpoint: &str) -> bool {
    endpoint.starts_with("https://")
}

fn is_loopback(endpoint: &str) -> bool {
    let rest = endpoint.strip_prefix("http://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(variables: &[(&str, &str)]) -> Result<Option<Settings>, Error> {
        Settings::from_environment(&variables.iter().copied().collect())
    }

    fn checked(endpoint: &str, profile: Profile) -> Result<(), Error> {
        let variables = [("SECRET_PREFIX", "p"), ("AWS_REGION", "r"), ("AWS_ENDPOINT_URL", endpoint)];
        parse(&variables).unwrap().unwrap().check(profile)
    }

    #[test]
    fn without_a_prefix_aws_is_not_used() {
        assert!(parse(&[("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "a")]).unwrap().is_none());
        assert!(parse(&[("SECRET_PREFIX", ""), ("AWS_REGION", "eu-central-1")]).unwrap().is_none());
        let missing = parse(&[("SECRET_PREFIX", "prod/rail")]);
        assert_eq!(missing.unwrap_err(), Error::Config(ConfigError::NoRegion));
    }

    #[test]
    fn an_incomplete_access_key_is_ignored() {
        let base = [("SECRET_PREFIX", "p"), ("AWS_REGION", "r"), ("AWS_ACCESS_KEY_ID", "a")];
        assert!(matches!(parse(&base).unwrap().unwrap().credentials, CredentialSource::DefaultChain));
        let whole = [&base[..], &[("AWS_SECRET_ACCESS_KEY", "c4n4ry")]].concat();
        let settings = parse(&whole).unwrap().unwrap();
        assert!(matches!(settings.credentials, CredentialSource::Static { .. }));
        assert!(!format!("{settings:?}").contains("c4n4ry"));
    }

    #[test]
    fn the_endpoint_of_this_service_takes_precedence() {
        let settings = parse(&[
            ("SECRET_PREFIX", "p"),
            ("AWS_REGION", "r"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:2"),
        ]);
        assert_eq!(settings.unwrap().unwrap().endpoint.as_deref(), Some("http://127.0.0.1:2"));
    }

    #[test]
    fn an_emulator_needs_the_development_profile_and_plain_http_needs_loopback() {
        for profile in [Profile::Production, Profile::Staging] {
            for endpoint in ["http://127.0.0.1:5000", "https://secrets.example.net"] {
                assert!(matches!(
                    checked(endpoint, profile),
                    Err(Error::Config(ConfigError::EndpointOverride(_)))
                ));
            }
        }
        for good in ["http://127.0.0.1:5000", "http://localhost", "http://[::1]:1/x", "https://a.example"] {
            assert_eq!(checked(good, Profile::Development), Ok(()), "{good}");
        }
        for bad in
            ["http://10.0.0.1", "http://127.0.0.1@a.example", "http://localhost.a.example", "ftp://::1"]
        {
            assert!(
                matches!(checked(bad, Profile::Development), Err(Error::Config(ConfigError::PlainHttp(_)))),
                "{bad}"
            );
        }
    }
}
