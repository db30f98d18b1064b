//! Deliveries that a server must reject: each is a valid one with one thing wrong.

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use domain::Provider;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use webhooks::{ChannelDeclaration, PROVIDERS, SignatureScheme};

use super::{Bridge, Circle, SignedRequest, Signer, bridge, circle};
use crate::failure::Failure;
use crate::random_id;

/// Moves a signed time beyond every tolerance that a server can be configured to allow.
const SHIFT: SignedDuration = SignedDuration::from_hours(2);
/// The changed letter of a signature, counted from its end: before any padding.
const LETTER_FROM_END: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tamper {
    Body,
    Signature,
    Timestamp,
    Stale,
    Future,
    SingleDigest,
    DuplicateHeader,
    MissingHeader,
    OtherKey,
    UnknownKey,
    BodyOnly,
    OtherKind,
    Topic,
    Host,
}

impl Tamper {
    /// Each with its name and what it does.
    pub(crate) const ALL: [(Self, &'static str, &'static str); 14] = [
        (Self::Body, "body", "Change one bit of the body after signing"),
        (Self::Signature, "signature", "Change one letter of the signature"),
        (Self::Timestamp, "timestamp", "Change the time after signing"),
        (Self::Stale, "stale", "Sign with a time two hours ago"),
        (Self::Future, "future", "Sign with a time two hours ahead"),
        (Self::SingleDigest, "single-digest", "Sign the body hashed once, where the scheme hashes twice"),
        (Self::DuplicateHeader, "duplicate-header", "Send the signature header twice"),
        (Self::MissingHeader, "missing-header", "Omit the signature"),
        (Self::OtherKey, "other-key", "Sign with another key under the id of a known one"),
        (Self::UnknownKey, "unknown-key", "Name a key that does not exist"),
        (Self::BodyOnly, "body-only", "Sign the body alone, without a time"),
        (Self::OtherKind, "other-kind", "Post to the endpoint of another kind of event"),
        (Self::Topic, "topic", "Publish in a topic that is not configured"),
        (Self::Host, "host", "Name a certificate on a host that is not Amazon's"),
    ];

    /// The providers to which it applies, or the channels where not all of a provider do.
    pub(crate) fn scope(self) -> String {
        let applies = |declared: &&ChannelDeclaration| self.reason(declared).is_some();
        let scopes = PROVIDERS.into_iter().flat_map(|provider| {
            let channels: Vec<_> = provider.channels.iter().filter(applies).collect();
            match channels.len() == provider.channels.len() {
                true => vec![provider.provider.as_str()],
                false => channels.into_iter().map(|declared| declared.channel.as_str()).collect(),
            }
        });
        let scopes: Vec<_> = scopes.collect();
        scopes.join(", ")
    }

    /// The reason of the rejection; `None` if it does not apply to the channel.
    pub(crate) fn reason(self, declared: &ChannelDeclaration) -> Option<&'static str> {
        use SignatureScheme::{AmazonSns, BridgeRsa, CircleEcdsa, TimedHmac};
        match (self, declared.signature) {
            (Self::Body | Self::Signature | Self::OtherKey, _)
            | (Self::Timestamp, TimedHmac { .. } | BridgeRsa | AmazonSns)
            | (Self::SingleDigest, BridgeRsa) => Some("signature"),
            (Self::Stale, TimedHmac { .. } | BridgeRsa) => Some("stale"),
            (Self::Future, TimedHmac { .. } | BridgeRsa) => Some("future"),
            (Self::DuplicateHeader, TimedHmac { .. } | BridgeRsa | CircleEcdsa) => Some("malformed"),
            (Self::MissingHeader, TimedHmac { .. } | BridgeRsa | CircleEcdsa) => Some("missing"),
            (Self::OtherKind, _) => declared.channel.endpoint().parameter().map(|_| "malformed"),
            (Self::UnknownKey, CircleEcdsa) => Some("unknown_key"),
            // Only Alpaca's relay may sign without a time, if the settings allow it.
            (Self::BodyOnly, TimedHmac { .. }) if declared.channel.provider() == Provider::Alpaca => {
                Some("untimed")
            }
            (Self::BodyOnly, TimedHmac { .. }) => Some("malformed"),
            (Self::Topic, AmazonSns) => Some("topic"),
            (Self::Host, AmazonSns) => Some("host"),
            _ => None,
        }
    }
}

impl Signer {
    /// A signer with another key, topic or host, if that is what is tampered with.
    pub(crate) fn tampered(self, tamper: Tamper) -> Result<Self, Failure> {
        match (tamper, self) {
            (Tamper::OtherKey, signer) => signer.with_other_key(),
            (Tamper::Topic, Self::Sns(sns)) => Ok(Self::Sns(sns.with_another_topic())),
            (Tamper::Host, Self::Sns(sns)) => Ok(Self::Sns(sns.with_another_host())),
            (_, signer) => Ok(signer),
        }
    }

