//! Arguments that must be one of a list of names. The names appear in the help and in completions.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use config::Profile;
use config::api_keys::{KeyMode, Role};
use domain::Provider;
use store::JobState;
use webhooks::{ChannelDeclaration, PROVIDERS};

use crate::signing::Tamper;

/// One of these, each with its name and its help, which may be empty.
fn one_of<T: Clone + Send + Sync + 'static, H: Into<String> + Clone + Send + Sync + 'static>(
    choices: impl IntoIterator<Item = (T, &'static str, H)>,
) -> impl TypedValueParser<Value = T> {
    let choices: Vec<_> = choices.into_iter().collect();
    let names = choices.iter().map(|(_, name, help)| match help.clone().into() {
        help if help.is_empty() => PossibleValue::new(*name),
        help => PossibleValue::new(*name).help(help),
    });
    PossibleValuesParser::new(names).map(move |given| {
        let chosen = choices.iter().find(|(_, name, _)| *name == given);
        chosen.expect("the parser accepts only these names").0.clone()
    })
}

pub(crate) fn profile() -> impl TypedValueParser<Value = Profile> {
    one_of(Profile::ALL.map(|profile| (profile, profile.as_str(), "")))
}

pub(crate) fn provider() -> impl TypedValueParser<Value = Provider> {
    one_of(Provider::ALL.map(|provider| (provider, provider.as_str(), "")))
}

pub(crate) fn channel() -> impl TypedValueParser<Value = &'static ChannelDeclaration> {
    let channels = PROVIDERS.into_iter().flat_map(|provider| provider.channels);
    one_of(channels.map(|declared| (declared, declared.channel.as_str(), "")))
}

pub(crate) fn key_mode() -> impl TypedValueParser<Value = KeyMode> {
    one_of([
        (KeyMode::Live, "live", "Real money"),
        (KeyMode::Paper, "paper", "Simulated money"),
        (KeyMode::Test, "test", "Tests"),
    ])
}

pub(crate) fn role() -> impl TypedValueParser<Value = Role> {
    one_of([
        (Role::Viewer, "viewer", "Read"),
        (Role::Trader, "trader", "Read and trade"),
        (Role::Admin, "admin", "Read, trade and administer"),
    ])
}

pub(crate) fn tamper() -> impl TypedValueParser<Value = Tamper> {
    one_of(Tamper::ALL.map(|(tamper, name, what)| (tamper, name, format!("{what} [{}]", tamper.scope()))))
}

pub(crate) fn job_state() -> impl TypedValueParser<Value = JobState> {
    one_of([
        (JobState::Pending, "pending", "Waiting for a worker"),
        (JobState::Leased, "leased", "Being applied by a worker"),
        (JobState::Done, "done", "Applied"),
        (JobState::Unhandled, "unhandled", "Has no effect on the ledger"),
        (JobState::Dead, "dead", "Given up after too many attempts"),
        (JobState::Requeued, "requeued", "Given up, then requeued"),
    ])
}
