//! A fake of Amazon SNS: it serves certificates, confirms subscriptions, and builds a topic's messages.
//!
//! [`crate::signer`] signs, under a certificate of a test authority.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::signer::Signer;
pub use crate::static_server::Fault;
use crate::static_server::StaticServer;

/// Names of the signing key and of the authority in the signer.
const KEY: &str = "sns";
const AUTHORITY: &str = "authority of sns";
/// The host in SNS's certificates.
const HOST: &str = "sns.amazonaws.com";
/// The file of the certificate that is served from the start.
const FILE: &str = "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8";
/// The account of Circle's sandbox.
const ACCOUNT: &str = "908968368384";

pub struct FakeSns(StaticServer);

/// A topic of Circle in one region.
#[derive(Clone, Debug)]
pub struct Topic {
    region: String,
}

impl FakeSns {
    /// Starts a fake with one certificate, whose key is in `signer`.
    pub fn start(signer: &Signer) -> Self {
        let fake = Self(StaticServer::start());
        fake.0.put("/", "text/xml", "<ConfirmSubscriptionResponse/>");
        // Generates the keys in the signer.
        drop(signer.key(KEY, "2048"));
        drop(signer.key(AUTHORITY, "2048"));
        drop(signer.authority(AUTHORITY, AUTHORITY));
        fake.serve(FILE, &signer.certificate(KEY, HOST, AUTHORITY, (-1, 30)));
        fake
    }

    /// Configured in place of Amazon's hosts.
    pub fn base_url(&self) -> String {
        self.0.base_url()
    }

    /// Serves a certificate at `/{file}.pem`.
    pub fn serve(&self, file: &str, pem: &str) {
        self.0.put(&format!("/{file}.pem"), "application/x-pem-file", pem);
    }

    /// Applies to the next requests, one each.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.next(faults);
    }

    /// Applies to every request from now on.
    pub fn always(&self, fault: Option<Fault>) {
        self.0.always(fault);
    }

    /// Path and query of every request so far, in order.
    pub fn requests(&self) -> Vec<String> {
        let whole = |path: String, query: Option<String>| match query {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        self.0.requests().into_iter().map(|request| whole(request.path, request.query)).collect()
    }

    /// Requests for certificates so far.
    pub fn certificate_requests(&self) -> usize {
        self.0.requests().iter().filter(|request| request.path.ends_with(".pem")).count()
    }

    /// Topic and token of each subscription confirmed so far, in order.
    pub fn confirmations(&self) -> Vec<(String, String)> {
        let calls = self.0.requests().into_iter().filter(|request| request.path == "/");
        calls.filter_map(|request| confirmation(request.query.as_deref()?)).collect()
    }
}

fn confirmation(query: &str) -> Option<(String, String)> {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).map(str::to_owned);
    let is_confirmation = query.split('&').any(|pair| pair == "Action=ConfirmSubscription");
    is_confirmation.then(|| Some((value("TopicArn=")?, value("Token=")?)))?
}

impl Topic {
    /// Circle's topic of this region, such as `us-east-1`.
    pub fn in_region(region: &str) -> Self {
        Self { region: region.to_owned() }
    }

    pub fn arn(&self) -> String {
        format!("arn:aws:sns:{}:{ACCOUNT}:sandbox_platform-notifications-topic", self.region)
    }

    fn certificate_url(&self) -> String {
        format!("https://sns.{}.amazonaws.com/{FILE}.pem", self.region)
    }

    /// An unsigned notification with this text.
    pub fn notification(&self, at: Timestamp, message: &str) -> Value {
        json!({
            "Type": "Notification",
            "MessageId": crate::events::uuid(&format!("{} {at} {message}", self.region)),
            "TopicArn": self.arn(),
            "Message": message,
            "Timestamp": sns_time(at),
            "SigningCertURL": self.certificate_url(),
            "UnsubscribeURL": format!("https://sns.{}.amazonaws.com/?Action=Unsubscribe", self.region),
            "MessageAttributes": {"clientId": {"Type": "String", "Value": "8f4e1c1e"}},
        })
    }

    /// An unsigned request to confirm a subscription.
    pub fn subscription(&self, at: Timestamp, token: &str) -> Value {
        self.confirmation_message(at, token, "SubscriptionConfirmation")
    }

    /// An unsigned notice that a subscription has ended. It carries the same URL: a request there subscribes again.
    pub fn unsubscription(&self, at: Timestamp, token: &str) -> Value {
        self.confirmation_message(at, token, "UnsubscribeConfirmation")
    }

    fn confirmation_message(&self, at: Timestamp, token: &str, kind: &str) -> Value {
        let (region, arn) = (&self.region, self.arn());
        let url = format!("https://sns.{region}.amazonaws.com/?Action=ConfirmSubscription");
        json!({
            "Type": kind,
            "MessageId": crate::events::uuid(&format!("{kind} {token}")),
            "Token": token,
            "TopicArn": arn,
            "Message": format!("You have chosen to subscribe to the topic {arn}."),
            "SubscribeURL": format!("{url}&TopicArn={arn}&Token={token}"),
            "Timestamp": sns_time(at),
            "SigningCertURL": self.certificate_url(),
        })
    }
}

/// With milliseconds, as SNS writes it.
fn sns_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A message signed in signature version "1" or "2".
pub fn signed(signer: &Signer, message: &Value, version: &str) -> String {
    signer.sns(KEY, message, version).to_string()
}
