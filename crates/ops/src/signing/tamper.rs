//! Deliveries that a server must refuse: each is a good one with one thing wrong.

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{Bridge, Circle, Signed, Signer, Source, alpaca, bridge, circle};
use crate::failure::Failure;
use crate::identifier;

/// How far a signed time is moved: farther than any server can be told to allow.
const SHIFT: SignedDuration = SignedDuration::from_hours(2);
/// Which letter of a signature is changed, counted from its end: before any padding.
const LETTER_FROM_END: usize = 8;

/// What is wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Tamper {
    /// One bit of the body is changed after it was signed
    Body,
    /// One letter of the signature is changed
    Signature,
    /// The time is changed after it was signed
    Timestamp,
    /// It was signed two hours ago
    Stale,
    /// It is signed for in two hours
    Future,
    /// Signed over the body hashed once, where the scheme hashes twice
    SingleDigest,
    /// The signature stands in two header lines
    DuplicateHeader,
    /// The signature is left out
    MissingHeader,
    /// Signed with a key that the server does not know, under the name of one that it knows
    OtherKey,
    /// It names a key that nobody has
    UnknownKey,
    /// Signed over the body alone, in the legacy form that a server may accept
    BodyOnly,
    /// Posted to the path of another kind of event
    OtherKind,
    /// Published in a topic that is not on the server's list
    Topic,
    /// Its certificate lies on a host that is not Amazon's
    Host,
}

impl Tamper {
    /// The reason for which a server refuses it; `None` where a source has no such thing.
    pub(crate) const fn refusal(self, source: Source) -> Option<&'static str> {
        match (self, source) {
            (Self::Body | Self::Signature | Self::OtherKey, _)
            | (Self::Timestamp, Source::Alpaca | Source::Bridge | Source::CircleSns)
            | (Self::SingleDigest, Source::Bridge) => Some("signature"),
            (Self::Stale, Source::Alpaca | Source::Bridge) => Some("stale"),
            (Self::Future, Source::Alpaca | Source::Bridge) => Some("future"),
            (Self::DuplicateHeader, Source::Alpaca | Source::Bridge | Source::Circle)
            | (Self::OtherKind, Source::Alpaca) => Some("malformed"),
            (Self::MissingHeader, Source::Alpaca | Source::Bridge | Source::Circle) => Some("missing"),
            (Self::UnknownKey, Source::Circle) => Some("unknown_key"),
            (Self::BodyOnly, Source::Alpaca) => Some("untimed"),
            (Self::Topic, Source::CircleSns) => Some("topic"),
            (Self::Host, Source::CircleSns) => Some("host"),
            _ => None,
        }
    }
}

impl Signer {
    /// Becomes one who signs wrongly, where that is what is wrong.
    pub(crate) fn misled(self, tamper: Tamper) -> Result<Self, Failure> {
        match (tamper, self) {
            (Tamper::OtherKey, signer) => signer.with_other_key(),
            (Tamper::Topic, Self::Sns(sns)) => Ok(Self::Sns(sns.of_another_topic())),
            (Tamper::Host, Self::Sns(sns)) => Ok(Self::Sns(sns.with_another_host())),
            (_, signer) => Ok(signer),
        }
    }

    fn with_other_key(self) -> Result<Self, Failure> {
        match self {
            Self::Alpaca(signer) => Ok(Self::Alpaca(signer.with_secret(identifier::hex(64)?.as_bytes()))),
            Self::Bridge(_) => Ok(Self::Bridge(Bridge::new(rsa_pair()?))),
            Self::Circle(signer) => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
                let pair = pair.map_err(|_| Failure::NoRandomness)?;
                Ok(Self::Circle(Circle::new(pair, signer.key_id())))
            }
            Self::Sns(signer) => Ok(Self::Sns(signer.with_pair(rsa_pair()?))),
        }
    }

    /// Signs a body, and does to it what is wrong.
    pub(crate) fn sign_wrongly(&self, tamper: Tamper, body: &[u8], at: Timestamp) -> Result<Signed, Failure> {
        match (tamper, self) {
            (Tamper::Stale, _) => self.sign(body, at - SHIFT),
            (Tamper::Future, _) => self.sign(body, at + SHIFT),
            (Tamper::SingleDigest, Self::Bridge(signer)) => signer.sign_single_digest(body, at),
            (Tamper::BodyOnly, Self::Alpaca(signer)) => Ok(signer.sign_body_only(body)),
            (_, Self::Sns(_)) => in_envelope(self.sign(body, at)?, tamper),
            (_, Self::Alpaca(_) | Self::Bridge(_) | Self::Circle(_)) => {
                Ok(in_headers(self.sign(body, at)?, tamper)?)
            }
        }
    }
}

fn rsa_pair() -> Result<KeyPair, Failure> {
    KeyPair::generate(KeySize::Rsa2048).map_err(|_| Failure::NoRandomness)
}

/// For those whose signature is a header.
fn in_headers(mut signed: Signed, tamper: Tamper) -> Result<Signed, Failure> {
    let names = [alpaca::HEADER, bridge::HEADER, circle::HEADER];
    let at = signed.headers.iter().position(|(name, _)| names.contains(name)).unwrap_or_default();
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
            let unknown = identifier::uuid()?;
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

/// For the one whose signature is a field of its envelope.
fn in_envelope(signed: Signed, tamper: Tamper) -> Result<Signed, Failure> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(&signed.body).map_err(|_| super::not_signed())?;
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
    Ok(Signed { body: Value::Object(fields).to_string().into_bytes(), ..signed })
}

fn flip(body: &mut [u8]) {
    let middle = body.len() / 2;
    if let Some(byte) = body.get_mut(middle) {
        *byte ^= 1;
    }
}

/// One letter of a signature changed: to a digit, which every notation has.
fn altered(signature: &str) -> String {
    let at = signature.len().saturating_sub(LETTER_FROM_END);
    let letters = signature.char_indices();
    letters
        .map(|(place, letter)| if place == at { if letter == '0' { '1' } else { '0' } } else { letter })
        .collect()
}

/// `t=…` one more.
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
