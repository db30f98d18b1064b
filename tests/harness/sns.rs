//! A fake of Amazon SNS: the host of its certificates, where subscriptions are confirmed, and what a topic sends.
//!
//! What it signs is signed by [`crate::signer`], under a certificate of an authority that exists in the test alone.

use jiff::Timestamp;
use serde_json::{Value, json};

pub use crate::shelf::Fault;
use crate::shelf::Shelf;
use crate::signer::Signer;

/// The name of the signing key, and of the authority, in the signer.
const KEY: &str = "sns";
const AUTHORITY: &str = "authority of sns";
/// Whom certificates of SNS are made for.
const HOST: &str = "sns.amazonaws.com";
/// The file of the certificate that is served from the start.
const FILE: &str = "SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8";
/// The account of Circle's sandbox.
const ACCOUNT: &str = "908968368384";

/// A running fake; it ends when it is dropped.
pub struct FakeSns(Shelf);

/// A topic of Circle in one region.
#[derive(Clone, Debug)]
pub struct Topic {
    region: String,
}

impl FakeSns {
    /// Starts a fake with one certificate, whose key is in `signer`.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start(signer: &Signer) -> Self {
        let fake = Self(Shelf::start());
        fake.0.put("/", "text/xml", "<ConfirmSubscriptionResponse/>");
        // Kept in the signer: asking for a key of this name makes it.
        drop(signer.key(KEY, "2048"));
        drop(signer.key(AUTHORITY, "2048"));
        drop(signer.authority(AUTHORITY, AUTHORITY));
        fake.serve(FILE, &signer.certificate(KEY, HOST, AUTHORITY, (-1, 30)));
        fake
    }

    /// What to configure as the place that is asked instead of Amazon's hosts.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.0.base_url()
    }

    /// Serves this certificate in a file of this name, without `.pem`.
    pub fn serve(&self, file: &str, pem: &str) {
        self.0.put(&format!("/{file}.pem"), "application/x-pem-file", pem);
    }

    /// Commits these faults on the next calls, one each.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.next(faults);
    }

    /// Commits this fault on every call from now on, or none.
    pub fn always(&self, fault: Option<Fault>) {
        self.0.always(fault);
    }

    /// Path and query of every call so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let whole = |path: String, query: Option<String>| match query {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        self.0.asked().into_iter().map(|asked| whole(asked.path, asked.query)).collect()
    }

    /// Calls for certificates so far.
    #[must_use]
    pub fn certificates_asked(&self) -> usize {
        self.0.asked().iter().filter(|asked| asked.path.ends_with(".pem")).count()
    }

    /// Subscriptions confirmed so far: the topic and the token of each, in order.
    #[must_use]
    pub fn confirmed(&self) -> Vec<(String, String)> {
        let calls = self.0.asked().into_iter().filter(|asked| asked.path == "/");
        calls.filter_map(|asked| confirmation(asked.query.as_deref()?)).collect()
    }
}

fn confirmation(query: &str) -> Option<(String, String)> {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).map(str::to_owned);
    let is_asked = query.split('&').any(|pair| pair == "Action=ConfirmSubscription");
    is_asked.then(|| Some((value("TopicArn=")?, value("Token=")?)))?
}

impl Topic {
    /// Circle's topic of this region, such as `us-east-1`.
    #[must_use]
    pub fn in_region(region: &str) -> Self {
        Self { region: region.to_owned() }
    }

    /// Its full name.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:sns:{}:{ACCOUNT}:sandbox_platform-notifications-topic", self.region)
    }

    /// Where its certificate is said to lie.
    #[must_use]
    pub fn certificate_url(&self) -> String {
        format!("https://sns.{}.amazonaws.com/{FILE}.pem", self.region)
    }

    /// A notification with this text, not signed yet. The id is this topic's own, whatever the text.
    #[must_use]
    pub fn notification(&self, at: Timestamp, message: &str) -> Value {
        json!({
            "Type": "Notification",
            "MessageId": crate::events::uuid(&format!("{} {at} {message}", self.region)),
            "TopicArn": self.arn(),
            "Message": message,
            "Timestamp": moment(at),
            "SigningCertURL": self.certificate_url(),
            "UnsubscribeURL": format!("https://sns.{}.amazonaws.com/?Action=Unsubscribe", self.region),
            "MessageAttributes": {"clientId": {"Type": "String", "Value": "8f4e1c1e"}},
        })
    }

    /// The question whether a subscription is wanted, not signed yet.
    #[must_use]
    pub fn subscription(&self, at: Timestamp, token: &str) -> Value {
        self.question(at, token, "SubscriptionConfirmation")
    }

    /// The news that a subscription has ended, not signed yet. It names the same address: asking there subscribes again.
    #[must_use]
    pub fn end(&self, at: Timestamp, token: &str) -> Value {
        self.question(at, token, "UnsubscribeConfirmation")
    }

    fn question(&self, at: Timestamp, token: &str, kind: &str) -> Value {
        let (region, arn) = (&self.region, self.arn());
        let url = format!("https://sns.{region}.amazonaws.com/?Action=ConfirmSubscription");
        json!({
            "Type": kind,
            "MessageId": crate::events::uuid(&format!("{kind} {token}")),
            "Token": token,
            "TopicArn": arn,
            "Message": format!("You have chosen to subscribe to the topic {arn}."),
            "SubscribeURL": format!("{url}&TopicArn={arn}&Token={token}"),
            "Timestamp": moment(at),
            "SigningCertURL": self.certificate_url(),
        })
    }
}

/// In milliseconds, as SNS writes it.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A message with its signature, as version "1" or "2".
#[must_use]
pub fn signed(signer: &Signer, message: &Value, version: &str) -> String {
    signer.sns(KEY, message, version).to_string()
}
