//! Rules for settings that are valid but unsafe.

use secrets::Profile;

use super::{Finding, Severity};
use crate::error::Error;
use crate::settings::Config;

/// From here on, a rate limit has no effect.
const RATE_LIMIT_WITHOUT_EFFECT_PER_MINUTE: u32 = 100_000;

/// A setting that prevents the server from starting.
pub(crate) fn setting_error(Error { path, source, problem }: &Error) -> Finding {
    match path.is_empty() {
        true => Finding::new(Severity::Error, "setting", source, problem),
        false => Finding::new(Severity::Error, "setting", path, format!("{problem} ({source})")),
    }
}

/// Settings that are valid but unsafe.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let warnings = config.warnings.iter();
    let mut findings: Vec<Finding> = warnings
        .map(|warning| Finding::new(Severity::Warning, "no_effect", &warning.variable, warning.to_string()))
        .collect();
    if config.profile == Profile::Development {
        return findings;
    }
    let rules = [
        (
            config.http.rate_limit.per_minute.get() >= RATE_LIMIT_WITHOUT_EFFECT_PER_MINUTE,
            "rate_limit",
            "rate_limit.per_minute",
            "is too high to have an effect",
        ),
        (
            config.trusted_proxies.is_empty(),
            "trusted_proxies",
            "server.trusted_proxies",
            "is empty: behind a proxy, all clients share one rate limit and one address in the log",
        ),
        (
            config.docs_enabled,
            "docs",
            "docs.enabled",
            "shows the API reference to everyone; set ENABLE_SWAGGER=false unless that is intended",
        ),
        (!config.http.hsts, "hsts", "server.hsts", "is off: browsers may connect without TLS"),
        (
            logs_signed_requests(&config.logs.filter),
            "trace",
            "logs.filter",
            "enables trace logs of the AWS client, which contain signatures of requests",
        ),
        (
            config.redis.endpoint().is_some_and(|endpoint| endpoint.is_exposed()),
            "plain_redis",
            "redis.tls",
            "is off: the password of Redis is sent unencrypted; set REDIS_TLS=true unless the network is private",
        ),
        (
            config.traces.is_exposed(),
            "plain_collector",
            "traces.endpoint",
            "has no TLS: addresses of clients are sent unencrypted; use https:// unless the network is private",
        ),
        (
            config.redis.endpoint().is_some()
                && config.http.rate_limit.burst.get() / 4 < config.expected_nodes,
            "small_burst",
            "rate_limit.burst",
            "is less than four requests for each of EXPECTED_NODES: every request asks Redis",
        ),
        (
            !config.market_data.polygon.base_url.is_encrypted(),
            "plain_http",
            "market_data.polygon.base_url",
            "sends the vendor's key unencrypted",
        ),
    ];
    let broken = rules.into_iter().filter(|(is_broken, ..)| *is_broken);
    findings.extend(
        broken.map(|(_, rule, subject, message)| Finding::new(Severity::Warning, rule, subject, message)),
    );
    findings
}

/// Whether a filter lets the AWS client or its HTTP client log at TRACE.
fn logs_signed_requests(filter: &str) -> bool {
    let is_client_trace = |directive: &str| match directive.rsplit_once('=') {
        None => directive.eq_ignore_ascii_case("trace"),
        Some((target, level)) => {
            let is_client = ["aws", "hyper", "h2", "rustls"].iter().any(|client| target.starts_with(client));
            is_client && level.eq_ignore_ascii_case("trace")
        }
    };
    filter.split(',').map(str::trim).any(is_client_trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trace_of_the_client_or_of_everything_logs_signed_requests() {
        for (filter, expected) in [
            ("info", false),
            ("trace", true),
            ("info,aws_smithy_runtime=trace", true),
            ("info, aws_sigv4=TRACE", true),
            ("info,api_server=trace", false),
            ("info,aws_smithy_runtime=debug", false),
        ] {
            assert_eq!(logs_signed_requests(filter), expected, "{filter}");
        }
    }
}
