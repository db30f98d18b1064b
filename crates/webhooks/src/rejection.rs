//! Why a delivery is refused. Nothing said here repeats a secret, a signature or a body.

use std::fmt;

/// Why a delivery is refused, for the sender, for the operator and for the counter of refusals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A part that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part is not written as its scheme demands.
    #[error("{part} is malformed: {why}")]
    Malformed {
        /// Which part.
        part: &'static str,
        /// What is expected of it.
        why: &'static str,
    },
    /// The signature covers the body alone, and the policy demands one that covers the time too.
    #[error("the signature covers no time, and this server accepts timestamped signatures only")]
    Untimed,
    /// No key made this signature over these bytes.
    #[error("the signature does not belong to these bytes and any key that is in use")]
    Signature,
    /// Signed too long ago.
    #[error("signed {age_s} s ago, and {limit_s} s are allowed")]
    Stale {
        /// How long ago, in seconds.
        age_s: i64,
        /// How long is allowed, in seconds.
        limit_s: i64,
    },
    /// Signed in the future.
    #[error("signed {ahead_s} s in the future, and {limit_s} s are allowed")]
    Future {
        /// How far ahead, in seconds.
        ahead_s: i64,
        /// How far is allowed, in seconds.
        limit_s: i64,
    },
    /// The delivery names a key that is not the one at hand.
    #[error("the delivery names another key")]
    UnknownKey,
    /// A key made this signature outside the time in which it is valid.
    #[error("the key {key_id} is not valid now")]
    ExpiredKey {
        /// What the key is called.
        key_id: Box<str>,
    },
    /// The topic is not one of ours.
    #[error("the topic is not on the list of topics")]
    Topic,
    /// An address leads elsewhere than to SNS of the topic's region.
    #[error("{0} does not lead to Amazon SNS of the topic's region")]
    Host(&'static str),
    /// The certificate is not acceptable.
    #[error("the certificate is not acceptable: {0}")]
    Certificate(CertificateFault),
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Not PEM of an X.509 certificate, or more than is read.
    #[error("it cannot be read")]
    Unreadable,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Made for another name.
    #[error("it is not made for sns.amazonaws.com")]
    Name,
    /// No chain to a trusted root.
    #[error("it does not lead to a trusted root")]
    Untrusted,
    /// Not an RSA key of 2,048 to 8,192 bits.
    #[error("its key is not RSA of 2048 to 8192 bits")]
    Key,
    /// Another certificate than the one that the message names.
    #[error("it was fetched for another address")]
    OtherAddress,
}

/// The step of a verification that failed. Steps before it passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Headers or body are read.
    Parse,
    /// Topic and addresses are held against what is allowed.
    Origin,
    /// The key or the certificate is judged.
    Key,
    /// The signature is checked.
    Signature,
    /// The signed time is checked.
    Freshness,
}

impl Rejection {
    /// Every reason, for counters that exist at zero from the start.
    pub const REASONS: [&'static str; 11] = [
        "missing",
        "malformed",
        "untimed",
        "signature",
        "stale",
        "future",
        "unknown_key",
        "expired_key",
        "topic",
        "host",
        "certificate",
    ];

    /// The reason in one word, as a metric's label.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Malformed { .. } => "malformed",
            Self::Untimed => "untimed",
            Self::Signature => "signature",
            Self::Stale { .. } => "stale",
            Self::Future { .. } => "future",
            Self::UnknownKey => "unknown_key",
            Self::ExpiredKey { .. } => "expired_key",
            Self::Topic => "topic",
            Self::Host(_) => "host",
            Self::Certificate(_) => "certificate",
        }
    }

    /// The step that failed.
    #[must_use]
    pub const fn step(&self) -> Step {
        match self {
            Self::Missing(_) | Self::Malformed { .. } | Self::Untimed => Step::Parse,
            Self::Topic | Self::Host(_) => Step::Origin,
            Self::UnknownKey | Self::ExpiredKey { .. } | Self::Certificate(_) => Step::Key,
            Self::Signature => Step::Signature,
            Self::Stale { .. } | Self::Future { .. } => Step::Freshness,
        }
    }

    pub(crate) const fn malformed(part: &'static str, why: &'static str) -> Self {
        Self::Malformed { part, why }
    }
}

impl Step {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Origin => "origin",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Freshness => "freshness",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
