//! Circle Mint: RSA over a canonical string, by a certificate.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use webhooks::circle::sns::{
    self, Certificate, CertificateUrl, Topics, Trust, Unchained, UnverifiedMessage, VerifiedMessage,
};
use webhooks::{CertificateFault, Rejection};

use crate::signed;

/// What AWS itself signed, on 2015-02-20; see `make.py`.
const AWS_NOTIFICATION: &[u8] = include_bytes!("../../../../tests/fixtures/webhooks/aws_notification.json");
const AWS_CERTIFICATE: &[u8] = include_bytes!("../../../../tests/fixtures/webhooks/aws_certificate.crt");

pub(crate) fn topics() -> Topics {
    Topics::parse(signed::text(&signed::scheme("sns")["topics"])).unwrap()
}

fn now() -> Timestamp {
    signed::seconds(&signed::scheme("sns")["now"])
}

fn trust(unchained: Unchained) -> Trust {
    Trust::from_roots(signed::text(&signed::scheme("sns")["roots"]).as_bytes(), unchained).unwrap()
}

fn url() -> CertificateUrl {
    let body = signed::base64(&signed::case("sns", "notification, version 1")["body"]);
    sns::parse(body, &topics()).unwrap().certificate_url().clone()
}

fn parse(pem: &str, trust: &Trust) -> Result<Certificate, Rejection> {
    Certificate::parse(url(), pem.as_bytes(), now(), trust)
}

/// The certificate of the chain, as fetched from where `message` says.
pub(crate) fn certificate(message: &UnverifiedMessage) -> Certificate {
    let pem = signed::text(&signed::scheme("sns")["chain"]).as_bytes();
    let url = message.certificate_url().clone();
    Certificate::parse(url, pem, now(), &trust(Unchained::Refused)).unwrap()
}

fn run(case: &Value) -> Result<VerifiedMessage, Rejection> {
    let message = sns::parse(signed::base64(&case["body"]), &topics())?;
    let certificate = certificate(&message);
    sns::verify(message, &certificate, signed::seconds(&case["now"]))
}

fn outcome(case: &Value) -> &'static str {
    match run(case) {
        Ok(VerifiedMessage::Notification(_)) => "notification",
        Ok(VerifiedMessage::Confirmation(_)) => "confirmation",
        Ok(VerifiedMessage::Unsubscribed(_)) => "unsubscribed",
        Err(rejection) => rejection.reason(),
    }
}

