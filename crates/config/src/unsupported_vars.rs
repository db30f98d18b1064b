//! Variables that look like settings and have no effect. Each is reported at startup.

use secrets::{Environment, Profile};

use crate::error::Warning;
use crate::setting::Setting;
use crate::{DIRECTORY_VARIABLE, PROFILE_VARIABLE};

/// Variables that are not supported, each with what to use instead.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("ADMIN_IP_ALLOWLIST", "give each API key its networks: see docs/api-keys.md"),
    ("ALERT_WEBHOOK_URL", "nothing uses it yet"),
    ("ALPACA_BASE_URL", "no orders are sent yet; for events use ALPACA_EVENTS_BASE_URL"),
    ("ALPACA_WS_ENABLED", "use ALPACA_EVENTS_ENABLED"),
    ("ALPHA_VANTAGE_API_KEY", "bars come from bundled data, MARKET_DATA_DIR or Polygon"),
    ("ANSWER_CACHE_BYTES", "use RESPONSE_CACHE_BYTES"),
    ("ANSWER_CACHE_ENTRIES", "use RESPONSE_CACHE_ENTRIES"),
    ("API_HOST", "use BIND_ADDRESS"),
    ("API_KEY_PEPPER", "nothing uses it yet"),
    ("API_PORT", "use BIND_ADDRESS"),
    ("AUTH_FAILURE_WINDOW_SECS", "the window is a minute: use AUTH_FAILURES_PER_MINUTE"),
    ("AUTH_LOCKOUT_SECS", "a valid key is never locked out: use AUTH_FAILURES_PER_MINUTE"),
    ("AUTH_MAX_FAILURES", "use AUTH_FAILURES_PER_MINUTE"),
    ("BACKUP_ENCRYPTION_KEY", "nothing uses it yet"),
    ("BROKER_PROVIDER", "no orders are sent yet"),
    ("CACHE_TTL", "use POLYGON_FRESH_SECS and POLYGON_STALE_SECS"),
    ("CIRCLE_ENTITY_SECRET", "nothing uses it yet"),
    ("CIRCLE_WEBHOOK_SECRET", "nothing uses it yet"),
    ("DISABLE_CACHE", "use RESPONSE_CACHE_ENTRIES=0"),
    ("DISCORD_WEBHOOK_URL", "alerts are not sent from here"),
    ("ENCRYPTION_KEY", "nothing uses it yet"),
    ("FINNHUB_API_KEY", "news comes from Polygon"),
    ("IBKR_ACCOUNT_ID", "no orders are sent yet"),
    ("IBKR_GATEWAY_URL", "no orders are sent yet"),
    ("IBKR_PAPER", "no orders are sent yet"),
    ("JWT_SECRET", "nothing uses it yet"),
    ("KYC_WEBHOOK_SECRET", "nothing uses it yet"),
    ("LIVE_TRADING_APPROVED", "there is no trading yet"),
    ("LIVE_TRADING_KEY", "there is no trading yet"),
    ("ML_BAYESIAN_URL", "models are built in"),
    ("ML_EARNINGS_NLP_URL", "models are built in"),
    ("ML_PRICE_PREDICTOR_URL", "models are built in"),
    ("ML_SENTIMENT_URL", "models are built in"),
    ("ML_SIGNAL_MODELS_URL", "models are built in"),
    ("ML_SOCIAL_SENTIMENT_URL", "models are built in"),
    ("NOTIFICATION_EMAIL_TO", "alerts are not sent from here"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "send traces to a collector of your own, which adds the headers"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "use OTEL_EXPORTER_OTLP_ENDPOINT, to which /v1/traces is appended",
    ),
    ("OTEL_RESOURCE_ATTRIBUTES", "use OTEL_SERVICE_NAME; the collector may add others"),
    ("OTEL_SDK_DISABLED", "traces are off while OTEL_EXPORTER_OTLP_ENDPOINT is not set"),
    ("PAYMENT_WEBHOOK_SECRET", "nothing uses it yet"),
    ("POLYGON_WS_ENABLED", "live quotes are not streamed"),
    ("PORT", "use BIND_ADDRESS"),
    ("RESEND_API_KEY", "nothing uses it yet"),
    ("RETENTION_AUDIT_DAYS", "audit entries are never removed"),
    ("RETENTION_BACKTEST_DAYS", "no backtests are stored"),
    ("RETENTION_DAYS", "use WEBHOOK_RETENTION_DAYS_ALPACA and the like, one for each provider"),
    ("RETENTION_FEATURES_DAYS", "no features are stored"),
    ("RETENTION_SENTIMENT_DAYS", "no sentiment is stored"),
    ("RETENTION_TRADES_DAYS", "ledger entries are never removed"),
    ("RUST_ENV", "use INVESTIQ_PROFILE"),
    ("SENTRY_DSN", "errors are not sent anywhere: read the log"),
    ("SENTRY_ENVIRONMENT", "errors are not sent anywhere: read the log"),
    ("SENTRY_TRACES_SAMPLE_RATE", "errors are not sent anywhere: read the log"),
    ("SESSION_KEY", "nothing uses it yet"),
    ("SMTP_FROM_ADDRESS", "alerts are not sent from here"),
    ("SMTP_HOST", "alerts are not sent from here"),
    ("SMTP_PASSWORD", "alerts are not sent from here"),
    ("SMTP_PORT", "alerts are not sent from here"),
    ("SMTP_TLS", "alerts are not sent from here"),
    ("SMTP_USERNAME", "alerts are not sent from here"),
    ("SUMSUB_APP_TOKEN", "nothing uses it yet"),
    ("SUMSUB_SECRET_KEY", "nothing uses it yet"),
    ("TEST_MODE", "there is no such mode"),
    ("TLS_CERT_PATH", "put a TLS proxy in front, and name it in TRUSTED_PROXIES"),
    ("TLS_KEY_PATH", "put a TLS proxy in front, and name it in TRUSTED_PROXIES"),
];

