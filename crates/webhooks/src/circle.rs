//! Circle: wallets and tokens, by two unrelated systems.
//!
//! [`direct`] is Circle v2: Circle posts and signs by itself. [`sns`] is Circle Mint (v1): Amazon SNS delivers and signs.
//! Both use one endpoint; [`System::detect`] decides which.

pub mod direct;
mod samples;
mod settings;
pub mod sns;
mod system;
mod transfer;

use domain::Provider;

use crate::declaration::{
    ChannelDeclaration, EndpointDeclaration, HeaderDeclaration, Proof, ProviderDeclaration, SignatureScheme,
    base64_pattern,
};
use crate::settings::Setting;

pub use settings::BASE_URL;
pub use sns::{SNS_BASE_URL, TOPICS};
pub use system::System;

/// Circle.
pub static DECLARATION: ProviderDeclaration = ProviderDeclaration {
    provider: Provider::Circle,
    summary: "wallets: Circle's own deliveries; Mint: its deliveries through Amazon SNS",
    endpoint: EndpointDeclaration {
        parameter: None,
        has_head: true,
        headers: &[
            HeaderDeclaration {
                name: "X-Circle-Signature",
                description: "The signature of a delivery of Circle v2",
                pattern: concat!("^", base64_pattern!(), "$"),
                is_required: false,
            },
            HeaderDeclaration {
                name: "X-Circle-Key-Id",
                description: "The id of the key that made the signature",
                pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
                is_required: false,
            },
        ],
        description: "Circle v2: ECDSA P-256 over the body, in `X-Circle-Signature`, with the key that \
            `X-Circle-Key-Id` names. Circle Mint: a message of Amazon SNS, which carries its signature within, \
            and which SNS sends as `text/plain`.",
    },
    channels: &[
        ChannelDeclaration {
            channel: direct::CHANNEL,
            signature: SignatureScheme::CircleEcdsa,
            id_fields: &["notificationId"],
            samples: samples::DIRECT,
        },
        ChannelDeclaration {
            channel: sns::CHANNEL,
            signature: SignatureScheme::AmazonSns,
            // The envelope has its own id; the message within must differ, too.
            id_fields: &["clientId"],
            samples: samples::SNS,
        },
    ],
    proof: Proof::Circle,
    interpret: |channel, body, settings| match channel == sns::CHANNEL {
        true => sns::interpret(body, settings),
        false => direct::interpret(body, settings),
    },
    settings: &[BASE_URL, TOPICS, settings::USDC_TOKEN_IDS, settings::SENDERS, SNS_BASE_URL],
    retention: Setting::retention_days("webhooks.retention_days.circle", "WEBHOOK_RETENTION_DAYS_CIRCLE"),
};
