//! Rules across settings: no default and no typing mistake exposes the service to a network.

use domain::Provider;
use secrets::Profile;
use webhooks::{PROVIDERS, Scope, SettingKind, SettingValue, alpaca};

use crate::error::Error;
use crate::settings::{ACTIVITIES, Config, MetricsAccess, is_loopback};

const NOT_ENCRYPTED: &str =
    "must be https outside development: its responses decide which payments are posted";

/// Settings that contradict each other or the profile.
pub(crate) fn check(config: &Config) -> Vec<Error> {
    let Config { profile, metrics_access, webhooks, alpaca_events, .. } = config;
    let (is_local, is_strict) = (config.is_local(), profile.is_strict());
    let rules = [
        (
            !is_strict && !is_local,
            "server.bind_address",
            "must be a loopback address in development: set INVESTIQ_PROFILE, or PUBLISHED_ON_LOOPBACK=true in a container \
             whose port is published on 127.0.0.1 only",
        ),
        (
            is_strict && config.connections.published_on_loopback,
            "server.published_on_loopback",
            "must be false outside development: it is for a container of a developer's machine",
        ),
        (
            (is_strict || !is_local) && !config.keys_required,
            "auth.required",
            "must be true outside development on a loopback address",
        ),
        (
            is_strict && *metrics_access != MetricsAccess::Key,
            "metrics.access",
            "must be key outside development, because a proxy on this machine looks like a local client: let Prometheus send a key \
             of the role admin, or set METRICS_BIND_ADDRESS and let it read that address",
        ),
        (
            is_strict && alpaca_events.enabled && !alpaca_events.base_url.is_encrypted(),
            "alpaca.events.base_url",
            NOT_ENCRYPTED,
        ),
        (
            !is_strict
                && !config.connections.published_on_loopback
                && config.metrics_bind_address.is_some_and(|address| !is_loopback(address)),
            "metrics.bind_address",
            "must be a loopback address in development",
        ),
        (
            alpaca_events.enabled
                && alpaca_events.streams.contains(&ACTIVITIES)
                && webhooks.providers.provider(Provider::Alpaca).is(&alpaca::ENTRIES, alpaca::NTA),
            "ledger.alpaca_entries",
            "must be activities, because the stream activities is read",
        ),
        (
            config.redis.endpoint().is_some() && config.http.rate_limit.burst.get() < config.expected_nodes,
            "rate_limit.burst",
            "must be at least EXPECTED_NODES: while Redis does not answer, each node allows its part of the burst",
        ),
        (
            config.redis.endpoint().is_some()
                && config.http.webhooks.rate_limit.burst.get() < config.expected_nodes,
            "webhooks.per_minute",
            "must be at least six times EXPECTED_NODES: while Redis does not answer, each node allows its part of the burst, which is \
             a sixth of the requests per minute",
        ),
    ];
    let source = format!("profile {}", profile.as_str());
    let broken =
        rules.into_iter().filter_map(|(is_broken, path, problem)| is_broken.then_some((path, problem)));
    let errors = broken.chain(restrictions(config)).map(|(path, problem)| Error {
        path: path.to_owned(),
        source: source.clone(),
        problem: problem.to_owned(),
    });
    errors.chain(config.redis.errors(&source)).collect()
}

/// Settings of webhook providers with values that the profile does not allow.
fn restrictions(config: &Config) -> impl Iterator<Item = (&'static str, &'static str)> {
    let applies = |scope| match scope {
        Scope::OutsideDevelopment => config.profile.is_strict(),
        Scope::Production => config.profile == Profile::Production,
    };
    PROVIDERS.into_iter().flat_map(move |declared| {
        let settings = config.webhooks.providers.provider(declared.provider);
        declared.all_settings().filter_map(move |setting| {
            let value = settings.value(setting)?;
            let restriction = setting.restriction.filter(|restriction| applies(restriction.scope));
            let is_plain = matches!((&setting.kind, value), (SettingKind::BaseUrl { .. }, SettingValue::Text(Some(url)))
                if url.starts_with("http:"));
            match restriction.filter(|restriction| (restriction.breaks)(value)) {
                Some(restriction) => Some((setting.path, restriction.problem)),
                None => (is_plain && config.profile.is_strict()).then_some((setting.path, NOT_ENCRYPTED)),
            }
        })
    })
}
