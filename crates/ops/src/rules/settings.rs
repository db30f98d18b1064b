//! Rules for settings that the server accepts and an operator should not.

use config::{Config, Profile};

use super::in_production;
use crate::finding::{Finding, Severity};

/// A rate limit from here on has no effect, in requests per minute.
const PER_MINUTE_WITHOUT_LIMIT: u32 = 100_000;

/// The server does not start with this error.
pub(crate) fn error(error: &config::Error) -> Finding {
    let subject = if error.path.is_empty() { &error.source } else { &error.path };
    Finding::new(Severity::Error, "setting", subject, error.to_string())
}

/// Settings with which the server starts, and should not.
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
        (config.http.rate_limit.per_minute.get() >= PER_MINUTE_WITHOUT_LIMIT).then(|| {
            Finding::new(strict, "rate_limit", "rate_limit.per_minute", "is too high to have an effect")
        }),
        config.trusted_proxies.is_empty().then(|| {
            let message =
                "is empty: behind a proxy, all clients share one rate limit and one address in the log";
            Finding::new(strict, "trusted_proxies", "server.trusted_proxies", message)
        }),
        config.docs_enabled.then(|| {
            let message =
                "shows the API reference to everyone: set ENABLE_SWAGGER=false unless that is intended";
            Finding::new(Severity::Warning, "docs", "docs.enabled", message)
        }),
        (!config.http.hsts).then(|| {
            let message = "is off: browsers may connect without TLS";
            Finding::new(Severity::Warning, "hsts", "server.hsts", message)
        }),
        reveals_requests(&config.logs.filter).then(|| {
            let message =
                "enables trace logs of the AWS client, which contain the header that signs requests";
            Finding::new(strict, "trace", "logs.filter", message)
        }),
        (!config.market_data.polygon.base_url.is_encrypted()).then(|| {
            Finding::new(
                strict,
                "plain_http",
                "market_data.polygon.base_url",
                "sends the vendor's key unencrypted",
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