/// The prefix of our own variables: any other name with it is a typing mistake.
const PREFIX: &str = "INVESTIQ_";

/// One warning for each variable that is set and has no effect.
pub(crate) fn warnings(environment: &Environment, settings: &[Setting]) -> Vec<Warning> {
    let is_profile = |name: &str| Profile::ALL.iter().any(|profile| profile.as_str() == name);
    let unknown = environment.get(PROFILE_VARIABLE).filter(|name| !is_profile(name)).map(|_| Warning {
        variable: PROFILE_VARIABLE.to_owned(),
        advice: "it is not development, staging or production, so the rules of production apply",
    });
    let unsupported = environment.names().filter_map(|name| {
        advice(name, settings).map(|advice| Warning { variable: name.to_owned(), advice })
    });
    unknown.into_iter().chain(unsupported).collect()
}

fn advice(name: &str, settings: &[Setting]) -> Option<&'static str> {
    if [DIRECTORY_VARIABLE, PROFILE_VARIABLE].contains(&name)
        || settings.iter().any(|setting| setting.variable == name)
    {
        return None;
    }
    let unsupported = UNSUPPORTED.iter().find(|(variable, _)| *variable == name);
    unsupported
        .map(|(_, advice)| *advice)
        .or_else(|| name.starts_with(PREFIX).then_some("there is no such setting"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsupported_variables_are_reported_and_settings_are_not() {
        let environment = Environment::from_iter([
            ("RUST_ENV", "production"),
            ("INVESTIQ_PROFIL", "staging"),
            ("INVESTIQ_PROFILE", "prod"),
            ("BIND_ADDRESS", "127.0.0.1:1"),
            ("HOME", "/"),
        ]);
        let warnings = warnings(&environment, &crate::settings());
        let names: Vec<_> = warnings.iter().map(|warning| warning.variable.as_str()).collect();
        assert_eq!(names, ["INVESTIQ_PROFILE", "INVESTIQ_PROFIL", "RUST_ENV"]);
    }

    #[test]
    fn no_setting_and_no_secret_is_reported_as_unsupported() {
        let catalogue = secrets::Catalogue::product();
        let variables: Vec<String> =
            catalogue.iter().flat_map(|spec| spec.variables().collect::<Vec<_>>()).collect();
        for (name, _) in UNSUPPORTED {
            assert!(crate::settings().iter().all(|setting| setting.variable != *name), "{name}");
            assert!(variables.iter().all(|variable| variable != name), "{name}");
        }
    }
}
