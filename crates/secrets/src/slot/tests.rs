//! A slot under a paused clock.

use std::time::Duration;

use super::*;
use crate::invalid::InvalidReason;
use crate::origin::{Grade, Origin, Provenance};
use crate::rotation_state::RotationState;
use crate::spec::{Class, Format};
use crate::value::SecretValue;
use crate::version::{Created, Stage};

const SECOND: Duration = Duration::from_secs(1);

fn slot(class: Class) -> Slot {
    Slot::new(SecretSpec::new("key".parse().unwrap(), class, Format::Text, ""))
}

fn origin() -> Origin {
    Origin::Env { variable: "KEY".to_owned() }
}

fn version(text: &str) -> SecretVersion {
    let provenance = Provenance { origin: origin(), grade: Grade::Secure, shadowed: Vec::new() };
    SecretVersion {
        id: VersionId::new(text),
        stage: Stage::Current,
        created: Created::Unknown,
        value: SecretValue::from_slice(text.as_bytes()),
        provenance: Arc::new(provenance),
    }
}

fn update(text: &str) -> Update {
    Update { version: version(text), rotation: RotationUpdate::None }
}

/// `current`, and `pending` that a rotation announces.
fn announcing(current: &str, pending: &str) -> Update {
    let pending =
        VersionState { id: VersionId::new(pending), version: Some(version(pending)), accepted_until: None };
    let state =
        RotationState { pending: Some(pending), previous: None, covers_current: true, revoked: Vec::new() };
    Update { version: version(current), rotation: RotationUpdate::Active(Box::new(state)) }
}

fn unavailable() -> Error {
    let (name, origin) = ("key".parse().unwrap(), origin());
    Error::Unavailable { name, origin, outage: crate::error::Outage::Timeout, retry_in: SECOND }
}

fn gone() -> Error {
    Error::NotFound { name: "key".parse().unwrap(), tried: Vec::new() }
}

fn malformed() -> Error {
    Error::Invalid { name: "key".parse().unwrap(), origin: origin(), reason: InvalidReason::Empty }
}

fn value(slot: &Slot) -> Option<String> {
    slot.load().ok().map(|set| set.value().expose_text().unwrap().to_owned())
}

/// How long the last good value is served when every refresh fails with `error`, once a second for up to 30 hours.
async fn served_s(class: Class, error: &Error) -> Option<u64> {
    let slot = slot(class);
    assert_eq!(slot.apply(Ok(update("good"))), Transition::Appeared);
    for second in 0..30 * 3600_u32 {
        assert_ne!(slot.apply(Err(error.clone())), Transition::Changed);
        if slot.load().is_err() {
            let health = slot.health();
            assert_eq!(health.freshness, Freshness::Expired);
            assert_eq!(health.confirmed_ago, Some(second * SECOND), "never reset");
            return Some(u64::from(second));
        }
        tokio::time::advance(SECOND).await;
    }
    None
}

#[tokio::test(start_paused = true)]
async fn the_last_good_value_is_served_for_as_long_as_its_class_and_the_error_allow() {
    // A failure each second does not move the end.
    assert_eq!(served_s(Class::ApiKey, &unavailable()).await, Some(24 * 3600));
    assert_eq!(served_s(Class::WebhookSecret, &unavailable()).await, Some(3600));
    assert_eq!(served_s(Class::ApiKey, &gone()).await, Some(300));
    assert_eq!(served_s(Class::ApiKey, &malformed()).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_recovers_makes_the_value_fresh_again() {
    let slot = slot(Class::ApiKey);
    slot.apply(Ok(update("good")));
    slot.apply(Err(gone()));
    assert_eq!(slot.health().expires_in, Some(300 * SECOND));
    tokio::time::advance(301 * SECOND).await;
    assert_eq!(slot.health().expires_in, Some(Duration::ZERO));
    assert!(
        matches!(slot.load(), Err(Error::Expired { age, limit, .. }) if age == 301 * SECOND && limit == 300 * SECOND)
    );
    assert_eq!(slot.apply(Ok(update("good"))), Transition::Confirmed);
    assert_eq!(value(&slot).as_deref(), Some("good"));
    assert_eq!(slot.health().freshness, Freshness::Fresh);
    assert_eq!(slot.health().expires_in, None);
}

#[tokio::test(start_paused = true)]
async fn a_later_milder_error_does_not_extend_an_earlier_deadline() {
    let slot = slot(Class::ApiKey);
    slot.apply(Ok(update("good")));
    slot.apply(Err(gone()));
    slot.apply(Err(unavailable()));
    slot.apply(Err(malformed()));
    tokio::time::advance(299 * SECOND).await;
    assert!(slot.load().is_ok());
    tokio::time::advance(SECOND).await;
    assert!(slot.load().is_err());
}

#[tokio::test(start_paused = true)]
async fn the_previous_value_is_accepted_until_its_overlap_ends_and_never_primary() {
    let slot = slot(Class::SigningKey);
    slot.apply(Ok(announcing("old", "new")));
    let taken_over = Update { version: version("new"), rotation: RotationUpdate::Unknown };
    assert_eq!(slot.apply(Ok(taken_over)), Transition::Changed);
    let set = slot.load().unwrap();
    assert_eq!(value(&slot).as_deref(), Some("new"));
    assert_eq!(set.verify_eq(b"old").map(SecretVersion::stage), Some(Stage::Previous));
    assert_eq!(set.verify_eq(b"new").map(SecretVersion::stage), Some(Stage::Current));
    assert!(set.verify_eq(b"older").is_none());
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    assert!(set.verify_eq(b"old").is_none(), "the same set, a day later");
    assert!(slot.load().unwrap().verify_eq(b"new").is_some());
}

/// Whoever removes a value revokes it: it may be known to somebody else.
#[tokio::test(start_paused = true)]
async fn a_value_that_is_removed_without_a_rotation_ends_at_once() {
    use Class::{AccessList, ApiKey, DbCredential, SigningKey, WebhookSecret};
    for class in [SigningKey, WebhookSecret, AccessList, ApiKey, DbCredential] {
        let slot = slot(class);
        slot.apply(Ok(update("old")));
        assert_eq!(slot.apply(Ok(update("new"))), Transition::Changed);
        assert!(slot.load().unwrap().verify_eq(b"old").is_none(), "{class:?}");
        // Also one that was removed while a rotation to another one is announced.
        slot.apply(Ok(announcing("new", "next")));
        slot.apply(Ok(update("other")));
        assert!(slot.load().unwrap().verify_eq(b"new").is_none(), "{class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_encryption_key_never_expires_by_the_clock() {
    let slot = slot(Class::EncryptionKey);
    slot.apply(Ok(update("old")));
    slot.apply(Ok(update("new")));
    tokio::time::advance(Duration::from_secs(400 * 24 * 3600)).await;
    slot.apply(Ok(update("new")));
    assert!(slot.load().unwrap().verify_eq(b"old").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_not_refreshed_becomes_stale() {
    let slot = slot(Class::ApiKey);
    slot.apply(Ok(update("good")));
    tokio::time::advance(900 * SECOND).await;
    assert_eq!(slot.health().freshness, Freshness::Fresh);
    tokio::time::advance(SECOND).await;
    assert!(matches!(slot.health().freshness, Freshness::Stale { age, .. } if age == 901 * SECOND));
}
