//! The certificate that clients get: trusted, for the domain, and not about to expire.

use std::path::Path;
use std::time::Duration;

use config::check::Finding;
use jiff::Timestamp;
use outbound::Proxy;
use reqwest::tls::TlsInfo;
use rustls_pki_types::{CertificateDer, UnixTime};
use telemetry::with_causes;
use webpki::{EndEntityCert, Error, KeyUsage};

use super::{error, warning};
use crate::secret_file::{self, PRIVATE_MODE};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Traefik renews when a third of the lifetime is left.
const LIFE_SHARE_WARNING: f64 = 0.25;
const LIFE_SHARE_ERROR: f64 = 0.1;
const HOUR_S: i64 = 60 * 60;
const DAY_S: i64 = 24 * HOUR_S;
const LOGS: &str = "docker compose logs traefik";

/// What is read of a certificate.
#[derive(Debug, PartialEq, Eq)]
struct Certificate {
    not_before: Timestamp,
    not_after: Timestamp,
}

pub(super) async fn finding(domain: &str, port: u16, now: Timestamp) -> Option<Finding> {
    let error = |message: &str| error("certificate", domain, message, LOGS);
    match fetch(&format!("https://{domain}:{port}/livez")).await {
        Ok(der) => match Certificate::parse(&der) {
            Some(certificate) => certificate.expiry(domain, now),
            None => Some(error("has a certificate that cannot be parsed")),
        },
        Err(cause) => Some(error(&format!("cannot be reached with TLS: {cause}"))),
    }
}

/// Others could read the keys of certificates, so that Traefik refuses the file and gets no certificate.
pub(super) fn storage_finding(directory: &Path) -> Option<Finding> {
    let path = directory.join("acme.json");
    let mode = secret_file::mode(&path).filter(|mode| *mode != PRIVATE_MODE)?;
    let message = format!("has mode {mode:04o}, and Traefik requires 0600");
    let remedy = format!("chmod 0600 {} && docker compose restart traefik", path.display());
    Some(error("acme_mode", path.display(), message, remedy))
}

/// The trusted certificate of the server itself.
async fn fetch(url: &str) -> Result<Vec<u8>, String> {
    let client = outbound::client_builder(TIMEOUT, &Proxy::none())
        .timeout(TIMEOUT)
        .tls_info(true)
        .build()
        .map_err(|error| with_causes(&error))?;
    let response = client.get(url).send().await.map_err(|error| with_causes(&error.without_url()))?;
    let info = response.extensions().get::<TlsInfo>();
    info.and_then(TlsInfo::peer_certificate)
        .map(<[u8]>::to_vec)
        .ok_or_else(|| "there is no certificate".to_owned())
}

impl Certificate {
    fn parse(der: &[u8]) -> Option<Self> {
        let der = CertificateDer::from(der);
        let certificate = EndEntityCert::try_from(&der).ok()?;
        // The library tells the two times only to those who ask too early or too late.
        let ask = |time| {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(time));
            certificate.verify_for_usage(&[], &[], &[], time, KeyUsage::server_auth(), None, None).err()
        };
        let Some(Error::CertNotValidYet { not_before, .. }) = ask(0) else { return None };
        let Some(Error::CertExpired { not_after, .. }) = ask(u64::from(u32::MAX) * 2) else { return None };
        let timestamp = |time: UnixTime| Timestamp::from_second(i64::try_from(time.as_secs()).ok()?).ok();
        Some(Self { not_before: timestamp(not_before)?, not_after: timestamp(not_after)? })
    }

    fn expiry(&self, domain: &str, now: Timestamp) -> Option<Finding> {
        let seconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs();
        let left_s = seconds(now, self.not_after);
        let share = left_s as f64 / seconds(self.not_before, self.not_after).max(1) as f64;
        if share >= LIFE_SHARE_WARNING {
            return None;
        }
        let left = match left_s {
            ..=0 => "expired".to_owned(),
            1..DAY_S => format!("expires in {} h", left_s / HOUR_S),
            _ => format!("expires in {} days", left_s / DAY_S),
        };
        let share_left = share.max(0.0) * 100.0;
        let message = format!(
            "has a certificate that {left} ({share_left:.0} % of its lifetime is left) and was not renewed"
        );
        let is_urgent = share < LIFE_SHARE_ERROR;
        let finding = if is_urgent { error } else { warning };
        Some(finding("certificate_expiry", domain, message, LOGS))
    }
}

#[cfg(test)]
mod tests {
    use config::check::Severity;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate() -> Certificate {
        let mut params = CertificateParams::new(["a.test".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 4, 11));
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Certificate::parse(der.der()).unwrap()
    }

    #[test]
    fn the_validity_is_read() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let expected =
            Certificate { not_before: at("2026-01-01T00:00:00Z"), not_after: at("2026-04-11T00:00:00Z") };
        assert_eq!(certificate(), expected);
        assert_eq!(Certificate::parse(b"no certificate"), None);
    }

    #[test]
    fn a_certificate_is_renewed_before_a_quarter_of_its_life_is_left() {
        // The certificate is valid for 100 days.
        for (now, expected, message) in [
            ("2026-03-17T00:00:00Z", None, ""),
            ("2026-03-18T00:00:00Z", Some(Severity::Warning), "in 24 days (24 %"),
            ("2026-04-02T00:00:00Z", Some(Severity::Error), "in 9 days (9 %"),
            ("2026-04-10T12:00:00Z", Some(Severity::Error), "in 12 h"),
            ("2026-04-12T00:00:00Z", Some(Severity::Error), "expired (0 %"),
        ] {
            let found = certificate().expiry("a.test", now.parse().unwrap());
            assert_eq!(found.as_ref().map(Finding::severity), expected, "{now}");
            assert!(format!("{found:?}").contains(message), "{now}: {found:?}");
        }
    }

    #[test]
    fn traefik_accepts_its_storage_with_mode_0600_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("acme.json");
        assert_eq!(storage_finding(directory.path()), None, "there is none yet");
        std::fs::write(&path, "{}").unwrap();
        for (mode, is_found) in [(0o600, false), (0o644, true), (0o660, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(storage_finding(directory.path()).is_some(), is_found, "{mode:o}");
        }
    }
}