fn delivery(name: &str) -> webhooks::Delivery {
    match run(signed::case("sns", name)).unwrap() {
        VerifiedMessage::Notification(delivery) => delivery,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_signed_message_has_its_outcome() {
    signed::every_case("sns", outcome);
}

#[test]
fn a_hostile_address_or_topic_is_refused_before_anyone_is_called() {
    for case in signed::scheme("sns")["cases"].as_array().unwrap() {
        if matches!(signed::text(&case["outcome"]), "topic" | "host" | "missing" | "malformed") {
            assert!(sns::parse(signed::base64(&case["body"]), &topics()).is_err(), "{}", case["name"]);
        }
    }
    let body = signed::base64(&signed::case("sns", "notification, version 1")["body"]);
    assert_eq!(sns::parse(body, &Topics::default()).unwrap_err(), Rejection::Topic);
}

#[test]
fn certificates_are_checked_for_dates_name_key_and_chain() {
    for (name, certificate) in signed::scheme("sns")["certificates"].as_object().unwrap() {
        let pem = signed::text(&certificate["pem"]);
        let is_accepted = |unchained| parse(pem, &trust(unchained)).is_ok();
        let expected = match signed::text(&certificate["outcome"]) {
            "chained" => (true, true),
            "alone" => (false, true),
            _ => (false, false),
        };
        assert_eq!(
            (is_accepted(Unchained::Refused), is_accepted(Unchained::ProvedByFetch)),
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_certificate_is_refused_for_its_reason() {
    for (name, expected) in [
        ("alone", CertificateFault::Untrusted),
        ("expired", CertificateFault::Expired),
        ("expired, alone", CertificateFault::Expired),
        ("not valid yet", CertificateFault::NotYetValid),
        ("for another name", CertificateFault::Name),
        ("with its name in the subject alone", CertificateFault::Name),
        ("signed by another than its issuer", CertificateFault::Untrusted),
        ("with a key on a curve", CertificateFault::Key),
        ("with a short key", CertificateFault::Key),
        ("cut short", CertificateFault::Unreadable),
        ("longer than is read", CertificateFault::Unreadable),
    ] {
        let pem = signed::text(&signed::scheme("sns")["certificates"][name]["pem"]);
        let got = parse(pem, &trust(Unchained::Refused)).err();
        assert_eq!(got, Some(Rejection::Certificate(expected)), "{name}");
    }
}

/// A lone certificate is proved by the fetch alone: everything else that can be checked is checked.
#[test]
fn a_lone_certificate_that_was_fetched_is_refused_for_each_fault_of_its_own() {
    for (name, expected) in [
        ("alone", None),
        ("under a foreign root, alone", None),
        ("expired, alone", Some(CertificateFault::Expired)),
        ("not valid yet, alone", Some(CertificateFault::NotYetValid)),
        ("for another name, alone", Some(CertificateFault::Name)),
        ("for clients, alone", Some(CertificateFault::Untrusted)),
        ("an authority, alone", Some(CertificateFault::Untrusted)),
        ("signed by another than a known root, alone", Some(CertificateFault::Untrusted)),
        ("with a short key, alone", Some(CertificateFault::Key)),
        ("with a key on a curve, alone", Some(CertificateFault::Key)),
    ] {
        let pem = signed::text(&signed::scheme("sns")["certificates"][name]["pem"]);
        let got = parse(pem, &trust(Unchained::ProvedByFetch));
        assert_eq!(got.as_ref().err(), expected.map(Rejection::Certificate).as_ref(), "{name}");
        assert_eq!(got.is_ok_and(|certificate| !certificate.is_chained()), expected.is_none(), "{name}");
    }
    let chain = signed::text(&signed::scheme("sns")["chain"]);
    assert!(parse(chain, &trust(Unchained::ProvedByFetch)).unwrap().is_chained());
}

/// The other half of what proves a lone certificate: there is no address but AWS's own from which one is taken.
#[test]
fn a_certificate_is_fetched_from_sns_of_the_topics_region_and_nowhere_else() {
    for case in signed::scheme("sns")["cases"].as_array().unwrap() {
        if let Ok(message) = sns::parse(signed::base64(&case["body"]), &topics()) {
            let (url, region) = (message.certificate_url(), message.topic().region());
            assert_eq!(url.host(), format!("sns.{region}.amazonaws.com"));
            assert!(url.path().starts_with("/SimpleNotificationService-") && url.path().ends_with(".pem"));
            assert_eq!(url.to_string(), format!("https://{}{}", url.host(), url.path()));
        }
    }
}

#[test]
fn a_lone_certificate_is_chained_by_authorities_that_are_given() {
    let alone = signed::text(&signed::scheme("sns")["certificates"]["alone"]["pem"]);
    let given = signed::text(&signed::scheme("sns")["intermediates"]).as_bytes();
    let trust = trust(Unchained::Refused).with_intermediates(given).unwrap();
    assert!(parse(alone, &trust).is_ok());
}

#[test]
fn a_certificate_serves_no_message_that_names_another() {
    let message =
        sns::parse(signed::base64(&signed::case("sns", "notification, version 1")["body"]), &topics());
    let other = sns::parse(
        signed::base64(&signed::case("sns", "notification of the second region")["body"]),
        &topics(),
    );
    let certificate = certificate(&other.unwrap());
    let got = sns::verify(message.unwrap(), &certificate, now());
    assert_eq!(got.unwrap_err(), Rejection::Certificate(CertificateFault::OtherAddress));
}

#[test]
fn a_message_that_aws_signed_is_accepted() {
    let topics = Topics::parse("arn:aws:sns:us-east-1:041977924901:foo").unwrap();
    let trust = Trust::amazon(Unchained::ProvedByFetch).unwrap();
    let then: Timestamp = "2015-02-20T20:59:26Z".parse().unwrap();
    let read = || sns::parse(Bytes::from_static(AWS_NOTIFICATION), &topics).unwrap();
    let fetch =
        |trust, now| Certificate::parse(read().certificate_url().clone(), AWS_CERTIFICATE, now, trust);
    let verified = sns::verify(read(), &fetch(&trust, then).unwrap(), then).unwrap();
    let VerifiedMessage::Notification(delivery) = verified else { panic!("{verified:?}") };
    assert_eq!(delivery.dedupe_key(), "circle/sns/a890c547-5d98-55e2-971d-8826fff56413");
    assert_eq!(delivery.event_type(), "unknown");
    // The file holds one certificate, whose issuer stands in no file of ours: this is why such a one is not refused.
    let strict = Trust::amazon(Unchained::Refused).unwrap();
    let untrusted = Some(Rejection::Certificate(CertificateFault::Untrusted));
    assert_eq!(fetch(&strict, then).err(), untrusted);
    let expired = Some(Rejection::Certificate(CertificateFault::Expired));
    assert_eq!(fetch(&trust, now()).err(), expired);
    let body =
        String::from_utf8(AWS_NOTIFICATION.to_vec()).unwrap().replace("test message", "TAMPERED MESSAGE");
    let tampered = sns::parse(body.into(), &topics).unwrap();
    assert_eq!(sns::verify(tampered, &fetch(&trust, then).unwrap(), then).unwrap_err(), Rejection::Signature);
}

#[test]
fn a_delivery_says_what_its_receiver_must_know() {
    let one = delivery("notification, version 1");
    assert_eq!(one.channel(), "circle/sns".parse().unwrap());
    assert_eq!(one.dedupe_key(), "circle/sns/7a3b1f2e-4c5d-5e6f-8a9b-0c1d2e3f4a5b");
    assert_eq!(one.event_type(), "transfers");
    assert_eq!(one.resource(), "b8627ae8-732b-4d25-b947-1df8f4007a29");
    assert_eq!(one.key_id(), "0123456789abcdef0123456789abcdef");
    assert_eq!(one.signed_at(), Some("2026-01-02T15:04:05.123Z".parse().unwrap()));
    // The same event from the other region is known by its content.
    let other = delivery("notification of the second region");
    assert!(one.content_key().unwrap().starts_with("circle/sns/sha256:"));
    assert_eq!(one.content_key(), other.content_key());
}

#[test]
fn a_confirmation_leads_to_the_topics_region_and_hides_its_token() {
    let VerifiedMessage::Confirmation(confirmation) =
        run(signed::case("sns", "confirmation of region 1, version 1")).unwrap()
    else {
        panic!("a confirmation");
    };
    assert_eq!(confirmation.message_id(), "7a3b1f2e-4c5d-5e6f-8a9b-0c1d2e3f4a5b");
    assert_eq!(confirmation.topic().region(), "us-west-2");
    let url = confirmation.url();
    assert_eq!(url.host(), "sns.us-west-2.amazonaws.com");
    assert!(url.path_and_query().starts_with("/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:"));
    assert!(!format!("{url:?}").contains("2336412f37fb"), "{url:?}");
}

#[test]
fn a_subject_is_one_line() {
    let body = signed::base64(&signed::case("sns", "notification, version 1")["body"]);
    let mut message: Value = serde_json::from_slice(&body).unwrap();
    for (subject, expected) in [("A transfer", None), ("a\nTimestamp\n2026", Some("malformed"))] {
        message["Subject"] = subject.into();
        let read = sns::parse(message.to_string().into(), &topics());
        assert_eq!(read.err().map(|rejection| rejection.reason()), expected, "{subject:?}");
    }
}
