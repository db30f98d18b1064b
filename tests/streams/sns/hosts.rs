//! Addresses that lead elsewhere: nothing is asked of anybody, not of Amazon's stand-in and not of the place that is
//! named.

use serde_json::{Value, json};
use tests::providers::now;
use tests::sns::Topic;

use super::{Stage, Trap, transfer};

const FILE: &str = "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem";
/// How long a call could take to arrive after a refusal that came too early.
const GRACE: std::time::Duration = std::time::Duration::from_millis(500);

/// Certificates that lie elsewhere than in SNS of the topic's region, each with the reason why nobody goes there.
fn certificate_urls(trap: &str) -> Vec<String> {
    let amazon = "sns.us-east-1.amazonaws.com";
    [
        format!("https://{trap}/{FILE}"),
        format!("http://{trap}/{FILE}"),
        format!("https://{amazon}@{trap}/{FILE}"),
        format!("https://{amazon}%40{trap}/{FILE}"),
        format!("https://{amazon}:443@{trap}/{FILE}"),
        format!("https://{trap}#@{amazon}/{FILE}"),
        format!("https://{trap}\\@{amazon}/{FILE}"),
        format!("https://{trap}/https://{amazon}/{FILE}"),
        format!("//{trap}/{FILE}"),
        format!("http://{amazon}/{FILE}"),
        format!("https://{amazon}:443/{FILE}"),
        format!("https://{amazon}:8443/{FILE}"),
        format!("https://user@{amazon}/{FILE}"),
        format!("https://{amazon}.evil.example/{FILE}"),
        format!("https://{amazon}./{FILE}"),
        format!("https://evil-{amazon}/{FILE}"),
        format!("https://SNS.us-east-1.amazonaws.com/{FILE}"),
        format!("https://sns.us-west-2.amazonaws.com/{FILE}"),
        format!("https://sns.us-east-1.amazonaws.com.cn/{FILE}"),
        "https://s3.amazonaws.com/bucket/SimpleNotificationService-7506.pem".to_owned(),
        format!("https://sns.amazonaws.com/{FILE}"),
        format!("https://{amazon}/../{FILE}"),
        format!("https://{amazon}/x/{FILE}"),
        format!("https://{amazon}//{FILE}"),
        format!("https://{amazon}/{FILE}?x=1"),
        format!("https://{amazon}/{FILE}#x"),
        format!("https://{amazon}/{FILE}%00"),
        format!("https://{amazon}/SimpleNotificationService-XYZ.pem"),
        format!("https://{amazon}/SimpleNotificationService-.pem"),
        format!("https://{amazon}/?Action=Subscribe&x=.pem"),
        format!(" https://{amazon}/{FILE}"),
        format!("https://{amazon}/{FILE}\n"),
        String::new(),
    ]
    .to_vec()
}

#[test]
fn a_certificate_is_asked_for_nowhere_but_at_sns_of_the_topics_region() {
    let (stage, trap) = (Stage::start(), Trap::set());
    for url in certificate_urls(&trap.authority) {
        for mut message in [
            stage.east.notification(now(), &transfer("one", "1.00")),
            stage.east.subscription(now(), "token"),
        ] {
            message["SigningCertURL"] = json!(url);
            let answer = stage.send(&message);
            assert!(matches!(answer.status, 400 | 401), "{url}: {answer:?}");
            assert_eq!(answer.problem()["reason"], "host", "{url}: {answer:?}");
        }
    }
    std::thread::sleep(GRACE);
    assert_eq!(stage.sns.asked(), Vec::<String>::new(), "nothing was asked of SNS");
    assert_eq!(trap.connections(), 0, "nobody went where the messages led");
    assert_eq!(stage.kept(), 0);
}

#[test]
fn a_subscription_is_confirmed_nowhere_but_at_sns_of_the_topics_region() {
    let (stage, trap) = (Stage::start(), Trap::set());
    let arn = stage.east.arn();
    let query = format!("?Action=ConfirmSubscription&TopicArn={arn}&Token=token");
    for url in [
        format!("https://{}/{query}", trap.authority),
        format!("http://{}/{query}", trap.authority),
        format!("https://sns.us-east-1.amazonaws.com@{}/{query}", trap.authority),
        format!("http://sns.us-east-1.amazonaws.com/{query}"),
        format!("https://sns.us-west-2.amazonaws.com/{query}"),
        format!("https://sns.us-east-1.amazonaws.com.evil.example/{query}"),
        format!("https://sns.us-east-1.amazonaws.com/{query}&x=y"),
        format!("https://sns.us-east-1.amazonaws.com/?Action=DeleteTopic&TopicArn={arn}&Token=token"),
        format!("https://sns.us-east-1.amazonaws.com/{}", query.replace("Token=token", "Token=another")),
        format!("https://sns.us-east-1.amazonaws.com/{}", query.replace(&arn, &stage.west.arn())),
    ] {
        // Signed as it stands: the signature is good, and the address is not.
        let mut question = stage.east.subscription(now(), "token");
        question["SubscribeURL"] = json!(url);
        let answer = stage.send(&question);
        stage.is_refused(&url, &answer, "host");
    }
    std::thread::sleep(GRACE);
    assert_eq!(trap.connections(), 0, "nobody went where the messages led");
}

/// Refused before anything is asked of anybody.
fn is_refused_unasked(what: &str, reason: &str, message: impl FnOnce(&Topic) -> Value) {
    let stage = Stage::start();
    let answer = stage.send(&message(&stage.east));
    stage.is_refused(what, &answer, reason);
    assert_eq!(stage.sns.asked(), Vec::<String>::new(), "{what}");
}

#[test]
fn a_topic_that_is_not_ours_is_refused_before_anything_is_asked() {
    is_refused_unasked("another region", "topic", |_| {
        Topic::in_region("eu-west-1").notification(now(), &transfer("one", "1.00"))
    });
    is_refused_unasked("another account", "topic", |east| {
        let mut message = east.subscription(now(), "token");
        message["TopicArn"] = json!(east.arn().replace("908968368384", "111111111111"));
        message
    });
    is_refused_unasked("no topic", "missing", |east| {
        let mut message = east.notification(now(), &transfer("one", "1.00"));
        message.as_object_mut().unwrap().remove("TopicArn");
        message
    });
}

#[test]
fn a_question_with_a_bad_signature_confirms_nothing() {
    let stage = Stage::start();
    let mut question = stage.providers.signer.sns("sns", &stage.east.subscription(now(), "token"), "1");
    question["Message"] = json!("You have chosen to subscribe to another topic.");
    let answer = stage.deliver(question.to_string());
    stage.is_refused("another text", &answer, "signature");
    let mut unsigned = stage.east.subscription(now(), "token");
    unsigned["SignatureVersion"] = json!("1");
    unsigned["Signature"] = json!("");
    let answer = stage.deliver(unsigned.to_string());
    assert!(matches!(answer.status, 400 | 401), "{answer:?}");
    assert_eq!(stage.sns.confirmed(), []);
}

#[test]
fn without_topics_sns_is_refused_altogether() {
    let stage = Stage::start();
    let server = stage.providers.options().set("SNS_BASE_URL", stage.sns.base_url()).start();
    let message = stage.east.notification(now(), &transfer("one", "1.00"));
    let body = tests::sns::signed(&stage.providers.signer, &message, "1");
    let answer = server.send(reqwest::Method::POST, "/api/v1/webhooks/circle", &[], Some(&body));
    assert!((400..=503).contains(&answer.status), "{answer:?}");
    assert_eq!(stage.sns.asked(), Vec::<String>::new());
}
