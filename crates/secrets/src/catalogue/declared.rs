//! Every secret of the product: what each is, how it is written and what its variable was called before.

use std::time::Duration;

use crate::name::SecretName;
use crate::spec::{Class, Format, SecretSpec};

/// Bytes of a key that we make ourselves: 256 bits.
const KEY_BYTES: usize = 32;
const KEY: Format = Format::Base64 { bytes_min: KEY_BYTES };
/// As [`KEY`], with the keys before it.
const KEYS: Format = Format::Base64Lines { bytes_min: KEY_BYTES };

pub(super) fn all() -> Vec<SecretSpec> {
    [ours(), stores(), vendors(), webhooks()].concat()
}

/// Keys that the product makes and no one else knows.
fn ours() -> Vec<SecretSpec> {
    vec![
        spec("api_keys", Class::AccessList, Format::Lines, "who may call the API, one key per line"),
        spec("api_key_pepper", Class::Pepper, KEY, "is mixed into the hashes of API keys"),
        spec("live_trading_key", Class::Bootstrap, Format::Text, "the second key of a live order"),
        spec("admin_bootstrap_token", Class::Bootstrap, Format::Text, "sets up the first administrator"),
        spec("jwt_secret", Class::SigningKey, KEY, "signs tokens"),
        spec("session_key", Class::SigningKey, KEY, "signs sessions"),
        spec("encryption_key", Class::EncryptionKey, KEY, "encrypts stored fields"),
        spec("backup_encryption_key", Class::EncryptionKey, KEY, "encrypts backups"),
        SecretSpec {
            // Entries are checked against the key they were written under, by version or by line, not by overlap.
            overlap: Duration::MAX,
            ..spec("audit_key", Class::SigningKey, KEYS, "authenticates audit entries, the newest key first")
        },
    ]
}

/// What opens databases and caches.
fn stores() -> Vec<SecretSpec> {
    vec![
        spec("database_url", Class::DbCredential, Format::Text, "the database, with user and password"),
        spec("redis_url", Class::DbCredential, Format::Text, "Redis, with user and password"),
        spec(
            "redis_password",
            Class::DbCredential,
            Format::Text,
            "the password of Redis, when its URL has none",
        ),
        spec("smtp_password", Class::DbCredential, Format::Text, "the password of the mail server"),
    ]
}

/// What identifies us to vendors.
fn vendors() -> Vec<SecretSpec> {
    let key = |name, purpose| spec(name, Class::ApiKey, Format::Text, purpose);
    vec![
        key("polygon_api_key", "market data of Polygon"),
        key("finnhub_api_key", "news of Finnhub"),
        key("alpha_vantage_api_key", "prices of Alpha Vantage"),
        SecretSpec { aliases: &["APCA_API_KEY_ID"], ..key("alpaca_api_key", "the id of the Alpaca key") },
        SecretSpec {
            aliases: &["APCA_API_SECRET_KEY", "ALPACA_SECRET_KEY"],
            ..key("alpaca_api_secret", "the secret of the Alpaca key")
        },
        key("circle_api_key", "the API of Circle"),
        key("circle_entity_secret", "signs wallet operations at Circle"),
        key("bridge_api_key", "the API of Bridge"),
        key("sumsub_app_token", "the app token of Sumsub"),
        key("sumsub_secret_key", "signs requests to Sumsub"),
        key("resend_api_key", "mail through Resend"),
        key("alert_webhook_url", "where alerts are posted"),
    ]
}

/// What proves that a delivery came from a vendor.
fn webhooks() -> Vec<SecretSpec> {
    let secret = |name, purpose| spec(name, Class::WebhookSecret, Format::Text, purpose);
    vec![
        SecretSpec {
            format: Format::Lines,
            ..secret("alpaca_webhook_secret", "verifies deliveries of Alpaca, one key per line")
        },
        secret("circle_webhook_secret", "verifies deliveries of Circle in HMAC mode"),
        secret("payment_webhook_secret", "verifies chain deposits and brokerage fills"),
        secret("kyc_webhook_secret", "verifies identity checks"),
        SecretSpec {
            format: Format::Pem,
            ..secret("bridge_webhook_secret", "the public keys that verify deliveries of Bridge")
        },
    ]
}

fn spec(name: &str, class: Class, format: Format, purpose: &'static str) -> SecretSpec {
    let name: SecretName =
        name.parse().expect("every declared name is checked by the test of this catalogue");
    SecretSpec::new(name, class, format, purpose)
}
