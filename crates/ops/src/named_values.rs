//! Arguments that must be one of a list of names. The names appear in the help and in completions.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use config::Profile;
use domain::Provider;
use webhooks::{ChannelDeclaration, PROVIDERS};

/// The name of a profile.
pub(crate) fn profile() -> impl TypedValueParser<Value = Profile> {
    let names = Profile::ALL.map(Profile::as_str);
    PossibleValuesParser::new(names).map(|name| {
        let named = Profile::ALL.into_iter().find(|profile| profile.as_str() == name);
        named.expect("the parser passes only names of profiles")
    })
}

/// The name of a provider.
pub(crate) fn provider() -> impl TypedValueParser<Value = Provider> {
    PossibleValuesParser::new(Provider::ALL.map(Provider::as_str))
        .map(|name| name.parse().expect("the parser passes only names of providers"))
}

/// The name of a channel.
pub(crate) fn channel() -> impl TypedValueParser<Value = &'static ChannelDeclaration> {
    let channels = || PROVIDERS.into_iter().flat_map(|provider| provider.channels);
    let names = channels().map(|declared| declared.channel.as_str());
    PossibleValuesParser::new(names).map(move |name| {
        let named = channels().find(|declared| declared.channel.as_str() == name);
        named.expect("the parser passes only names of channels")
    })
}
