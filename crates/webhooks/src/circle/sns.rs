//! Circle's first system: deliveries of Amazon SNS.
//!
//! SNS signs a canonical string made of the message's fields, with RSA and SHA-1 (version 1, which Circle Mint uses) or
//! SHA-256 (version 2), and names the address of the certificate
//! (docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message). The order here is: [`read`] holds the topic
//! against ours and each address against SNS of the topic's region, so that a stranger's message causes no call; then
//! the certificate is fetched from [`Envelope::certificate_url`] and judged by [`Certificate::parse`]; then [`verify`].

mod address;
mod canonical;
mod certificate;
mod envelope;
mod message;
mod outline;
mod subscription;
mod topic;
mod trust;
mod verify;

pub use address::{CertificateUrl, SubscribeUrl};
pub use certificate::{CERTIFICATE_BYTES_MAX, Certificate};
pub use envelope::{Envelope, read};
pub(crate) use message::Message;
pub use subscription::{Confirmation, Ending};
pub use topic::{TopicArn, TopicError, Topics};
pub use trust::{Trust, TrustError, Unchained};
pub use verify::{Verified, verify};
