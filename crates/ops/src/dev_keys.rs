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
use crate::git_ignore;
use crate::random_id;
use crate::secret_file;

/// Default directory.
pub(crate) const DIRECTORY: &str = "webhook-keys";

const DIRECTORY_MODE: u32 = 0o700;
/// Hexadecimal digits of a shared secret: 256 bits.
const SECRET_DIGITS: usize = 64;
/// The name in the certificate of SNS.
const SNS_NAME: &str = "sns.amazonaws.com";
const CERTIFICATE_YEARS: i16 = 2;

#[derive(Clone, Debug)]
pub(crate) struct DevKeys(PathBuf);

/// Circle's response to a request for a public key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CircleResponse {
    pub(crate) data: CircleKey,
}

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

    /// The file with the value of a secret of the server.
    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn private(&self, provider: Provider) -> PathBuf {
        self.0.join(format!("{provider}.key.pem"))
    }

    /// Circle's response with the public key.
    pub(crate) fn circle_response(&self) -> PathBuf {
        self.0.join("circle.public.json")
    }

    pub(crate) fn sns(&self) -> PathBuf {
        self.0.join("sns.key.pem")
    }

    pub(crate) fn sns_certificate(&self) -> PathBuf {
        self.0.join("sns.certificate.pem")
    }

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

    /// Creates the missing keys and returns the new files.
    pub(crate) fn create(&self, now: Timestamp) -> Result<Vec<PathBuf>, Failure> {
        if !self.0.is_dir() {
            let created = DirBuilder::new().mode(DIRECTORY_MODE).recursive(true).create(&self.0);
            let created = created.and_then(|()| git_ignore::ignore_contents(&self.0));
            created.map_err(Failure::file("create", &self.0))?;
        }
        git_ignore::check(&[&self.sns()])?;
        let mut written = Vec::new();
        for declared in PROVIDERS {
            let is_missing = |path: &Path| !secret_file::exists(path);
            match declared.proof {
                Proof::Keys { secret, format: KeyFormat::HmacSecrets, .. } => {
                    if is_missing(&self.secret(secret)) {
                        write(&mut written, self.secret(secret), &random_id::hex(SECRET_DIGITS)?)?;
                    }
                }
                Proof::Keys { secret, format: KeyFormat::RsaPublicKeys, .. } => {
                    let path = self.private(declared.provider);
                    if is_missing(&path) {
                        let (pair, private) = rsa()?;
                        let public: PublicKeyX509Der<'_> =
                            pair.public_key().as_der().map_err(|_| Failure::Random)?;
                        let public = crate::pem::write("PUBLIC KEY", public.as_ref());
                        write(&mut written, self.secret(secret), &public)?;
                        write(&mut written, path, &crate::pem::write("PRIVATE KEY", private.as_ref()))?;
                    }
                }
                Proof::Circle => {
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
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| Failure::Random)?;
        let private = pair.to_pkcs8v1().map_err(|_| Failure::Random)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Failure::Random)?;
        let data = CircleKey {
            id: random_id::uuid()?,
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
            Failure::Precondition(format!("cannot create the certificate of SNS: {error}"))
        })?;
        write(written, self.sns_certificate(), &crate::pem::write("CERTIFICATE", &certificate))?;
        write(written, self.sns(), &crate::pem::write("PRIVATE KEY", private.as_ref()))
    }
}

fn rsa() -> Result<(KeyPair, Pkcs8V1Der<'static>), Failure> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| Failure::Random)?;
    let private = pair.as_der().map_err(|_| Failure::Random)?;
    Ok((pair, private))
}

/// Self-signed, for the name of SNS.
fn certificate(private: &Pkcs8V1Der<'_>, now: Timestamp) -> Result<Vec<u8>, rcgen::Error> {
    let key = rcgen::KeyPair::try_from(private.as_ref())?;
    let mut params = CertificateParams::new([SNS_NAME.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, SNS_NAME);
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let today = now.to_zoned(TimeZone::UTC).date();
    // From the first of this month: a clock may be slow, and every year has that day.
    let first = |year: i16| date_time_ymd(i32::from(year), today.month().unsigned_abs(), 1);
    (params.not_before, params.not_after) = (first(today.year()), first(today.year() + CERTIFICATE_YEARS));
    Ok(params.self_signed(&key)?.der().to_vec())
}

fn write(written: &mut Vec<PathBuf>, path: PathBuf, text: &str) -> Result<(), Failure> {
    let text = Zeroizing::new(text.trim_end().to_owned());
    secret_file::create_private(&path, text.as_bytes()).map_err(Failure::file("create", &path))?;
    written.push(path);
    Ok(())
}

#[cfg(test)]
mod tests {
    use webhooks::ProviderDeclaration;

    use super::*;

    #[test]
    fn keys_are_created_once_and_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let around = tempfile::tempdir().unwrap();
        let keys = DevKeys::new(&around.path().join("keys"));
        let now = "2028-02-29T15:04:05Z".parse().unwrap();
        let written = keys.create(now).unwrap();
        let files = |declared: &ProviderDeclaration| match declared.proof {
            Proof::Keys { format: KeyFormat::HmacSecrets, .. } => 1,
            Proof::Keys { format: KeyFormat::RsaPublicKeys, .. } => 2,
            Proof::Circle => 4,
        };
        assert_eq!(written.len(), PROVIDERS.map(files).iter().sum::<usize>());
        for path in &written {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        }
        assert_eq!(keys.create(now).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(keys.read_circle_response().unwrap().data.id.len(), 36);
    }
}
