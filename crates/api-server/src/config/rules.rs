//! What must hold between settings: nothing is opened to a network by default or by a slip.

use super::{Config, Fault, MetricsAccess, Profile};
use crate::deliveries::Scheme;
use webhooks::AlpacaEntries;

/// The rules that this configuration breaks.
pub(super) fn check(config: &Config) -> Vec<Fault> {
    let Config {
        profile,
        bind_address,
        keys_required,
        metrics_access,
        deliveries,
        ledger,
        alpaca_events,
        ..
    } = config;
    let reads_activities =
        alpaca_events.enabled && alpaca_events.streams.contains(&alpaca::Stream::Activities);
    let is_local = bind_address.ip().to_canonical().is_loopback();
    let is_strict = *profile != Profile::Development;
    let source = format!("profile {}", profile.as_str());
    let fault = |path: &str, problem: &str| Fault {
        path: path.to_owned(),
        source: source.clone(),
        problem: problem.to_owned(),
    };
    let rules = [
        (
            !is_strict && !is_local,
            fault("server.bind_address", "development serves a loopback address: set INVESTIQ_PROFILE"),
        ),
        (
            (is_strict || !is_local) && !keys_required,
            fault("auth.required", "must be true outside development on a loopback address"),
        ),
        (
            (is_strict || !is_local) && *metrics_access == MetricsAccess::Open,
            fault("metrics.access", "must be loopback or key outside development on a loopback address"),
        ),
        (
            is_strict && is_plain(&deliveries.circle.base_url),
            fault(
                "webhooks.circle.base_url",
                "must be https outside development: who answers there decides whose money is booked",
            ),
        ),
        (
            is_strict && alpaca_events.enabled && is_plain(&alpaca_events.base_url),
            fault(
                "alpaca.events.base_url",
                "must be https outside development: who answers there decides whose money is booked",
            ),
        ),
        (
            is_strict && deliveries.circle.sns_base_url.is_some(),
            fault("webhooks.circle.sns_base_url", "asks another host than Amazon's: development only"),
        ),
        (
            *profile == Profile::Production && deliveries.alpaca.scheme == Scheme::Any,
            fault(
                "webhooks.alpaca.scheme",
                "must be timestamped in production: a body alone can be replayed",
            ),
        ),
        (
            *profile == Profile::Production && ledger.alpaca_entries == AlpacaEntries::Either,
            fault(
                "ledger.alpaca_entries",
                "must be nta or activities in production: what both tell would be booked twice if their ids differ",
            ),
        ),
        (
            reads_activities && ledger.alpaca_entries == AlpacaEntries::Nta,
            fault(
                "ledger.alpaca_entries",
                "is nta, and the stream activities is read: it must be activities",
            ),
        ),
    ];
    rules.into_iter().filter(|(is_broken, _)| *is_broken).map(|(_, fault)| fault).collect()
}

/// Plain HTTP to this machine, as to an emulator: anyone on it could answer.
fn is_plain(base_url: &str) -> bool {
    !base_url.starts_with("https:")
}
