//! The declarations of every secret of the product.

use std::time::Duration;

use webhooks::{KeyFormat, Proof};

use crate::name::SecretName;
use crate::spec::{Class, Format, SecretSpec};

/// Length of a generated key: 256 bits.
const KEY_BYTES: usize = 32;
const KEY: Format = Format::Base64 { bytes_min: KEY_BYTES };
/// As [`KEY`], followed by older keys.
const KEYS: Format = Format::Base64Lines { bytes_min: KEY_BYTES };

pub(super) fn all() -> Vec<SecretSpec> {
    [internal(), credentials(), vendors(), webhooks()].concat()
}

/// Keys that the product generates.
fn internal() -> Vec<SecretSpec> {
    vec![
        spec("api_keys", Class::AccessList, Format::Lines, "the API keys of clients, one per line"),
        spec("api_key_pepper", Class::Pepper, KEY, "mixed into the hashes of API keys"),
        spec("live_trading_key", Class::Bootstrap, Format::Text, "confirms live orders"),
        spec("admin_bootstrap_token", Class::Bootstrap, Format::Text, "creates the first administrator"),
        spec("jwt_secret", Class::SigningKey, KEY, "signs tokens"),
        spec("session_key", Class::SigningKey, KEY, "signs sessions"),
        spec("encryption_key", Class::EncryptionKey, KEY, "encrypts stored fields"),
        spec("backup_encryption_key", Class::EncryptionKey, KEY, "encrypts backups"),
        SecretSpec {
            // Entries name their key, by version or by line, so that older keys are needed for as long as entries exist.
            overlap: Duration::MAX,
            ..spec("audit_key", Class::SigningKey, KEYS, "authenticates audit entries, newest key first")
        },
    ]
}

/// Credentials of databases, caches and mail servers.
fn credentials() -> Vec<SecretSpec> {
    vec![
        spec("database_url", Class::DbCredential, Format::Text, "database URL with user and password"),
        spec("redis_url", Class::DbCredential, Format::Text, "Redis URL with user and password"),
        spec("redis_password", Class::DbCredential, Format::Text, "Redis password, when its URL has none"),
        spec("smtp_password", Class::DbCredential, Format::Text, "password of the mail server"),
    ]
}

/// API keys that identify us to vendors and providers.
fn vendors() -> Vec<SecretSpec> {
    let key = |name, purpose| spec(name, Class::ApiKey, Format::Text, purpose);
    vec![
        key("polygon_api_key", "market data from Polygon"),
        key("finnhub_api_key", "news from Finnhub"),
        key("alpha_vantage_api_key", "prices from Alpha Vantage"),
        SecretSpec { aliases: &["APCA_API_KEY_ID"], ..key("alpaca_api_key", "id of the Alpaca API key") },
        SecretSpec {
            aliases: &["APCA_API_SECRET_KEY", "ALPACA_SECRET_KEY"],
            ..key("alpaca_api_secret", "secret of the Alpaca API key")
        },
        key("circle_api_key", "Circle API"),
        key("circle_entity_secret", "signs Circle wallet operations"),
        key("bridge_api_key", "Bridge API"),
        key("sumsub_app_token", "Sumsub app token"),
        key("sumsub_secret_key", "signs requests to Sumsub"),
        key("resend_api_key", "mail delivery by Resend"),
        key("alert_webhook_url", "URL that alerts are posted to"),
    ]
}

/// Keys that verify deliveries: those that each provider declares, and those of other senders.
fn webhooks() -> Vec<SecretSpec> {
    let secret = |name, format, purpose| spec(name, Class::WebhookSecret, format, purpose);
    let declared = webhooks::PROVIDERS.iter().filter_map(|provider| match provider.proof {
        Proof::Keys { secret: name, format: KeyFormat::HmacSecrets, purpose, .. } => {
            Some(secret(name, Format::Lines, purpose))
        }
        Proof::Keys { secret: name, format: KeyFormat::RsaPublicKeys, purpose, .. } => {
            Some(secret(name, Format::Pem, purpose))
        }
        Proof::Circle => None,
    });
    let others = [
        secret("circle_webhook_secret", Format::Text, "verifies Circle deliveries in HMAC mode"),
        secret("payment_webhook_secret", Format::Text, "verifies chain deposits and brokerage fills"),
        secret("kyc_webhook_secret", Format::Text, "verifies identity checks"),
    ];
    declared.chain(others).collect()
}

fn spec(name: &str, class: Class, format: Format, purpose: &'static str) -> SecretSpec {
    let name: SecretName = name.parse().expect("the declared names are valid");
    SecretSpec::new(name, class, format, purpose)
}
