//! Test keys of every provider: the files that `webhooks keygen` creates and `webhooks send` reads.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Provider;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, date_time_ymd};
use serde::{Deserialize, Serialize};
use webhooks::{KeyFormat, PROVIDERS, Proof};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::identifier;
use crate::local_file;

/// The directory, unless another one is named.
pub(crate) const DIRECTORY: &str = "webhook-keys";

const DIRECTORY_MODE: u32 = 0o700;
/// Random digits of a secret that is shared with a sender: 256 bits.
const SECRET_DIGITS: usize = 64;
/// The name that a certificate of SNS is valid for.
const SNS_NAME: &str = "sns.amazonaws.com";
/// Years for which that certificate is valid.
const CERTIFICATE_YEARS: i16 = 2;

/// The directory of the keys.
#[derive(Clone, Debug)]
pub(crate) struct DevKeys(PathBuf);

/// Circle's response to a request for a public key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CircleResponse {
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

impl DevKeys {
    pub(crate) fn new(directory: &Path) -> Self {
        Self(directory.to_path_buf())
    }

    /// The file with the value of a secret, which the server is given.
    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The file with the private key of a provider.
    pub(crate) fn private(&self, provider: Provider) -> PathBuf {
        self.0.join(format!("{provider}.key.pem"))
    }

    /// The public key of Circle, as Circle responds.
    pub(crate) fn circle_response(&self) -> PathBuf {
        self.0.join("circle.public.json")
    }

    /// The private key of Amazon SNS.
    pub(crate) fn sns(&self) -> PathBuf {
        self.0.join("sns.key.pem")
    }

    /// The certificate of Amazon SNS.
    pub(crate) fn sns_certificate(&self) -> PathBuf {
        self.0.join("sns.certificate.pem")
    }

    /// The public key of Circle with its id.
    pub(crate) fn read_circle_response(&self) -> Result<CircleResponse, Failure> {
        let path = self.circle_response();
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let hint = "`investiq webhooks keygen` creates it, or name the key with --key and --key-id";
            Failure::Precondition(format!("cannot read {}: {error}; {hint}", path.display()))
        })?;
        serde_json::from_str(&text).map_err(|_| {
            Failure::Precondition(format!("{} is not a response of Circle with a public key", path.display()))
        })
    }

    /// Creates every key that is missing, and returns the files that it wrote.
    pub(crate) fn create(&self, now: Timestamp) -> Result<Vec<PathBuf>, Failure> {
        let created = DirBuilder::new().mode(DIRECTORY_MODE).recursive(true).create(&self.0);
        created.map_err(Failure::file("making", &self.0))?;
        let mut written = Vec::new();
        for declared in PROVIDERS {
            let is_missing = |path: &Path| !local_file::exists(path);
            match declared.proof {
                Proof::Keys { secret, format: KeyFormat::HmacSecrets, .. } => {
                    if is_missing(&self.secret(secret)) {
                        write(&mut written, self.secret(secret), &identifier::hex(SECRET_DIGITS)?)?;
                    }
                }
                Proof::Keys { secret, format: KeyFormat::RsaPublicKeys, .. } => {
                    let path = self.private(declared.provider);
                    if is_missing(&path) {
                        let (pair, private) = rsa()?;
                        let public: PublicKeyX509Der<'_> =
                            pair.public_key().as_der().map_err(|_| Failure::NoRandomness)?;
                        let public = crate::pem::write("PUBLIC KEY", public.as_ref());
                        write(&mut written, self.secret(secret), &public)?;
                        write(&mut written, path, &crate::pem::write("PRIVATE KEY", private.as_ref()))?;
                    }
                }
                Proof::Fetched => {
                    let path = self.private(declared.provider);
                    if is_missing(&path) {
                        self.create_circle(&mut written, path, now)?;
                    }
                    if is_missing(&self.sns()) {
                        self.create_sns(&mut written, now)?;
                    }
                }
            }
        }
        Ok(written)
    }

    fn create_circle(
        &self,
        written: &mut Vec<PathBuf>,
        path: PathBuf,
        now: Timestamp,
    ) -> Result<(), Failure> {
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
        let response =
            serde_json::to_string(&CircleResponse { data }).map_err(|error| Failure::Output(error.into()))?;
        write(written, self.circle_response(), &response)?;
        write(written, path, &crate::pem::write("PRIVATE KEY", private.as_ref()))
    }

    fn create_sns(&self, written: &mut Vec<PathBuf>, now: Timestamp) -> Result<(), Failure> {
        let (_, private) = rsa()?;
        let certificate = certificate(&private, now).map_err(|error| {
            Failure::Precondition(format!("creating the certificate of SNS failed: {error}"))
        })?;
        write(written, self.sns_certificate(), &crate::pem::write("CERTIFICATE", &certificate))?;
        write(written, self.sns(), &crate::pem::write("PRIVATE KEY", private.as_ref()))
    }
}

fn rsa() -> Result<(KeyPair, Pkcs8V1Der<'static>), Failure> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| Failure::NoRandomness)?;
    let private = pair.as_der().map_err(|_| Failure::NoRandomness)?;
    Ok((pair, private))
}

/// A self-signed certificate for the name of SNS.
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
    fn keys_are_created_once_and_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let around = tempfile::tempdir().unwrap();
        let keys = DevKeys::new(&around.path().join("keys"));
        let now = "2028-02-29T15:04:05Z".parse().unwrap();
        let written = keys.create(now).unwrap();
        assert_eq!(written.len(), 7);
        for path in &written {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        }
        assert_eq!(keys.create(now).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(keys.read_circle_response().unwrap().data.id.len(), 36);
    }
}
