//! URLs to other hosts: no request is sent, neither to the fake of Amazon nor to the other host.

use serde_json::{Value, json};
use tests::providers::now;
use tests::sns::Topic;

use super::{CountingListener, Fixture, transfer};

const FILE: &str = "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem";
/// For a request that would arrive after the rejection.
const GRACE: std::time::Duration = std::time::Duration::from_millis(500);

/// URLs that are not at SNS of the topic's region.
fn certificate_urls(elsewhere: &str) -> Vec<String> {
    let amazon = "sns.us-east-1.amazonaws.com";
    [
        format!("https://{elsewhere}/{FILE}"),
        format!("http://{elsewhere}/{FILE}"),
        format!("https://{amazon}@{elsewhere}/{FILE}"),
        format!("https://{amazon}%40{elsewhere}/{FILE}"),
        format!("https://{amazon}:443@{elsewhere}/{FILE}"),
        format!("https://{elsewhere}#@{amazon}/{FILE}"),
        format!("https://{elsewhere}\\@{amazon}/{FILE}"),
        format!("https://{elsewhere}/https://{amazon}/{FILE}"),
        format!("//{elsewhere}/{FILE}"),
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
fn certificates_are_fetched_only_from_sns_of_the_topics_region() {
    let (fixture, elsewhere) = (Fixture::start(), CountingListener::start());
    for url in certificate_urls(&elsewhere.authority) {
        for mut message in [
            fixture.east.notification(now(), &transfer("one", "1.00")),
            fixture.east.subscription(now(), "token"),
        ] {
            message["SigningCertURL"] = json!(url);
            let response = fixture.send(&message);
            assert!(matches!(response.status, 400 | 401), "{url}: {response:?}");
            assert_eq!(response.problem()["reason"], "host", "{url}: {response:?}");
        }
    }
    std::thread::sleep(GRACE);
    assert_eq!(fixture.sns.requests(), Vec::<String>::new(), "SNS gets no request");
    assert_eq!(elsewhere.connections(), 0, "the other host gets no connection");
    assert_eq!(fixture.event_count(), 0);
}

#[test]
fn subscriptions_are_confirmed_only_at_sns_of_the_topics_region() {
    let (fixture, elsewhere) = (Fixture::start(), CountingListener::start());
    let arn = fixture.east.arn();
    let query = format!("?Action=ConfirmSubscription&TopicArn={arn}&Token=token");
    for url in [
        format!("https://{}/{query}", elsewhere.authority),
        format!("http://{}/{query}", elsewhere.authority),
        format!("https://sns.us-east-1.amazonaws.com@{}/{query}", elsewhere.authority),
        format!("http://sns.us-east-1.amazonaws.com/{query}"),
        format!("https://sns.us-west-2.amazonaws.com/{query}"),
        format!("https://sns.us-east-1.amazonaws.com.evil.example/{query}"),
        format!("https://sns.us-east-1.amazonaws.com/{query}&x=y"),
        format!("https://sns.us-east-1.amazonaws.com/?Action=DeleteTopic&TopicArn={arn}&Token=token"),
        format!("https://sns.us-east-1.amazonaws.com/{}", query.replace("Token=token", "Token=another")),
        format!("https://sns.us-east-1.amazonaws.com/{}", query.replace(&arn, &fixture.west.arn())),
    ] {
        // Signed with this URL: the signature is valid, and the URL is not.
        let mut message = fixture.east.subscription(now(), "token");
        message["SubscribeURL"] = json!(url);
        let response = fixture.send(&message);
        fixture.assert_rejected(&url, &response, "host");
    }
    std::thread::sleep(GRACE);
    assert_eq!(elsewhere.connections(), 0, "the other host gets no connection");
}

/// Asserts a rejection without any request.
fn assert_rejected_without_requests(what: &str, reason: &str, message: impl FnOnce(&Topic) -> Value) {
    let fixture = Fixture::start();
    let response = fixture.send(&message(&fixture.east));
    fixture.assert_rejected(what, &response, reason);
    assert_eq!(fixture.sns.requests(), Vec::<String>::new(), "{what}");
}

#[test]
fn an_unknown_topic_is_rejected_without_requests() {
    assert_rejected_without_requests("another region", "topic", |_| {
        Topic::in_region("eu-west-1").notification(now(), &transfer("one", "1.00"))
    });
    assert_rejected_without_requests("another account", "topic", |east| {
        let mut message = east.subscription(now(), "token");
        message["TopicArn"] = json!(east.arn().replace("908968368384", "111111111111"));
        message
    });
    assert_rejected_without_requests("no topic", "missing", |east| {
        let mut message = east.notification(now(), &transfer("one", "1.00"));
        message.as_object_mut().unwrap().remove("TopicArn");
        message
    });
}

#[test]
fn a_subscription_with_an_invalid_signature_is_not_confirmed() {
    let fixture = Fixture::start();
    let mut message = fixture.providers.signer.sns("sns", &fixture.east.subscription(now(), "token"), "1");
    message["Message"] = json!("You have chosen to subscribe to another topic.");
    let response = fixture.deliver(message.to_string());
    fixture.assert_rejected("another text", &response, "signature");
    let mut unsigned = fixture.east.subscription(now(), "token");
    unsigned["SignatureVersion"] = json!("1");
    unsigned["Signature"] = json!("");
    let response = fixture.deliver(unsigned.to_string());
    assert!(matches!(response.status, 400 | 401), "{response:?}");
    assert_eq!(fixture.sns.confirmations(), []);
}

#[test]
fn without_topics_sns_is_rejected() {
    let fixture = Fixture::start();
    let server = fixture.providers.options().set("SNS_BASE_URL", fixture.sns.base_url()).start();
    let message = fixture.east.notification(now(), &transfer("one", "1.00"));
    let body = tests::sns::signed(&fixture.providers.signer, &message, "1");
    let response = server.send(reqwest::Method::POST, "/api/v1/webhooks/circle", &[], Some(&body));
    assert!((400..=503).contains(&response.status), "{response:?}");
    assert_eq!(fixture.sns.requests(), Vec::<String>::new());
}
