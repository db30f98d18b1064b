//! Why a delivery is rejected. No message repeats a secret, a signature or a body.

use std::fmt;

/// Why a delivery is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A required part is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part is not written as its scheme requires.
    #[error("{part} is malformed: {why}")]
    Malformed {
        /// The header, or the field of the body.
        part: &'static str,
        /// What is expected of it.
        why: &'static str,
    },
    /// The signature covers the body alone, and the settings require one that covers the time too.
    #[error("the signature has no timestamp, and this server accepts only timestamped signatures")]
    Untimed,
    /// No key made this signature over these bytes.
    #[error("no configured key made this signature of this body")]
    Signature,
    /// Signed too long ago.
    #[error("signed {age_s} s ago; the limit is {limit_s} s")]
    Stale {
        /// Seconds since it was signed.
        age_s: i64,
        /// Most seconds allowed.
        limit_s: i64,
    },
    /// Signed in the future.
    #[error("signed {ahead_s} s in the future; the limit is {limit_s} s")]
    Future {
        /// Seconds until it will have been signed.
        ahead_s: i64,
        /// Most seconds allowed.
        limit_s: i64,
    },
    /// The delivery names a key that the provider does not have.
    #[error("unknown key id")]
    UnknownKey,
    /// The key that made this signature is outside its validity period.
    #[error("the key {key_id} is expired or not valid yet")]
    ExpiredKey {
        /// The key's label.
        key_id: Box<str>,
    },
    /// The topic is not configured.
    #[error("the SNS topic is not configured")]
    Topic,
    /// A URL is not one of Amazon SNS in the topic's region.
    #[error("{0} is not a URL of Amazon SNS in the topic's region")]
    Host(&'static str),
    /// The certificate is invalid.
    #[error("invalid certificate: {0}")]
    Certificate(CertificateFault),
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Not PEM of an X.509 certificate, or too large.
    #[error("it cannot be parsed")]
    Unreadable,
    /// Its validity begins later.
    #[error("it is not valid yet")]
    NotYetValid,
    /// Its validity has ended.
    #[error("it has expired")]
    Expired,
    /// Issued for another name.
    #[error("it is not valid for sns.amazonaws.com")]
    Name,
    /// No chain to a trusted root.
    #[error("it does not chain to a trusted root")]
    Untrusted,
    /// Not an RSA key of 2,048 to 8,192 bits.
    #[error("its key is not RSA of 2048 to 8192 bits")]
    Key,
    /// Fetched from another URL than the message names.
    #[error("it was fetched from another URL than the message names")]
    OtherAddress,
}

/// The step of a verification that failed. Steps before it passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Headers and body are parsed.
    Parse,
    /// Topic and URLs are compared with what is allowed.
    Origin,
    /// The key or certificate is found and valid.
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
