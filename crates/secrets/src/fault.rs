//! What can be wrong with the form of a secret, and which rules a well-formed one can break.

use crate::name::SecretName;
use crate::version::VersionId;

/// What is wrong with a secret's form. The words follow "secret NAME in PLACE".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Fault {
    #[error("is empty")]
    Empty,
    #[error("is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("is not UTF-8")]
    NotUtf8,
    #[error("is UTF-16: save it as UTF-8")]
    Utf16,
    #[error("begins with a byte order mark: save it as UTF-8 without one")]
    ByteOrderMark,
    #[error("contains a NUL byte")]
    Nul,
    #[error("contains a control character")]
    Control,
    #[error("has more than one line")]
    LineEnd,
    #[error("begins or ends with a blank")]
    Blank,
    #[error("is not padded standard Base64")]
    NotBase64,
    #[error("is not hexadecimal")]
    NotHex,
    #[error("is not PEM")]
    NotPem,
    #[error("is not a JSON object without repeated keys")]
    NotJson,
    #[error("is JSON without a text or number field {field}")]
    JsonField { field: &'static str },
    #[error("decodes to {bytes} bytes; at least {bytes_min} are needed")]
    TooShort { bytes: usize, bytes_min: usize },
    #[error("does not exist")]
    Missing,
    #[error("is not an absolute path")]
    NotAbsolute,
    #[error("leads out of its directory")]
    Escapes,
    #[error("is a {kind}, not a regular file")]
    NotAFile { kind: &'static str },
    #[error("belongs to uid {uid}; it must belong to root or to uid {own_uid}, which this process runs as")]
    Owner { uid: u32, own_uid: u32 },
    #[error("can be written by others (mode {mode:04o}): chmod go-w")]
    Writable { mode: u32 },
    #[error("can be read by everyone (mode {mode:04o}): chmod 0400 it, or chmod 0700 its directory")]
    Readable { mode: u32 },
    #[error("kept changing while it was read")]
    Changing,
}

/// Which rule a well-formed secret breaks. The words follow "secret NAME in PLACE".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Breach {
    #[error("is a placeholder: make a value with `openssl rand -base64 32`")]
    Placeholder,
    #[error("is a published example")]
    Example,
    #[error("is one character or a short pattern repeated")]
    Repeated,
    #[error("is a run of neighbouring characters")]
    Sequential,
    #[error(
        "has a strength of at most {bits} bits; {bits_min} are needed: make a value with `openssl rand -base64 32`"
    )]
    Weak { bits: u32, bits_min: u32 },
    #[error("has the same value as secret {with}")]
    Reused { with: SecretName },
    #[error("is version {version}, which an emergency rotation withdrew")]
    Denied { version: VersionId },
    #[error("may not come from there in production")]
    Source,
}
