//! Who asked for a change.

/// Who asked for a change, as the audit chain names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor<'a> {
    /// `key:ops-1`, `operator:ana`, `worker:apply`.
    pub name: &'a str,
    /// In which request, when it was one.
    pub request_id: Option<&'a str>,
}

impl<'a> Actor<'a> {
    /// Someone who asked in no request.
    #[must_use]
    pub const fn named(name: &'a str) -> Self {
        Self { name, request_id: None }
    }
}