    fn with_other_key(self) -> Result<Self, Failure> {
        match self {
            Self::TimedHmac(signer) => {
                Ok(Self::TimedHmac(signer.with_secret(random_id::hex(64)?.as_bytes())))
            }
            Self::Bridge(_) => Ok(Self::Bridge(Bridge::new(rsa_pair()?))),
            Self::Circle(signer) => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
                let pair = pair.map_err(|_| Failure::Random)?;
                Ok(Self::Circle(Circle::new(pair, signer.key_id())))
            }
            Self::Sns(signer) => Ok(Self::Sns(signer.with_pair(rsa_pair()?))),
        }
    }

    /// Signs a body and makes one thing wrong.
    pub(crate) fn sign_tampered(
        &self,
        tamper: Tamper,
        body: &[u8],
        at: Timestamp,
    ) -> Result<SignedRequest, Failure> {
        match (tamper, self) {
            (Tamper::Stale, _) => self.sign(body, at - SHIFT),
            (Tamper::Future, _) => self.sign(body, at + SHIFT),
            (Tamper::SingleDigest, Self::Bridge(signer)) => signer.sign_single_digest(body, at),
            (Tamper::BodyOnly, Self::TimedHmac(signer)) => Ok(signer.sign_body_only(body)),
            (_, Self::Sns(_)) => in_envelope(self.sign(body, at)?, tamper),
            (_, Self::TimedHmac(signer)) => in_headers(self.sign(body, at)?, signer.header(), tamper),
            (_, Self::Bridge(_)) => in_headers(self.sign(body, at)?, bridge::HEADER, tamper),
            (_, Self::Circle(_)) => in_headers(self.sign(body, at)?, circle::HEADER, tamper),
        }
    }
}

fn rsa_pair() -> Result<KeyPair, Failure> {
    KeyPair::generate(KeySize::Rsa2048).map_err(|_| Failure::Random)
}

/// Tampers with a request whose signature is in this header.
fn in_headers(mut signed: SignedRequest, header: &str, tamper: Tamper) -> Result<SignedRequest, Failure> {
    let at = signed.headers.iter().position(|(name, _)| *name == header).unwrap_or_default();
    let (name, value) = signed.headers[at].clone();
    match tamper {
        Tamper::Body => flip(&mut signed.body),
        Tamper::Signature => signed.headers[at].1 = altered(&value),
        Tamper::Timestamp => signed.headers[at].1 = later(&value),
        Tamper::DuplicateHeader => signed.headers.push((name, value)),
        Tamper::MissingHeader => drop(signed.headers.remove(at)),
        Tamper::OtherKind => signed.path = other_kind(&signed.path),
        Tamper::UnknownKey => {
            let ids = signed.headers.iter_mut().filter(|(name, _)| *name == circle::KEY_ID_HEADER);
            let unknown = random_id::uuid()?;
            ids.for_each(|(_, id)| id.clone_from(&unknown));
        }
        Tamper::Stale
        | Tamper::Future
        | Tamper::SingleDigest
        | Tamper::OtherKey
        | Tamper::BodyOnly
        | Tamper::Topic
        | Tamper::Host => {}
    }
    Ok(signed)
}

/// Tampers with a request whose signature is in its envelope.
fn in_envelope(signed: SignedRequest, tamper: Tamper) -> Result<SignedRequest, Failure> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(&signed.body).map_err(|_| super::cannot_sign())?;
    let mut change = |field: &str, how: fn(&str) -> String| {
        if let Some(Value::String(text)) = fields.get_mut(field) {
            *text = how(text);
        }
    };
    match tamper {
        Tamper::Body => change("Message", |text| format!("{text} ")),
        Tamper::Signature => change("Signature", altered),
        Tamper::Timestamp => change("Timestamp", |text| text.replace("20", "21")),
        _ => {}
    }
    Ok(SignedRequest { body: Value::Object(fields).to_string().into_bytes(), ..signed })
}

fn flip(body: &mut [u8]) {
    let middle = body.len() / 2;
    if let Some(byte) = body.get_mut(middle) {
        *byte ^= 1;
    }
}

/// Changes one letter of a signature to a digit, which every encoding has.
fn altered(signature: &str) -> String {
    let at = signature.len().saturating_sub(LETTER_FROM_END);
    let letters = signature.char_indices();
    letters
        .map(|(place, letter)| if place == at { if letter == '0' { '1' } else { '0' } } else { letter })
        .collect()
}

/// Adds one to `t=…`.
fn later(header: &str) -> String {
    let Some((t, rest)) = header.strip_prefix("t=").and_then(|header| header.split_once(',')) else {
        return header.to_owned();
    };
    format!("t={},{rest}", t.parse().unwrap_or(0_i64) + 1)
}

fn other_kind(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((before, "trade")) => format!("{before}/account"),
        Some((before, _)) => format!("{before}/trade"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_names_providers_or_their_channels() {
        for (tamper, scope) in [
            (Tamper::Body, "alpaca, bridge, circle"),
            (Tamper::Stale, "alpaca, bridge"),
            (Tamper::UnknownKey, "circle/direct"),
            (Tamper::Timestamp, "alpaca, bridge, circle/sns"),
        ] {
            assert_eq!(tamper.scope(), scope, "{tamper:?}");
        }
        assert!(Tamper::ALL.iter().all(|(tamper, ..)| !tamper.scope().is_empty()));
    }

    #[test]
    fn one_thing_is_wrong_and_no_more() {
        assert_eq!(altered("t=1,v1=00112233445566"), "t=1,v1=00112203445566");
        assert_eq!(later("t=41,v1=aa"), "t=42,v1=aa");
        assert_eq!(other_kind("/alpaca/trade"), "/alpaca/account");
        assert_eq!(other_kind("/alpaca/nta"), "/alpaca/trade");
        let mut body = *b"{}";
        flip(&mut body);
        assert_eq!(&body, b"{|");
    }
}
