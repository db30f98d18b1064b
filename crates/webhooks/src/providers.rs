//! The list of providers, and what is looked up in it.

use std::fmt;
use std::str::FromStr;

use domain::Provider;
use jiff::{SignedDuration, Timestamp};

use crate::channel::{Channel, Endpoint};
use crate::declaration::{ENDPOINTS_PATH, Proof, ProviderDeclaration};
use crate::interpretation::Interpretation;
use crate::settings::{Setting, SettingValue, Settings};
use crate::{alpaca, bridge, circle};

/// Every provider, in the order of [`Provider::ALL`].
pub static PROVIDERS: [&ProviderDeclaration; Provider::ALL.len()] =
    [&alpaca::DECLARATION, &bridge::DECLARATION, &circle::DECLARATION];

/// The settings of every provider.
#[derive(Clone, Debug)]
pub struct ProviderSettings([Settings; Provider::ALL.len()]);

/// The text is no channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown channel")]
pub struct ChannelError;

/// The text is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown endpoint")]
pub struct EndpointError;

/// What is declared of a provider.
#[must_use]
pub fn declaration(provider: Provider) -> &'static ProviderDeclaration {
    PROVIDERS[provider as usize]
}

/// Interprets a body that was verified for `channel`. The same bytes always give the same facts.
#[must_use]
pub fn interpret(channel: Channel, body: &[u8], settings: &ProviderSettings) -> Interpretation {
    let provider = channel.provider();
    let outcome = (declaration(provider).interpret)(channel, body, settings.provider(provider));
    outcome.unwrap_or_else(Interpretation::Unhandled)
}

impl Channel {
    /// Every channel.
    pub fn all() -> impl Iterator<Item = Self> {
        PROVIDERS.into_iter().flat_map(|provider| provider.channels).map(|declared| declared.channel)
    }

    /// The endpoint at which its deliveries come in.
    #[must_use]
    pub fn endpoint(self) -> Endpoint {
        let without_parameter = Endpoint { provider: self.provider(), parameter: None };
        self.as_str().parse().unwrap_or(without_parameter)
    }
}

impl Endpoint {
    /// Every endpoint.
    pub fn all() -> impl Iterator<Item = Self> {
        PROVIDERS.into_iter().flat_map(|declared| {
            let parameters = match &declared.endpoint.parameter {
                Some(parameter) => parameter.values.iter().copied().map(Some).collect(),
                None => vec![None],
            };
            parameters.into_iter().map(|parameter| Self { provider: declared.provider, parameter })
        })
    }
}

impl ProviderDeclaration {
    /// The path of its endpoints, such as `/api/v1/webhooks/alpaca/{kind}`.
    #[must_use]
    pub fn path(&self) -> String {
        let parameter = self.endpoint.parameter.as_ref();
        let parameter = parameter.map_or_else(String::new, |parameter| format!("/{{{}}}", parameter.name));
        format!("{ENDPOINTS_PATH}{}{parameter}", self.provider)
    }

    /// The name of the secret with its keys; `None` where the keys are fetched.
    #[must_use]
    pub fn secret(&self) -> Option<&'static str> {
        match self.proof {
            Proof::Keys { secret, .. } => Some(secret),
            Proof::Circle => None,
        }
    }

    /// Every setting.
    pub fn all_settings(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter().chain([&self.retention])
    }
}

impl ProviderSettings {
    /// The values that `value` gives.
    pub fn new(is_production: bool, mut value: impl FnMut(&Setting) -> SettingValue) -> Self {
        Self(PROVIDERS.map(|declared| Settings::new(declared.all_settings(), is_production, &mut value)))
    }

    /// The settings of a provider.
    #[must_use]
    pub fn provider(&self, provider: Provider) -> &Settings {
        &self.0[provider as usize]
    }

    /// The same with another value of the setting at `path`.
    #[must_use]
    pub fn with(mut self, path: &str, value: &SettingValue) -> Self {
        self.0.iter_mut().for_each(|settings| settings.set(path, value));
        self
    }

    /// Days for which bodies of a provider are kept.
    #[must_use]
    pub fn retention_days(&self, provider: Provider) -> u32 {
        self.provider(provider).number(&declaration(provider).retention)
    }

    /// Bodies of a provider that were received before this are no longer kept.
    #[must_use]
    pub fn received_before(&self, provider: Provider, now: Timestamp) -> Timestamp {
        let age = SignedDuration::from_hours(24 * i64::from(self.retention_days(provider)));
        now.checked_sub(age).unwrap_or(Timestamp::MIN)
    }
}

/// The defaults, outside production.
impl Default for ProviderSettings {
    fn default() -> Self {
        Self::new(false, Setting::default_value)
    }
}

impl FromStr for Channel {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Self, ChannelError> {
        Self::all().find(|channel| channel.as_str() == text).ok_or(ChannelError)
    }
}

/// `alpaca/trade`, `bridge`: the path below [`ENDPOINTS_PATH`].
impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (name, value) = text.split_once('/').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let declared = PROVIDERS.iter().find(|declared| declared.provider.as_str() == name);
        let ProviderDeclaration { provider, endpoint, .. } = declared.ok_or(EndpointError)?;
        let parameter = match (&endpoint.parameter, value) {
            (None, None) => None,
            (Some(parameter), Some(value)) => {
                Some(*parameter.values.iter().find(|known| **known == value).ok_or(EndpointError)?)
            }
            (None, Some(_)) | (Some(_), None) => return Err(EndpointError),
        };
        Ok(Self { provider: *provider, parameter })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.provider.as_str())?;
        self.parameter.map_or(Ok(()), |parameter| write!(out, "/{parameter}"))
    }
}

// A declaration in another place than its provider would be another provider's.
const _: () = {
    let mut at = 0;
    while at < PROVIDERS.len() {
        assert!(PROVIDERS[at].provider as usize == at, "PROVIDERS has the order of Provider::ALL");
        at += 1;
    }
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_begin_with_their_provider() {
        let channels: BTreeSet<&str> = Channel::all().map(Channel::as_str).collect();
        assert_eq!(channels.len(), Channel::all().count());
        for channel in Channel::all() {
            assert_eq!(channel.as_str().parse(), Ok(channel));
            assert!(channel.as_str().starts_with(channel.provider().as_str()));
        }
        assert!("circle".parse::<Channel>().is_err());
        for endpoint in Endpoint::all() {
            assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
        }
        assert!("alpaca".parse::<Endpoint>().is_err() && "bridge/x".parse::<Endpoint>().is_err());
        let settings: Vec<&Setting> = PROVIDERS.iter().flat_map(|declared| declared.all_settings()).collect();
        for name in [|setting: &&Setting| setting.path, |setting: &&Setting| setting.variable] {
            assert_eq!(settings.iter().map(name).collect::<BTreeSet<_>>().len(), settings.len());
        }
    }

    #[test]
    fn a_path_has_the_name_of_its_provider_and_its_parameter() {
        let paths = PROVIDERS.map(ProviderDeclaration::path);
        assert_eq!(paths[..2], ["/api/v1/webhooks/alpaca/{kind}", "/api/v1/webhooks/bridge"]);
    }
}
