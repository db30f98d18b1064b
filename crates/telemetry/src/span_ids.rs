//! The ids of a span, as W3C Trace Context writes them.

use std::fmt;

use opentelemetry::trace::{SpanId, TraceId};

/// The ids of a span, and whether it is recorded. Displayed as the header `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanIds {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) is_sampled: bool,
}

impl SpanIds {
    /// Parses a `traceparent`; `None` if it is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut part = |digits| {
            let part = parts.next()?;
            let is_hex = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            (part.len() == digits && is_hex).then_some(part)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Later versions may have more parts.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        let is_valid = trace != TraceId::INVALID && span != SpanId::INVALID;
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        is_valid.then_some(Self { trace, span, is_sampled })
    }

    /// The id of the trace: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(self) -> [u8; 32] {
        let mut digits = [0; 32];
        hex::encode_to_slice(self.trace.to_bytes(), &mut digits).expect("16 bytes are 32 digits");
        digits
    }

    /// The id of the span: 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(self) -> [u8; 16] {
        let mut digits = [0; 16];
        hex::encode_to_slice(self.span.to_bytes(), &mut digits).expect("8 bytes are 16 digits");
        digits
    }

    /// Whether the span is recorded.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.is_sampled
    }
}

impl fmt::Display for SpanIds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.is_sampled))
    }
}
