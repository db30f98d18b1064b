//! Alpaca: the broker.
//!
//! Alpaca itself sends no webhooks: it offers event streams (docs.alpaca.markets/docs/activity-sse). A relay that posts them
//! signs in a form of our own, in header `Alpaca-Signature`:
//!
//! - `t=<unix seconds>,v1=<hex>`, as Stripe does: HMAC-SHA256 of `<t>.<raw body>`, up to eight `v1`;
//! - `<hex>` or `sha256=<hex>` over the raw body alone, unless `WEBHOOK_ALPACA_SCHEME` is `timestamped`: it covers no time, so only the
//!   receiver's memory protects it from a replay.
//!
//! The body is the `data` of the stream's record in both, so a relayed event and a streamed one are one event.

mod envelope;
mod interpret;
mod kind;
mod samples;
mod settings;
mod verify;

use domain::Provider;

use crate::declaration::{
    ChannelDeclaration, EndpointDeclaration, HeaderDeclaration, Parameter, Proof, ProviderDeclaration,
    Sample, SignatureScheme,
};
use crate::keys::KeyFormat;
use crate::settings::Setting;
use settings::{SCHEME, TOLERANCE};

pub use kind::Kind;
pub use settings::{CASH, ENTRIES, NTA, TRANSFERS};
pub use verify::{from_stream, verify};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "alpaca-signature";

/// Alpaca.
pub static DECLARATION: ProviderDeclaration = ProviderDeclaration {
    provider: Provider::Alpaca,
    summary: "the broker, through a relay that signs as docs/webhooks.md says",
    endpoint: EndpointDeclaration {
        parameter: Some(Parameter {
            name: "kind",
            description: "The kind of event",
            values: &["trade", "account", "transfer", "journal", "nta", "activity"],
        }),
        has_head: false,
        headers: &[HeaderDeclaration {
            name: "Alpaca-Signature",
            description: "The signature",
            pattern: "^(t=(0|[1-9][0-9]{0,10})(,v1=[0-9a-f]{64}){1,8}|(sha256=)?[0-9a-f]{64})$",
            is_required: true,
        }],
        description: "Signed with `Alpaca-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of \"<t>.<body>\">`, or with the hex \
            HMAC-SHA256 of the body alone where that is allowed.",
    },
    channels: &[
        channel(Kind::Trade, samples::TRADE),
        channel(Kind::Account, samples::ACCOUNT),
        channel(Kind::Transfer, samples::TRANSFER),
        channel(Kind::Journal, samples::JOURNAL),
        channel(Kind::Nta, samples::NTA),
        channel(Kind::Activity, samples::ACTIVITY),
    ],
    proof: Proof::Keys {
        secret: "alpaca_webhook_secret",
        purpose: "verifies deliveries of Alpaca, one key per line",
        format: KeyFormat::HmacSecrets,
        verify,
    },
    interpret: interpret::interpret,
    settings: &[SCHEME, TOLERANCE, CASH, ENTRIES],
    retention: Setting::retention_days("webhooks.retention_days.alpaca", "WEBHOOK_RETENTION_DAYS_ALPACA"),
};

const fn channel(kind: Kind, samples: &'static [Sample]) -> ChannelDeclaration {
    ChannelDeclaration {
        channel: kind.channel(),
        signature: SignatureScheme::TimedHmac { header: SIGNATURE_HEADER },
        id_fields: &["event_id", "event_ulid"],
        samples,
    }
}
