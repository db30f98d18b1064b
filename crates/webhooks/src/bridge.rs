//! Bridge: bank accounts, and transfers between money and tokens.
//!
//! A delivery carries `X-Webhook-Signature: t=<unix milliseconds>,v0=<base64>`: RSASSA-PKCS1-v1_5 with SHA-256 over *the
//! SHA-256 digest* of `<t>.<raw body>`, so the string is hashed twice
//! (apidocs.bridge.xyz/platform/additional-information/webhooks/signature). Each endpoint has its own key pair, and every
//! retry of a delivery has a fresh time and signature.

mod category;
mod envelope;
mod interpret;
mod samples;
mod verify;

use domain::Provider;

use crate::channel::Channel;
use crate::declaration::{
    ChannelDeclaration, EndpointDeclaration, HeaderDeclaration, Proof, ProviderDeclaration, SignatureScheme,
    base64_pattern,
};
use crate::keys::KeyFormat;
use crate::settings::{Setting, SettingKind};
use crate::tolerance::TOLERANCE_S_MAX;

pub use verify::verify;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-webhook-signature";

const CHANNEL: Channel = Channel::new(Provider::Bridge, "bridge");

/// How old a signed time may be: ten minutes, as Bridge advises; it signs a retry with a fresh time.
const PAST: Setting =
    Setting::number("webhooks.bridge.past_s", "WEBHOOK_BRIDGE_PAST_SECS", 1..=TOLERANCE_S_MAX, 600);
/// How far a signed time may lie ahead: a minute, for clocks that differ.
const FUTURE: Setting =
    Setting::number("webhooks.bridge.future_s", "WEBHOOK_BRIDGE_FUTURE_SECS", 0..=TOLERANCE_S_MAX, 60);

/// The API, of which statements are read.
pub const BASE_URL: Setting = Setting::new(
    "webhooks.bridge.base_url",
    "BRIDGE_BASE_URL",
    SettingKind::BaseUrl { default: Some("https://api.bridge.xyz") },
);

/// Bridge.
pub static DECLARATION: ProviderDeclaration = ProviderDeclaration {
    provider: Provider::Bridge,
    summary: "bank accounts and transfers",
    endpoint: EndpointDeclaration {
        parameter: None,
        has_head: false,
        headers: &[HeaderDeclaration {
            name: "X-Webhook-Signature",
            description: "The signature",
            pattern: concat!("^t=(0|[1-9][0-9]{0,13}),v0=", base64_pattern!(), "$"),
            is_required: true,
        }],
        description: "Signed with `X-Webhook-Signature: t=<unix ms>,v0=<base64>`: RSA-SHA256 over the SHA-256 digest of \
            `<t>.<body>`.",
    },
    channels: &[ChannelDeclaration {
        channel: CHANNEL,
        signature: SignatureScheme::BridgeRsa,
        id_fields: &["event_id"],
        samples: samples::ALL,
    }],
    proof: Proof::Keys {
        secret: "bridge_webhook_secret",
        purpose: "the public keys that verify deliveries of Bridge",
        format: KeyFormat::RsaPublicKeys,
        verify,
    },
    interpret: |_, body, _| interpret::interpret(body),
    settings: &[PAST, FUTURE, BASE_URL],
    retention: Setting::retention_days("webhooks.retention_days.bridge", "WEBHOOK_RETENTION_DAYS_BRIDGE"),
};
