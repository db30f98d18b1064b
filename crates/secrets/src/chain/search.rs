//! One secret on its way along the chain: which place is asked next, and what its answer means.

use super::{Behind, Remote, Wanted};
use crate::error::Error;
use crate::origin::Origin;
use crate::profile::Profile;
use crate::provider::Found;
use crate::warning::{Notice, Warning};

/// The search for one secret on its way along the chain.
pub(super) struct Search<'a> {
    pub(super) wanted: Wanted<'a>,
    pub(super) tried: Vec<Origin>,
    pub(super) end: Option<Result<Found, Error>>,
    pub(super) is_cut_short: bool,
    /// The search ended on this machine.
    pub(super) is_local: bool,
    pub(super) shadows: Vec<Found>,
    /// What places that cost a call have behind it, where they said so.
    pub(super) behind: Option<Vec<Found>>,
    pub(super) notices: Vec<Notice>,
}

impl<'a> Search<'a> {
    pub(super) fn new(wanted: Wanted<'a>) -> Self {
        let (tried, shadows, notices) = (Vec::new(), Vec::new(), Vec::new());
        let (end, behind) = (None, None);
        Self { wanted, tried, end, is_cut_short: false, is_local: false, shadows, behind, notices }
    }

    /// Whether the next place is asked. A search that ended still asks local places, to learn what is hidden there, and
    /// now and then the others.
    pub(super) fn asks(&mut self, is_local: bool) -> bool {
        match &self.end {
            None if is_local => !self.is_cut_short,
            None => {
                self.is_cut_short |= self.wanted.remote == Remote::NotNow;
                self.wanted.remote == Remote::Now && !self.is_cut_short
            }
            Some(Ok(_)) => is_local || (self.is_local && matches!(self.wanted.behind, Behind::Asked(_))),
            Some(Err(_)) => false,
        }
    }

    pub(super) fn unanswered(&self) -> Error {
        Error::Internal { name: self.wanted.spec.name.clone(), what: "a place did not answer" }
    }

    pub(super) fn take(&mut self, answer: Result<Found, Error>, is_local: bool, profile: Profile) {
        match answer {
            Err(Error::NotFound { .. }) if self.end.is_some() && !is_local => {
                self.behind.get_or_insert_default();
            }
            Err(Error::NotFound { tried, .. }) => self.tried.extend(tried),
            Ok(found) if self.end.is_some() && !is_local => self.behind.get_or_insert_default().push(found),
            Ok(found) if self.end.is_some() => self.shadows.push(found),
            // What cannot be read does not hide anything that is in use.
            Err(_) if self.end.is_some() => {}
            Ok(found) if is_unset(&found, profile) => {
                let (name, origin) = (self.wanted.spec.name.clone(), found.origin);
                self.tried.push(origin.clone());
                self.notices.push(Notice { name, origin, warning: Warning::EmptyVariable });
            }
            end => (self.end, self.is_local) = (Some(end), is_local),
        }
    }
}

/// Compose writes an empty string for a variable that is not set; only a strict profile takes it at its word.
fn is_unset(found: &Found, profile: Profile) -> bool {
    !profile.is_strict() && found.raw.is_empty() && matches!(found.origin, Origin::Env { .. })
}
