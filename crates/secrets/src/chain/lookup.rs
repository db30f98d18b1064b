//! The lookup of one secret: the next source, and the meaning of its result.

use super::{LookupRequest, RemoteShadows};
use crate::error::Error;
use crate::origin::Origin;
use crate::profile::Profile;
use crate::source::RawSecret;
use crate::warning::{Notice, Warning};

pub(super) struct Lookup<'a> {
    pub(super) request: LookupRequest<'a>,
    pub(super) tried: Vec<Origin>,
    /// The result that ended the lookup.
    pub(super) result: Option<Result<RawSecret, Error>>,
    /// The next source is remote and is not queried in this search.
    pub(super) is_deferred: bool,
    /// A local source ended the lookup.
    pub(super) is_local: bool,
    /// Values of later local sources.
    pub(super) shadows: Vec<RawSecret>,
    /// Values of later remote sources; `None` when none of them responded.
    pub(super) remote_shadows: Option<Vec<RawSecret>>,
    pub(super) notices: Vec<Notice>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(request: LookupRequest<'a>) -> Self {
        let (tried, shadows, notices) = (Vec::new(), Vec::new(), Vec::new());
        let (result, remote_shadows) = (None, None);
        Self { request, tried, result, is_deferred: false, is_local: false, shadows, remote_shadows, notices }
    }

    /// Whether the next source is queried. After the end of the lookup, local sources are still queried for shadowed
    /// values, and remote sources if those are to be refreshed.
    pub(super) fn queries(&mut self, is_local: bool) -> bool {
        match &self.result {
            None if is_local => !self.is_deferred,
            None => {
                self.is_deferred |= !self.request.queries_remote;
                !self.is_deferred
            }
            Some(Ok(_)) => {
                let refreshes = matches!(self.request.remote_shadows, RemoteShadows::Refresh(_));
                is_local || (self.is_local && refreshes)
            }
            Some(Err(_)) => false,
        }
    }

    pub(super) fn missing_result(&self) -> Error {
        Error::Internal { name: self.request.spec.name.clone(), what: "the source returned no result" }
    }

    pub(super) fn record(&mut self, result: Result<RawSecret, Error>, is_local: bool, profile: Profile) {
        match result {
            Err(Error::NotFound { .. }) if self.result.is_some() && !is_local => {
                self.remote_shadows.get_or_insert_default();
            }
            Err(Error::NotFound { tried, .. }) => self.tried.extend(tried),
            Ok(raw) if self.result.is_some() && !is_local => {
                self.remote_shadows.get_or_insert_default().push(raw);
            }
            Ok(raw) if self.result.is_some() => self.shadows.push(raw),
            // An unreadable later source has no shadowed value.
            Err(_) if self.result.is_some() => {}
            Ok(raw) if is_unset(&raw, profile) => {
                let (name, origin) = (self.request.spec.name.clone(), raw.origin);
                self.tried.push(origin.clone());
                self.notices.push(Notice { name, origin, warning: Warning::Empty });
            }
            result => (self.result, self.is_local) = (Some(result), is_local),
        }
    }
}

/// Compose writes an empty string for a variable that is not set, and mounts a file that is left empty; only a strict profile
/// refuses them.
fn is_unset(raw: &RawSecret, profile: Profile) -> bool {
    !profile.is_strict() && raw.value.expose().iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}
