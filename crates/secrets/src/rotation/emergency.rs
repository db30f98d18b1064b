//! A rotation because the value is known to others: no wait, no overlap, and the old version is refused wherever it is
//! still offered.
//!
//! Every process that reaches its place refuses the old value within [`bound`] of the takeover, or at once when it is told
//! to reload. One that reaches no place goes on for as long as it may without news: an hour for what
//! makes us accept others. Requests signed with the new value fail where it is not known yet: that is the price.

use std::path::PathBuf;
use std::time::Duration;

use super::{MARGIN, Plan, Rotation, Terms, in_use};
use crate::announcement::Announcement;
use crate::aws::{SecretsManager, Token};
use crate::builder::Clock;
use crate::error::Error;
use crate::event::Event;
use crate::spec::SecretSpec;
use crate::version::Stage;

/// Within this time after an emergency's takeover every process that reaches its place refuses the old value: when its
/// freshness ends it looks, and [`MARGIN`] is longer than a look takes.
#[must_use]
pub fn bound(spec: &SecretSpec) -> Duration {
    spec.ttl + MARGIN
}

impl Rotation {
    /// Plans a rotation without waits and without overlap, and takes the place of one that is under way.
    /// [`create`](Rotation::create) and [`finish`](Rotation::finish) follow at once; there is nothing to retire.
    ///
    /// # Errors
    /// [`Error::Audit`] when the reason cannot be kept, [`Error::Plan`], and as [`SecretsManager::describe`].
    pub async fn begin_emergency(
        manager: &SecretsManager,
        spec: &SecretSpec,
        clock: Clock,
        path: impl Into<PathBuf>,
        reason: &str,
    ) -> Result<Self, Error> {
        let described = manager.describe(&spec.name).await?;
        let from = in_use(manager, spec, &described)?;
        let (name, reason) = (spec.name.clone(), reason.to_owned());
        manager.tell(&Event::Emergency { name, denied: from.clone(), reason: reason.clone() })?;
        if let Some(other) = described.pending() {
            manager.unlabel(&spec.name, &other, Stage::Pending).await?;
        }
        manager.announce(&spec.name, |told: &mut Announcement| told.pending = None).await?;
        let terms = Terms { overlap: Duration::ZERO, token_life: Duration::ZERO, overlap_max: MARGIN };
        let mut plan = Plan::new(&spec.name, &Token::random()?, &from, &terms);
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

    /// The longest look: a batch, once more with renewed credentials, one by one, again alone because the place lagged,
    /// and the versions beside.
    const CALLS_OF_A_LOOK: u32 = 5;

    #[test]
    fn the_bound_of_every_declared_secret_is_330_s_and_leaves_time_for_the_longest_look() {
        for spec in Catalogue::product().iter() {
            assert_eq!(bound(spec), Duration::from_secs(330), "{}", spec.name);
        }
        assert!(OPERATION_TIMEOUT * CALLS_OF_A_LOOK < MARGIN);
    }
}
