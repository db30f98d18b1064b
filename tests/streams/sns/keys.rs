//! Certificates: which are believed, how often they are asked for, and what happens when they cannot be had.

use std::time::{Duration, Instant};

use tests::providers::now;
use tests::sns::{Fault, signed};

use super::{Stage, Trap, status, transfer};

/// The file that messages of these tests name.
const FILE: &str = "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8";
const HOST: &str = "sns.amazonaws.com";
const AUTHORITY: &str = "authority of sns";

#[test]
fn a_certificate_is_believed_for_its_name_its_dates_and_its_key() {
    let stage = Stage::start();
    let signer = &stage.providers.signer;
    drop(signer.key("another", "2048"));
    let cases = [
        ("another host", signer.certificate("sns", "sns.evil.example", AUTHORITY, (-1, 30))),
        ("over", signer.certificate("sns", HOST, AUTHORITY, (-30, -1))),
        ("not yet", signer.certificate("sns", HOST, AUTHORITY, (1, 30))),
        ("no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
        ("nothing", String::new()),
        (
            "a chain to nobody that is trusted",
            signer.certificate("sns", HOST, AUTHORITY, (-1, 30)) + &signer.authority(AUTHORITY, AUTHORITY),
        ),
    ];
    for (place, (what, pem)) in cases.into_iter().enumerate() {
        // A file of its own for each: that a bad one is not asked for again at once is another test's.
        let file = format!("SimpleNotificationService-{place:032x}");
        stage.sns.serve(&file, &pem);
        let mut message = stage.east.notification(now(), &transfer(what, "1.00"));
        message["SigningCertURL"] = format!("https://sns.us-east-1.amazonaws.com/{file}.pem").into();
        let answer = stage.send(&message);
        assert!(matches!(answer.status, 400 | 401 | 503), "{what}: {answer:?}");
        assert_eq!(stage.kept(), 0, "{what}");
    }
    let message = stage.east.notification(now(), &transfer("good", "1.00"));
    assert_eq!(status(&stage.send(&message)), "stored", "the twin: a good one is believed");
}

#[test]
fn a_message_signed_by_another_key_is_refused() {
    let stage = Stage::start();
    let signer = &stage.providers.signer;
    drop(signer.key("another", "2048"));
    let message = stage.east.notification(now(), &transfer("one", "1.00"));
    let answer = stage.deliver(signer.sns("another", &message, "1").to_string());
    stage.is_refused("another key", &answer, "signature");
}

#[test]
fn a_good_certificate_is_asked_for_once() {
    let stage = Stage::start();
    for number in 0..20 {
        let message = stage.east.notification(now(), &transfer(&number.to_string(), "1.00"));
        assert_eq!(status(&stage.send(&message)), "stored");
    }
    assert_eq!(stage.sns.asked(), [format!("/{FILE}.pem")]);
}

#[test]
fn twenty_at_once_ask_once() {
    let stage = Stage::start();
    stage.sns.next([Fault::Delay(Duration::from_millis(300))]);
    let signer = &stage.providers.signer;
    let bodies: Vec<String> = (0..20)
        .map(|number| {
            signed(signer, &stage.east.notification(now(), &transfer(&number.to_string(), "1.00")), "2")
        })
        .collect();
    std::thread::scope(|scope| {
        let sent: Vec<_> =
            bodies.iter().map(|body| scope.spawn(|| stage.deliver(body.clone()).status)).collect();
        for sent in sent {
            assert_eq!(sent.join().unwrap(), 200);
        }
    });
    assert_eq!(stage.sns.certificates_asked(), 1);
}

#[test]
fn a_certificate_that_cannot_be_had_now_makes_sns_send_again() {
    let huge = 4 * 1024 * 1024;
    let trap = Trap::set();
    let place = format!("http://{}/{FILE}.pem", trap.authority);
    for fault in [Fault::Status(500), Fault::Redirect(place), Fault::Garbage, Fault::Huge(huge)] {
        let stage = Stage::start();
        stage.sns.next([fault.clone()]);
        let message = stage.east.notification(now(), &transfer("one", "1.00"));
        let answer = stage.send(&message);
        assert!(matches!(answer.status, 401 | 503), "{fault:?}: {answer:?}");
        assert_eq!(stage.kept(), 0, "{fault:?}");
    }
    assert_eq!(trap.connections(), 0, "a redirect is not followed");
}

#[test]
fn strangers_cannot_make_us_ask_without_end() {
    let stage = Stage::start();
    let begun = Instant::now();
    for number in 0..200 {
        let mut message = stage.east.notification(now(), &transfer("one", "1.00"));
        let file = format!("SimpleNotificationService-{number:032x}.pem");
        message["SigningCertURL"] = format!("https://sns.us-east-1.amazonaws.com/{file}").into();
        let answer = stage.deliver(signed(&stage.providers.signer, &message, "1"));
        assert!(matches!(answer.status, 401 | 503), "{answer:?}");
    }
    // Eight at once and four a minute are the share of one address; the rest is air.
    let allowed = 20 + 4 * begun.elapsed().as_secs() / 60;
    assert!(stage.sns.asked().len() as u64 <= allowed, "{} calls", stage.sns.asked().len());
}
