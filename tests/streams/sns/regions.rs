//! Two regions: each subscription is confirmed, and an event from both is applied once.

use tests::providers::now;
use tests::sns::signed;

use super::{Fixture, status, transfer};

#[test]
fn the_subscriptions_of_both_regions_are_confirmed_once_each() {
    let fixture = Fixture::start();
    for (topic, token) in [(&fixture.east, "east0token"), (&fixture.west, "west0token")] {
        assert_eq!(status(&fixture.send(&topic.subscription(now(), token))), "confirmed");
    }
    let confirmed =
        [(fixture.east.arn(), "east0token".to_owned()), (fixture.west.arn(), "west0token".to_owned())];
    assert_eq!(fixture.sns.confirmations(), confirmed);
    assert_eq!(fixture.sns.certificate_requests(), 2, "each region has its own");
    assert_eq!(fixture.event_count(), 0, "a subscription message is no event");
}

#[test]
fn an_event_from_both_regions_is_stored_and_applied_once() {
    let fixture = Fixture::start();
    let inner = transfer("one", "25.30");
    let (east, west) = (fixture.east.notification(now(), &inner), fixture.west.notification(now(), &inner));
    assert_ne!(east["MessageId"], west["MessageId"]);
    assert_eq!(status(&fixture.send(&east)), "stored");
    assert_eq!(status(&fixture.send(&west)), "duplicate");
    assert_eq!(status(&fixture.send(&east)), "duplicate");
    fixture.wait_until_applied();
    assert_eq!(fixture.event_count(), 1);
    assert_eq!(fixture.balance_minor(), 25_300_000, "25.30 USDC, in millionths");
    assert_eq!(status(&fixture.send(&fixture.west.notification(now(), &transfer("two", "1.00")))), "stored");
    fixture.wait_until_applied();
    assert_eq!((fixture.event_count(), fixture.balance_minor()), (2, 26_300_000));
}

#[test]
fn both_signature_versions_are_accepted() {
    let fixture = Fixture::start();
    for version in ["1", "2"] {
        let message = fixture.east.notification(now(), &transfer(version, "1.00"));
        assert_eq!(status(&fixture.deliver(signed(&fixture.providers.signer, &message, version))), "stored");
    }
    assert_eq!(fixture.sns.certificate_requests(), 1, "one certificate serves both and is cached");
}

#[test]
fn an_unsubscription_is_noted_and_does_not_subscribe_again() {
    let fixture = Fixture::start();
    assert_eq!(status(&fixture.send(&fixture.east.unsubscription(now(), "east0token"))), "noted");
    assert_eq!(fixture.sns.confirmations(), []);
}

#[test]
fn a_failed_confirmation_makes_sns_retry() {
    let fixture = Fixture::start();
    let message = fixture.east.subscription(now(), "east0token");
    // Caches the certificate.
    assert_eq!(status(&fixture.send(&fixture.east.notification(now(), &transfer("one", "1.00")))), "stored");
    fixture.sns.next([tests::sns::Fault::Status(500)]);
    let response = fixture.send(&message);
    assert_eq!(response.status, 503, "{response:?}");
    assert!(response.header("retry-after").is_some());
    assert_eq!(status(&fixture.send(&message)), "confirmed");
}
