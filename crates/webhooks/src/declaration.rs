//! What is declared of a provider. Routes, limits, metric labels, settings, secrets, choices of the command line and the tables
//! of the documentation are derived from it.

use bytes::Bytes;
use domain::Provider;
use http::HeaderMap;
use jiff::Timestamp;

use crate::channel::{Channel, Endpoint};
use crate::delivery::Delivery;
use crate::interpretation::Outcome;
use crate::keys::{KeyFormat, Keys};
use crate::rejection::Rejection;
use crate::settings::{Setting, Settings};

/// The path below which every endpoint is.
pub const ENDPOINTS_PATH: &str = "/api/v1/webhooks/";

/// A provider: where its deliveries come in, what proves them, what its events mean.
#[derive(Debug)]
pub struct ProviderDeclaration {
    /// Its name.
    pub provider: Provider,
    /// One line for help texts and tables.
    pub summary: &'static str,
    /// Where its deliveries come in.
    pub endpoint: EndpointDeclaration,
    /// Its protocols.
    pub channels: &'static [ChannelDeclaration],
    /// What proves a delivery.
    pub proof: Proof,
    /// What an event means.
    pub(crate) interpret: fn(Channel, &[u8], &Settings) -> Outcome,
    /// Its settings, [`Self::retention`] aside.
    pub settings: &'static [Setting],
    /// Days for which bodies are kept.
    pub retention: Setting,
}

/// The endpoint at which deliveries come in, as the API reference describes it.
#[derive(Debug)]
pub struct EndpointDeclaration {
    /// The parameter at the end of the path.
    pub parameter: Option<Parameter>,
    /// Whether the provider sends `HEAD` to check that the endpoint exists.
    pub has_head: bool,
    /// Headers that prove a delivery.
    pub headers: &'static [HeaderDeclaration],
    /// How deliveries are signed.
    pub description: &'static str,
}

/// A header that proves a delivery.
#[derive(Debug)]
pub struct HeaderDeclaration {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub description: &'static str,
    /// How its provider writes it, as a regular expression; no such value is malformed.
    pub pattern: &'static str,
    /// Whether every delivery has it.
    pub is_required: bool,
}

/// The parameter at the end of an endpoint's path.
#[derive(Debug)]
pub struct Parameter {
    /// Its name in the path.
    pub name: &'static str,
    /// What it says.
    pub description: &'static str,
    /// Every value.
    pub values: &'static [&'static str],
}

/// A protocol of a provider.
#[derive(Debug)]
pub struct ChannelDeclaration {
    /// Its name.
    pub channel: Channel,
    /// How a sender of test deliveries signs.
    pub signature: SignatureScheme,
    /// Fields of a body that identify the event.
    pub id_fields: &'static [&'static str],
    /// Events as the provider sends them.
    pub samples: &'static [Sample],
}

/// How a sender of test deliveries signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureScheme {
    /// `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">` in this header, as Stripe does.
    TimedHmac {
        /// The header's name in lower case.
        header: &'static str,
    },
    /// `t=<unix ms>,v0=<base64>` in `X-Webhook-Signature`: RSA over the SHA-256 digest of `<t>.<body>`.
    BridgeRsa,
    /// `X-Circle-Signature`: ECDSA on P-256 over the body.
    CircleEcdsa,
    /// Within the body, by Amazon SNS.
    AmazonSns,
}

/// An event as a provider sends it, invented names and ids in it.
#[derive(Debug)]
pub struct Sample {
    /// Its name within its channel.
    pub name: &'static str,
    /// What happened.
    pub summary: &'static str,
    /// The body; of Amazon SNS the message within the envelope.
    pub body: &'static str,
}

/// What proves a delivery.
#[derive(Debug)]
pub enum Proof {
    /// Keys that an operator configures in a secret.
    Keys {
        /// The secret's name.
        secret: &'static str,
        /// What it holds.
        purpose: &'static str,
        /// How the keys are written in it.
        format: KeyFormat,
        /// Checks a delivery.
        verify: VerifyFn,
    },
    /// Keys that the server fetches from Circle, and certificates from Amazon SNS. Another provider whose keys are fetched
    /// is another variant, because fetching is different for each.
    Circle,
}

/// Checks a delivery with configured keys.
pub type VerifyFn =
    fn(&Keys, &Settings, Endpoint, &HeaderMap, Bytes, Timestamp) -> Result<Delivery, Rejection>;

/// Padded Base64 whose unused bits are zero, as a regular expression.
macro_rules! base64_pattern {
    () => {
        "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)"
    };
}
pub(crate) use base64_pattern;

/// The samples in this directory beside the caller: file name without `.json`, and what happened.
macro_rules! samples {
    ($directory:literal, $($name:literal => $summary:literal),+ $(,)?) => {
        &[$($crate::declaration::Sample {
            name: $name,
            summary: $summary,
            body: include_str!(concat!($directory, "/", $name, ".json")),
        }),+]
    };
}
pub(crate) use samples;
