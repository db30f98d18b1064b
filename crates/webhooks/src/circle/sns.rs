//! Circle Mint: deliveries of Amazon SNS.
//!
//! SNS signs a canonical string made of the message's fields, with RSA and SHA-1 (version 1, which Circle Mint uses) or SHA-256
//! (version 2), and names the URL of the certificate (docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message). The
//! order here: [`parse`] compares the topic with ours and each URL with SNS of the topic's region, so that a forged message
//! causes no call; then the certificate is fetched from [`UnverifiedMessage::certificate_url`] and checked by
//! [`Certificate::parse`]; then [`verify`].

mod address;
mod canonical;
mod certificate;
mod envelope;
mod fields;
mod interpret;
mod message;
mod settings;
mod subscription;
mod topic;
mod trust;
mod verify;

use domain::Provider;

use crate::channel::Channel;

pub use address::{CertificateUrl, SubscribeUrl};
pub use certificate::{CERTIFICATE_BYTES_MAX, Certificate};
pub(super) use interpret::interpret;
pub use message::{UnverifiedMessage, parse};
pub use settings::{SNS_BASE_URL, TOPICS};
pub use subscription::{Confirmation, SubscriptionEnd};
pub use topic::{TopicArn, TopicError, Topics};
pub use trust::{Trust, TrustError, Unchained};
pub use verify::{VerifiedMessage, verify};

pub(super) const CHANNEL: Channel = Channel::new(Provider::Circle, "circle/sns");
