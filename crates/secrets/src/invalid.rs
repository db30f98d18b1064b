//! Reasons why a value is malformed, and policies that a well-formed value violates.

use crate::name::SecretName;
use crate::version_id::VersionId;

/// The value is malformed. The message follows "secret NAME in ORIGIN".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum InvalidReason {
    #[error("is empty")]
    Empty,
    #[error("is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("is not UTF-8")]
    NotUtf8,
    #[error("is UTF-16: save it as UTF-8")]
    Utf16,
    #[error("starts with a byte order mark: save it as UTF-8 without one")]
    ByteOrderMark,
    #[error("contains a NUL byte")]
    Nul,
    #[error("contains a control character")]
    ControlCharacter,
    #[error("has more than one line")]
    MultipleLines,
    #[error("starts or ends with whitespace")]
    SurroundingWhitespace,
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
    #[error(
        "is JSON in which no field is named after the secret or its variable: name one so, or store the value alone"
    )]
    NoField,
    #[error("is JSON with several fields that are named after the secret: keep one")]
    SeveralFields,
    #[error("is JSON of a database that is not Postgres")]
    NotPostgres,
    #[error("is PEM: the value of this secret is one line of text")]
    UnexpectedPem,
    #[error(
        "has a character that no API key has, such as a quote, a space, a brace, a comma or an inner `=`: store the key alone"
    )]
    NotApiKey,
    #[error("is a reference to a secret elsewhere: {remedy}")]
    Reference { remedy: &'static str },
    #[error("decodes to {bytes} bytes; at least {bytes_min} are required")]
    TooShort { bytes: usize, bytes_min: usize },
    #[error("does not exist")]
    Missing,
    #[error("is not an absolute path")]
    NotAbsolute,
    #[error("resolves to a path outside its directory")]
    OutsideDirectory,
    #[error("is a {kind}, not a regular file")]
    NotRegularFile { kind: &'static str },
    #[error("is owned by uid {uid}; it must be owned by root or by uid {own_uid}, which runs this process")]
    WrongOwner { uid: u32, own_uid: u32 },
    #[error("is writable by others (mode {mode:04o}): run chmod go-w on it")]
    WritableByOthers { mode: u32 },
    #[error(
        "is readable by everyone (mode {mode:04o}): run chmod 0400 on it, or chmod 0700 on its directory"
    )]
    WorldReadable { mode: u32 },
    #[error("changed repeatedly while it was being read")]
    ChangedDuringRead,
}

/// The value is well formed, but violates a policy. The message follows "secret NAME in ORIGIN".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum PolicyViolation {
    #[error("is a placeholder: generate a value with `openssl rand -base64 32`")]
    Placeholder,
    #[error("is a published example")]
    PublishedExample,
    #[error("is one character or a short pattern repeated")]
    RepeatedPattern,
    #[error("is a run of consecutive characters")]
    Sequential,
    #[error(
        "has at most {bits} bits of strength; {bits_min} are required: generate a value with `openssl rand -base64 32`"
    )]
    Weak { bits: u32, bits_min: u32 },
    #[error("has the same value as secret {with}")]
    Reused { with: SecretName },
    #[error("is version {version}, which an emergency rotation revoked")]
    Revoked { version: VersionId },
    #[error("may not come from this source in production")]
    SourceNotAllowed,
}
