//! Why a request head is refused before anything else looks at it.

/// One reason to refuse a head. The message is read by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A line ends in a line feed without a carriage return.
    #[error("a line of the request head does not end in CRLF")]
    LineEnding,
    /// It is not an HTTP/1.0 or HTTP/1.1 request head.
    #[error("the request head is malformed")]
    Malformed,
    /// No `Host`, several, or one that is no authority.
    #[error("exactly one valid Host header is required")]
    Host,
    /// The length of the body can be read in two ways.
    #[error("the length of the body is ambiguous or invalid")]
    Framing,
    /// A body on a method whose bodies have no meaning.
    #[error("this method takes no body")]
    UnexpectedBody,
    /// The target is no path of this server.
    #[error("the request target is not a path of this server")]
    Target,
    /// The request line is longer than [`TARGET_BYTES_MAX`](super::TARGET_BYTES_MAX) allows.
    #[error("the request target is longer than 8 KiB")]
    TargetTooLong,
    /// The head is longer than [`HEAD_BYTES_MAX`](super::HEAD_BYTES_MAX).
    #[error("the request head is longer than 16 KiB")]
    HeadTooLarge,
    /// The head has more than [`HEADERS_MAX`](super::HEADERS_MAX) header fields.
    #[error("the request head has more than 64 header fields")]
    TooManyHeaders,
}
