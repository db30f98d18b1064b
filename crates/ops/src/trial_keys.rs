//! Keys for a server of one's own: the files in which `webhooks keygen` leaves them, and `webhooks send` finds them.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, date_time_ymd};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::identifier;
use crate::local_file;

/// Where keys lie when nothing else is said.
pub(crate) const DIRECTORY: &str = "webhook-keys";

const DIRECTORY_MODE: u32 = 0o700;
/// Random digits of the secret that a relay of Alpaca shares with the server: 256 bits.
const SECRET_DIGITS: usize = 64;
/// The name that a certificate of SNS is made for.
const SNS_NAME: &str = "sns.amazonaws.com";
/// For how many years that certificate is made.
const CERTIFICATE_YEARS: i16 = 2;

/// The files, below their directory.
#[derive(Clone, Debug)]
pub(crate) struct TrialKeys(PathBuf);

/// The public key as Circle answers a question for it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CircleAnswer {
    pub(crate) data: CircleKey,
}

/// A public key of Circle.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CircleKey {
    pub(crate) id: String,
    algorithm: String,
    public_key: String,
    create_date: String,
}

impl TrialKeys {
    /// Those of a directory.
    pub(crate) fn of(directory: &Path) -> Self {
        Self(directory.to_path_buf())
    }

    /// The secret that is shared with a relay of Alpaca's events.
    pub(crate) fn alpaca(&self) -> PathBuf {
        self.0.join("alpaca_webhook_secret")
    }

    /// The private key of Bridge's endpoint.
    pub(crate) fn bridge(&self) -> PathBuf {
        self.0.join("bridge.key.pem")
    }

    /// The public one, which the server is given.
    pub(crate) fn bridge_public(&self) -> PathBuf {
        self.0.join("bridge_webhook_secret")
    }

    /// The private key of Circle.
    pub(crate) fn circle(&self) -> PathBuf {
        self.0.join("circle.key.pem")
    }

    /// The public one, as Circle answers.
    pub(crate) fn circle_answer(&self) -> PathBuf {
        self.0.join("circle.public.json")
    }

    /// The private key of SNS.
    pub(crate) fn sns(&self) -> PathBuf {
        self.0.join("sns.key.pem")
    }

    /// Its certificate.
    pub(crate) fn sns_certificate(&self) -> PathBuf {
        self.0.join("sns.certificate.pem")
    }

    /// The public key of Circle with its id.
    pub(crate) fn read_circle_answer(&self) -> Result<CircleAnswer, Failure> {
        let path = self.circle_answer();
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let hint = "`investiq webhooks keygen` makes it, or name the key with --key and --key-id";
            Failure::Precondition(format!("reading {}: {error}; {hint}", path.display()))
        })?;
        serde_json::from_str(&text).map_err(|_| {
            Failure::Precondition(format!("{} is not an answer of Circle with a public key", path.display()))
        })
    }

    /// Makes every key that is not there, and says which files it wrote.
    pub(crate) fn make(&self, now: Timestamp) -> Result<Vec<PathBuf>, Failure> {
        let made = DirBuilder::new().mode(DIRECTORY_MODE).recursive(true).create(&self.0);
        made.map_err(Failure::file("making", &self.0))?;
        let mut written = Vec::new();
        if !local_file::exists(&self.alpaca()) {
            write(&mut written, self.alpaca(), &identifier::hex(SECRET_DIGITS)?)?;
        }
        if !local_file::exists(&self.bridge()) {
            self.make_bridge(&mut written)?;
        }
        if !local_file::exists(&self.circle()) {
            self.make_circle(&mut written, now)?;
        }
        if !local_file::exists(&self.sns()) {
            self.make_sns(&mut written, now)?;
        }
        Ok(written)
    }

    fn make_bridge(&self, written: &mut Vec<PathBuf>) -> Result<(), Failure> {
        let (pair, private) = rsa()?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Failure::NoRandomness)?;
        write(written, self.bridge_public(), &crate::pem::write("PUBLIC KEY", public.as_ref()))?;
        write(written, self.bridge(), &crate::pem::write("PRIVATE KEY", private.as_ref()))
    }

    fn make_circle(&self, written: &mut Vec<PathBuf>, now: Timestamp) -> Result<(), Failure> {
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| Failure::NoRandomness)?;
        let private = pair.to_pkcs8v1().map_err(|_| Failure::NoRandomness)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Failure::NoRandomness)?;
        let data = CircleKey {
            id: identifier::uuid()?,
            algorithm: "ECDSA_SHA_256".to_owned(),
            public_key: STANDARD.encode(public.as_ref()),
            create_date: now.to_string(),
        };
        let answer =
            serde_json::to_string(&CircleAnswer { data }).map_err(|error| Failure::Output(error.into()))?;
        write(written, self.circle_answer(), &answer)?;
        write(written, self.circle(), &crate::pem::write("PRIVATE KEY", private.as_ref()))
    }

    fn make_sns(&self, written: &mut Vec<PathBuf>, now: Timestamp) -> Result<(), Failure> {
        let (_, private) = rsa()?;
        let certificate = certificate(&private, now)
            .map_err(|error| Failure::Precondition(format!("making the certificate of SNS: {error}")))?;
        write(written, self.sns_certificate(), &crate::pem::write("CERTIFICATE", &certificate))?;
        write(written, self.sns(), &crate::pem::write("PRIVATE KEY", private.as_ref()))
    }
}

fn rsa() -> Result<(KeyPair, Pkcs8V1Der<'static>), Failure> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| Failure::NoRandomness)?;
    let private = pair.as_der().map_err(|_| Failure::NoRandomness)?;
    Ok((pair, private))
}

/// A certificate for the name of SNS that no authority vouches for.
fn certificate(private: &Pkcs8V1Der<'_>, now: Timestamp) -> Result<Vec<u8>, rcgen::Error> {
    let key = rcgen::KeyPair::try_from(private.as_ref())?;
    let mut params = CertificateParams::new([SNS_NAME.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, SNS_NAME);
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let today = now.to_zoned(TimeZone::UTC).date();
    // From the first of this month, so that no clock is behind it and every year has that day.
    let first = |year: i16| date_time_ymd(i32::from(year), today.month().unsigned_abs(), 1);
    (params.not_before, params.not_after) = (first(today.year()), first(today.year() + CERTIFICATE_YEARS));
    Ok(params.self_signed(&key)?.der().to_vec())
}

fn write(written: &mut Vec<PathBuf>, path: PathBuf, text: &str) -> Result<(), Failure> {
    let text = Zeroizing::new(text.trim_end().to_owned());
    local_file::create_private(&path, text.as_bytes()).map_err(Failure::file("creating", &path))?;
    written.push(path);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let around = tempfile::tempdir().unwrap();
        let keys = TrialKeys::of(&around.path().join("keys"));
        let now = "2028-02-29T15:04:05Z".parse().unwrap();
        let written = keys.make(now).unwrap();
        assert_eq!(written.len(), 7);
        for path in &written {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        }
        assert_eq!(keys.make(now).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(keys.read_circle_answer().unwrap().data.id.len(), 36);
    }
}
