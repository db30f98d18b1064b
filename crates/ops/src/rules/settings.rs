//! Rules for settings: what the server accepts and an operator should not.

use api_server::config::{Config, Fault, Profile};

use super::in_production;
use crate::finding::{Finding, Severity};

/// Requests a minute from which on a rate limit limits nobody.
const PER_MINUTE_WITHOUT_LIMIT: u32 = 100_000;

/// What the server refuses to start on.
pub(crate) fn fault(fault: &Fault) -> Finding {
    let subject = if fault.path.is_empty() { &fault.source } else { &fault.path };
    Finding::new(Severity::Error, "setting", subject, fault.to_string())
}

/// What it starts on, and should not.
pub(crate) fn findings(config: &Config) -> Vec<Finding> {
    let profile = config.profile;
    let mut findings: Vec<Finding> = config
        .warnings
        .iter()
        .map(|warning| Finding::new(Severity::Warning, "no_effect", &warning.variable, warning.to_string()))
        .collect();
    if profile == Profile::Development {
        return findings;
    }
    let strict = in_production(profile);
    let rules = [
        (config.layers.rate_limit.per_minute.get() >= PER_MINUTE_WITHOUT_LIMIT)
            .then(|| Finding::new(strict, "rate_limit", "rate_limit.per_minute", "limits nobody")),
        config.layers.trusted_proxies.is_empty().then(|| {
            let message =
                "names no proxy: behind one, all clients share one limit and one address in the log";
            Finding::new(strict, "trusted_proxies", "server.trusted_proxies", message)
        }),
        config.docs_enabled.then(|| {
            let message =
                "shows the reference page to everyone: set ENABLE_SWAGGER=false unless that is meant";
            Finding::new(Severity::Warning, "docs", "docs.enabled", message)
        }),
        (!config.layers.hsts).then(|| {
            let message = "is off: browsers may come back without TLS";
            Finding::new(Severity::Warning, "hsts", "server.hsts", message)
        }),
        reveals_requests(&config.logs.filter).then(|| {
            let message = "traces the client of AWS, whose log then has the header that signs requests";
            Finding::new(strict, "trace", "logs.filter", message)
        }),
        config.market_data.polygon.base_url.starts_with("http://").then(|| {
            Finding::new(
                strict,
                "plain_http",
                "market_data.polygon.base_url",
                "sends the vendor's key in the clear",
            )
        }),
    ];
    findings.extend(rules.into_iter().flatten());
    findings
}

/// Whether a filter lets the SDK or its HTTP client log at TRACE.
fn reveals_requests(filter: &str) -> bool {
    let is_revealing = |directive: &str| match directive.rsplit_once('=') {
        None => directive.eq_ignore_ascii_case("trace"),
        Some((target, level)) => {
            let is_client = ["aws", "hyper", "h2", "rustls"].iter().any(|client| target.starts_with(client));
            is_client && level.eq_ignore_ascii_case("trace")
        }
    };
    filter.split(',').map(str::trim).any(is_revealing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trace_of_the_client_or_of_everything_reveals_requests() {
        for (filter, expected) in [
            ("info", false),
            ("trace", true),
            ("info,aws_smithy_runtime=trace", true),
            ("info, aws_sigv4=TRACE", true),
            ("info,api_server=trace", false),
            ("info,aws_smithy_runtime=debug", false),
        ] {
            assert_eq!(reveals_requests(filter), expected, "{filter}");
        }
    }
}
