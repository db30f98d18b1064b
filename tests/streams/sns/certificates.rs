//! Certificates: which are trusted, how often they are fetched, and what happens when they are unavailable.

use std::time::{Duration, Instant};

use tests::providers::now;
use tests::sns::{Fault, signed};

use super::{CountingListener, Fixture, status, transfer};

/// In the tests' messages.
const FILE: &str = "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8";
const HOST: &str = "sns.amazonaws.com";
const AUTHORITY: &str = "authority of sns";

#[test]
fn a_certificate_is_trusted_for_its_name_dates_and_key() {
    let fixture = Fixture::start();
    let signer = &fixture.providers.signer;
    drop(signer.key("another", "2048"));
    let cases = [
        ("another host", signer.certificate("sns", "sns.evil.example", AUTHORITY, (-1, 30))),
        ("expired", signer.certificate("sns", HOST, AUTHORITY, (-30, -1))),
        ("not yet valid", signer.certificate("sns", HOST, AUTHORITY, (1, 30))),
        ("no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
        ("nothing", String::new()),
        (
            "an untrusted chain",
            signer.certificate("sns", HOST, AUTHORITY, (-1, 30)) + &signer.authority(AUTHORITY, AUTHORITY),
        ),
    ];
    for (number, (what, pem)) in cases.into_iter().enumerate() {
        // A file for each: a bad one is not fetched again at once.
        let file = format!("SimpleNotificationService-{number:032x}");
        fixture.sns.serve(&file, &pem);
        let mut message = fixture.east.notification(now(), &transfer(what, "1.00"));
        message["SigningCertURL"] = format!("https://sns.us-east-1.amazonaws.com/{file}.pem").into();
        let response = fixture.send(&message);
        assert!(matches!(response.status, 400 | 401 | 503), "{what}: {response:?}");
        assert_eq!(fixture.event_count(), 0, "{what}");
    }
    let message = fixture.east.notification(now(), &transfer("good", "1.00"));
    assert_eq!(status(&fixture.send(&message)), "stored", "a valid one is trusted");
}

#[test]
fn a_message_signed_by_another_key_is_rejected() {
    let fixture = Fixture::start();
    let signer = &fixture.providers.signer;
    drop(signer.key("another", "2048"));
    let message = fixture.east.notification(now(), &transfer("one", "1.00"));
    let response = fixture.deliver(signer.sns("another", &message, "1").to_string());
    fixture.assert_rejected("another key", &response, "signature");
}

#[test]
fn a_valid_certificate_is_fetched_once() {
    let fixture = Fixture::start();
    for number in 0..20 {
        let message = fixture.east.notification(now(), &transfer(&number.to_string(), "1.00"));
        assert_eq!(status(&fixture.send(&message)), "stored");
    }
    assert_eq!(fixture.sns.requests(), [format!("/{FILE}.pem")]);
}

#[test]
fn concurrent_messages_fetch_a_certificate_once() {
    let fixture = Fixture::start();
    fixture.sns.next([Fault::Delay(Duration::from_millis(300))]);
    let signer = &fixture.providers.signer;
    let bodies: Vec<String> = (0..20)
        .map(|number| {
            signed(signer, &fixture.east.notification(now(), &transfer(&number.to_string(), "1.00")), "2")
        })
        .collect();
    std::thread::scope(|scope| {
        let deliveries: Vec<_> =
            bodies.iter().map(|body| scope.spawn(|| fixture.deliver(body.clone()).status)).collect();
        for delivery in deliveries {
            assert_eq!(delivery.join().unwrap(), 200);
        }
    });
    assert_eq!(fixture.sns.certificate_requests(), 1);
}

#[test]
fn an_unavailable_certificate_makes_sns_retry() {
    let huge = 4 * 1024 * 1024;
    let elsewhere = CountingListener::start();
    let location = format!("http://{}/{FILE}.pem", elsewhere.authority);
    for fault in [Fault::Status(500), Fault::Redirect(location), Fault::Garbage, Fault::Huge(huge)] {
        let fixture = Fixture::start();
        fixture.sns.next([fault.clone()]);
        let message = fixture.east.notification(now(), &transfer("one", "1.00"));
        let response = fixture.send(&message);
        assert!(matches!(response.status, 401 | 503), "{fault:?}: {response:?}");
        assert_eq!(fixture.event_count(), 0, "{fault:?}");
    }
    assert_eq!(elsewhere.connections(), 0, "a redirect is not followed");
}

#[test]
fn senders_cannot_cause_unlimited_fetches() {
    let fixture = Fixture::start();
    let started = Instant::now();
    for number in 0..200 {
        let mut message = fixture.east.notification(now(), &transfer("one", "1.00"));
        let file = format!("SimpleNotificationService-{number:032x}.pem");
        message["SigningCertURL"] = format!("https://sns.us-east-1.amazonaws.com/{file}").into();
        let response = fixture.deliver(signed(&fixture.providers.signer, &message, "1"));
        assert!(matches!(response.status, 401 | 503), "{response:?}");
    }
    // One address may cause eight fetches at once and four a minute; the rest is tolerance.
    let allowed = 20 + 4 * started.elapsed().as_secs() / 60;
    assert!(fixture.sns.requests().len() as u64 <= allowed, "{} calls", fixture.sns.requests().len());
}
