//! Two regions: each subscription is confirmed, and an event that both tell has one effect.

use tests::providers::now;
use tests::sns::signed;

use super::{Stage, status, transfer};

#[test]
fn the_subscriptions_of_both_regions_are_confirmed_once_each() {
    let stage = Stage::start();
    for (topic, token) in [(&stage.east, "east0token"), (&stage.west, "west0token")] {
        assert_eq!(status(&stage.send(&topic.subscription(now(), token))), "confirmed");
    }
    let confirmed =
        [(stage.east.arn(), "east0token".to_owned()), (stage.west.arn(), "west0token".to_owned())];
    assert_eq!(stage.sns.confirmed(), confirmed);
    assert_eq!(stage.sns.certificates_asked(), 2, "each region has its own");
    assert_eq!(stage.kept(), 0, "a question is no event");
}

#[test]
fn an_event_that_both_regions_tell_is_kept_once_and_has_one_effect() {
    let stage = Stage::start();
    let inner = transfer("one", "25.30");
    let (east, west) = (stage.east.notification(now(), &inner), stage.west.notification(now(), &inner));
    assert_ne!(east["MessageId"], west["MessageId"]);
    assert_eq!(status(&stage.send(&east)), "stored");
    assert_eq!(status(&stage.send(&west)), "duplicate");
    assert_eq!(status(&stage.send(&east)), "duplicate");
    stage.settle();
    assert_eq!(stage.kept(), 1);
    assert_eq!(stage.balance_minor(), 25_300_000, "25.30 USDC, in millionths");
    // Another event of the same wallet is another event.
    assert_eq!(status(&stage.send(&stage.west.notification(now(), &transfer("two", "1.00")))), "stored");
    stage.settle();
    assert_eq!((stage.kept(), stage.balance_minor()), (2, 26_300_000));
}

#[test]
fn both_versions_of_the_signature_are_taken() {
    let stage = Stage::start();
    for version in ["1", "2"] {
        let message = stage.east.notification(now(), &transfer(version, "1.00"));
        assert_eq!(status(&stage.deliver(signed(&stage.providers.signer, &message, version))), "stored");
    }
    assert_eq!(stage.sns.certificates_asked(), 1, "one certificate serves both, and is kept");
}

#[test]
fn the_news_of_an_end_is_noted_and_subscribes_nothing_again() {
    let stage = Stage::start();
    assert_eq!(status(&stage.send(&stage.east.end(now(), "east0token"))), "noted");
    assert_eq!(stage.sns.confirmed(), []);
}

#[test]
fn a_confirmation_that_fails_is_said_so_that_sns_asks_again() {
    let stage = Stage::start();
    let question = stage.east.subscription(now(), "east0token");
    // The first call is for the certificate.
    assert_eq!(status(&stage.send(&stage.east.notification(now(), &transfer("one", "1.00")))), "stored");
    stage.sns.next([tests::sns::Fault::Status(500)]);
    let answer = stage.send(&question);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(status(&stage.send(&question)), "confirmed");
}
