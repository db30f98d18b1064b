//! Reasons to reject a request head.

/// A reason to reject a request head. The message is sent to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum HeadError {
    #[error("a line of the request head does not end in CRLF")]
    LineEnding,
    #[error("the request head is malformed")]
    Malformed,
    #[error("exactly one valid Host header is required")]
    Host,
    #[error("more than one Content-Type header")]
    ContentType,
    #[error("the length of the body is ambiguous or invalid")]
    Framing,
    #[error("this method takes no body")]
    UnexpectedBody,
    #[error("the request target is not a path of this server")]
    Target,
    #[error("the request target is longer than 8 KiB")]
    TargetTooLong,
    #[error("the request head is longer than 16 KiB")]
    HeadTooLarge,
    #[error("the request head has more than 64 header fields")]
    TooManyHeaders,
}
