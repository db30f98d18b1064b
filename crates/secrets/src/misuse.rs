//! Settings of this crate that contradict each other.

use std::net::SocketAddr;
use std::time::Duration;

use crate::name::SecretName;

/// Settings that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// A name is declared twice.
    #[error("{0} is declared twice")]
    DeclaredTwice(SecretName),
    /// A name is asked for that nobody declared.
    #[error("{0} is not declared in the catalogue")]
    Undeclared(String),
    /// A component asks for a secret that the process did not say it uses, and that is therefore not looked for everywhere.
    #[error("{0} is not among the secrets that this process says it uses: add it there")]
    Unused(SecretName),
    /// The development profile listens to the world.
    #[error(
        "the development profile may not listen on {0}: set the profile to production or listen on loopback"
    )]
    DevelopmentInPublic(SocketAddr),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    NoRandomness,
    /// AWS is wanted and nobody said where.
    #[error("SECRET_PREFIX is set and AWS_REGION is not")]
    NoRegion,
    /// An emulator in production.
    #[error("the endpoint of AWS may be set to {0} in the development profile alone")]
    EndpointOverride(String),
    /// Secrets would cross a network in the clear.
    #[error("the endpoint {0} is neither https nor loopback")]
    PlainHttp(String),
    /// An overlap that would end before what was signed with the old value does.
    #[error("an overlap of {overlap:?} is not within {min:?} and {max:?}")]
    Overlap {
        /// What is asked for.
        overlap: Duration,
        /// The least: freshness, longest token life and the margin of clocks.
        min: Duration,
        /// The most that is allowed.
        max: Duration,
    },
    /// An overlap of what somebody else verifies.
    #[error("{0} is verified by others: how long they accept the value before is theirs to say")]
    NoOverlap(SecretName),
    /// A value that another party makes.
    #[error("{0} is made by whoever accepts it: give the new value")]
    MadeElsewhere(SecretName),
    /// Nothing to look in.
    #[error("no source of secrets is set")]
    NoProvider,
}
