//! Contradictory or missing settings of this crate.

use std::net::SocketAddr;
use std::time::Duration;

use crate::name::SecretName;

/// Contradictory or missing settings of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum ConfigError {
    #[error("{0} is declared twice")]
    DeclaredTwice(SecretName),
    #[error("{0} is not declared in the catalogue")]
    Undeclared(String),
    #[error(
        "the development profile may not listen on {0}: set the profile to production or listen on loopback"
    )]
    DevelopmentOnPublicAddress(SocketAddr),
    #[error("the operating system provides no randomness")]
    NoRandomness,
    #[error("SECRET_PREFIX is set, but AWS_REGION is not")]
    NoRegion,
    #[error("the AWS endpoint can be set to {0} only in the development profile")]
    EndpointOverride(String),
    #[error("the endpoint {0} is neither https nor loopback")]
    PlainHttp(String),
    #[error("the overlap {overlap:?} is not between {min:?} and {max:?}")]
    OverlapOutOfRange {
        overlap: Duration,
        /// Sum of the TTL of a value, the longest token lifetime and the clock margin.
        min: Duration,
        max: Duration,
    },
    #[error("{0} is verified by others: they decide how long they accept the previous value")]
    OverlapNotSupported(SecretName),
    #[error("{0} is issued by the party that accepts it: supply the new value")]
    IssuedElsewhere(SecretName),
    #[error(
        "{0} needs its older keys, and its format has room for one: declare it with several lines before you rotate it"
    )]
    NoRoomForOlderKeys(SecretName),
    #[error("the proxy cannot be used for AWS")]
    Proxy,
    #[error("no source of secrets is configured")]
    NoSource,
}
