//! Which Secrets Manager to ask, as whom, and whether this profile may.

use std::net::IpAddr;

use crate::environment::Environment;
use crate::error::{Error, Misuse};
use crate::profile::Profile;
use crate::value::SecretValue;

const PREFIX: &str = "SECRET_PREFIX";
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"];

/// Which Secrets Manager to ask, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What stands before each name, such as `prod/rail`: product and environment.
    pub prefix: String,
    /// The region.
    pub region: String,
    /// Another address than the region's own: an emulator. Refused in production and staging.
    pub endpoint: Option<String>,
    /// As whom to ask.
    pub credentials: CredentialSource,
    /// How many secrets are asked for in one call.
    pub batching: Batching,
}

/// As whom to ask.
#[derive(Clone, Debug)]
pub enum CredentialSource {
    /// A key that the environment holds.
    Static {
        /// The id of the key.
        access_key_id: String,
        /// The key.
        secret_access_key: SecretValue,
        /// The token of a temporary key.
        session_token: Option<SecretValue>,
    },
    /// Whatever the machine offers: profile, web identity, container, instance. The one place where the SDK reads this
    /// process's own environment and files, because only it knows all of their forms.
    Machine,
}

/// How many secrets are asked for in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// Up to 20. Where the policy does not allow it, one by one from then on.
    Together,
    /// One by one.
    OneByOne,
}

impl Settings {
    /// Reads `SECRET_PREFIX`, `AWS_REGION`, `AWS_ENDPOINT_URL` and `AWS_ACCESS_KEY_ID` with its companions. `None` when
    /// there is no `SECRET_PREFIX`: then nobody wants AWS, and nothing of it is made.
    ///
    /// # Errors
    /// [`Misuse::NoRegion`] when there is a prefix and no region.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>, Error> {
        let Some(prefix) = environment.setting(PREFIX) else { return Ok(None) };
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| environment.setting(name));
        let region = first(REGIONS).ok_or(Error::Config(Misuse::NoRegion))?;
        let (endpoint, credentials) = (first(ENDPOINTS), CredentialSource::from_environment(environment));
        Ok(Some(Self { prefix, region, endpoint, credentials, batching: Batching::Together }))
    }

    /// Whether `profile` allows the endpoint.
    pub(super) fn check(&self, profile: Profile) -> Result<(), Error> {
        let Some(endpoint) = &self.endpoint else { return Ok(()) };
        if profile.is_strict() {
            return Err(Error::Config(Misuse::EndpointOverride(endpoint.clone())));
        }
        if !is_encrypted(endpoint) && !is_loopback(endpoint) {
            return Err(Error::Config(Misuse::PlainHttp(endpoint.clone())));
        }
        Ok(())
    }
}

impl CredentialSource {
    fn from_environment(environment: &Environment) -> Self {
        let key = environment.setting("AWS_ACCESS_KEY_ID").zip(environment.secret("AWS_SECRET_ACCESS_KEY"));
        match key {
            Some((access_key_id, secret_access_key)) => {
                let session_token = environment.secret("AWS_SESSION_TOKEN");
                Self::Static { access_key_id, secret_access_key, session_token }
            }
            None => Self::Machine,
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

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, Error> {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Settings::from_environment(&Environment::new(variables))
    }

    fn checked(endpoint: &str, profile: Profile) -> Result<(), Error> {
        let variables = [("SECRET_PREFIX", "p"), ("AWS_REGION", "r"), ("AWS_ENDPOINT_URL", endpoint)];
        read(&variables).unwrap().unwrap().check(profile)
    }

    #[test]
    fn without_a_prefix_there_is_no_aws_whatever_else_is_set() {
        assert!(read(&[("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "a")]).unwrap().is_none());
        assert!(read(&[("SECRET_PREFIX", ""), ("AWS_REGION", "eu-central-1")]).unwrap().is_none());
        let missing = read(&[("SECRET_PREFIX", "prod/rail")]);
        assert_eq!(missing.unwrap_err(), Error::Config(Misuse::NoRegion));
    }

    #[test]
    fn half_a_key_is_no_key() {
        let base = [("SECRET_PREFIX", "p"), ("AWS_REGION", "r"), ("AWS_ACCESS_KEY_ID", "a")];
        assert!(matches!(read(&base).unwrap().unwrap().credentials, CredentialSource::Machine));
        let whole = [&base[..], &[("AWS_SECRET_ACCESS_KEY", "c4n4ry")]].concat();
        let settings = read(&whole).unwrap().unwrap();
        assert!(matches!(settings.credentials, CredentialSource::Static { .. }));
        assert!(!format!("{settings:?}").contains("c4n4ry"));
    }

    #[test]
    fn the_endpoint_of_this_service_goes_before_that_of_all() {
        let settings = read(&[
            ("SECRET_PREFIX", "p"),
            ("AWS_REGION", "r"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:2"),
        ]);
        assert_eq!(settings.unwrap().unwrap().endpoint.as_deref(), Some("http://127.0.0.1:2"));
    }

    #[test]
    fn an_emulator_is_for_development_and_plain_http_for_loopback() {
        for profile in [Profile::Production, Profile::Staging] {
            for endpoint in ["http://127.0.0.1:5000", "https://secrets.example.net"] {
                assert!(matches!(
                    checked(endpoint, profile),
                    Err(Error::Config(Misuse::EndpointOverride(_)))
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
                matches!(checked(bad, Profile::Development), Err(Error::Config(Misuse::PlainHttp(_)))),
                "{bad}"
            );
        }
    }
}
