//! The declarations of every secret of the product. A secret is declared with the code that uses it.

use std::time::Duration;

use webhooks::{KeyFormat, Proof};

use crate::name::SecretName;
use crate::spec::{Class, Format, SecretSpec};

/// Length of a generated key: 256 bits.
const KEY_BYTES: usize = 32;

pub(super) fn all() -> Vec<SecretSpec> {
    let key = |name, purpose| spec(name, Class::ApiKey, Format::Text, purpose);
    let declared = [
        spec("api_keys", Class::AccessList, Format::Lines, "the API keys of clients, one per line"),
        key("admin_bootstrap_token", "creates the first API key with the scope keys:admin"),
        SecretSpec {
            // Entries name their key by the line, so that older keys are needed for as long as entries exist.
            overlap: Duration::MAX,
            ..spec(
                "audit_key",
                Class::SigningKey,
                Format::Base64Lines { bytes_min: KEY_BYTES },
                "authenticates audit entries, newest key first",
            )
        },
        spec("database_url", Class::DbCredential, Format::DatabaseUrl, "database URL with user and password"),
        spec("redis_password", Class::DbCredential, Format::Text, "password of Redis"),
        key("polygon_api_key", "market data from Polygon"),
        SecretSpec { aliases: &["APCA_API_KEY_ID"], ..key("alpaca_api_key", "id of the Alpaca API key") },
        SecretSpec {
            aliases: &["APCA_API_SECRET_KEY", "ALPACA_SECRET_KEY"],
            ..key("alpaca_api_secret", "secret of the Alpaca API key")
        },
        key("bridge_api_key", "Bridge API"),
        key("circle_api_key", "Circle API"),
    ];
    declared.into_iter().chain(webhooks()).collect()
}

/// Keys that verify deliveries, as each provider declares them.
fn webhooks() -> impl Iterator<Item = SecretSpec> {
    let secret = |name, format, purpose| spec(name, Class::WebhookSecret, format, purpose);
    webhooks::PROVIDERS.iter().filter_map(move |provider| match provider.proof {
        Proof::Keys { secret: name, format: KeyFormat::HmacSecrets, purpose, .. } => {
            Some(secret(name, Format::Lines, purpose))
        }
        Proof::Keys { secret: name, format: KeyFormat::RsaPublicKeys, purpose, .. } => {
            Some(secret(name, Format::Pem, purpose))
        }
        Proof::Circle => None,
    })
}

fn spec(name: &str, class: Class, format: Format, purpose: &'static str) -> SecretSpec {
    let name: SecretName = name.parse().expect("the declared names are valid");
    SecretSpec::new(name, class, format, purpose)
}
