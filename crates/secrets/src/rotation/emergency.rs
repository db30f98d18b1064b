//! The rotation of a compromised value: no wait, no overlap, and the old version is refused even if it is still readable.
//!
//! Every process that reaches its source refuses the old value within [`bound`] of the takeover, or at once after a
//! reload. A process that does not reach its source continues for as long as it may serve a stale value: an hour for
//! values that authenticate clients. Requests signed with the new value fail in processes that have not read it yet.

use std::path::PathBuf;
use std::time::Duration;

use super::{MARGIN, OverlapPolicy, Plan, Rotation, current_version};
use crate::announcement::Announcement;
use crate::aws::{SecretsManager, Token};
use crate::clock::Clock;
use crate::error::Error;
use crate::event::Event;
use crate::key_ring;
use crate::spec::SecretSpec;
use crate::version::Stage;

/// The time after an emergency takeover within which every process that reaches its source refuses the old value: it
/// reads again when the value's freshness ends, and a read takes less than [`MARGIN`].
#[must_use]
pub fn bound(spec: &SecretSpec) -> Duration {
    spec.ttl + MARGIN
}

impl Rotation {
    /// Plans a rotation without waits and without overlap, and replaces one that is in progress. Call
    /// [`create`](Rotation::create) and [`finish`](Rotation::finish) next; there is nothing to retire.
    ///
    /// # Errors
    /// [`Error::Audit`] when the reason cannot be recorded, [`Error::Config`] when older keys would be lost,
    /// [`Error::Plan`], and as [`SecretsManager::describe`].
    pub async fn begin_emergency(
        manager: &SecretsManager,
        spec: &SecretSpec,
        clock: Clock,
        path: impl Into<PathBuf>,
        reason: &str,
    ) -> Result<Self, Error> {
        key_ring::check(spec)?;
        let description = manager.describe(&spec.name).await?;
        let from = current_version(manager, spec, &description)?;
        let (name, reason) = (spec.name.clone(), reason.to_owned());
        let revoked = from.clone();
        manager.record(&Event::EmergencyRotation { name, revoked, reason: reason.clone() })?;
        if let Some(other) = description.pending() {
            manager.unlabel(&spec.name, &other, Stage::Pending).await?;
        }
        manager.announce(&spec.name, |announcement: &mut Announcement| announcement.pending = None).await?;
        let overlap =
            OverlapPolicy { overlap: Duration::ZERO, token_life: Duration::ZERO, overlap_max: MARGIN };
        let mut plan = Plan::new(&spec.name, &Token::random()?, &from, &overlap);
        plan.emergency = Some(reason);
        let rotation = Self { manager: manager.clone(), spec: spec.clone(), clock, path: path.into(), plan };
        rotation.plan.save(&spec.name, &rotation.path)?;
        Ok(rotation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::OPERATION_TIMEOUT;
    use crate::catalogue::Catalogue;

    /// The longest read: a batch, the same with new credentials, one by one, again after a stale read, and the versions
    /// beside the current one.
    const CALLS_PER_READ_MAX: u32 = 5;

    #[test]
    fn the_bound_of_every_declared_secret_is_330_s_and_leaves_time_for_the_longest_read() {
        for spec in Catalogue::product().iter() {
            assert_eq!(bound(spec), Duration::from_secs(330), "{}", spec.name);
        }
        assert!(OPERATION_TIMEOUT * CALLS_PER_READ_MAX < MARGIN);
    }
}
