//! The ETag of a response, from the version of its data.

use http::HeaderValue;
use market_data::Snapshot;

/// A strong ETag for this variant of a response from this data. Stale data has none: its age is part of the response, so no two
/// responses are the same.
pub(super) fn etag(snapshot: &Snapshot, variant: &str) -> Option<HeaderValue> {
    let Snapshot { version, fetched_at_unix_ms, .. } = snapshot;
    if snapshot.is_stale() {
        return None;
    }
    let fetched = fetched_at_unix_ms.unwrap_or_default();
    let tag = format!("\"{version:016x}-{fetched:x}-{variant}-{}\"", env!("CARGO_PKG_VERSION"));
    HeaderValue::try_from(tag).ok()
}
