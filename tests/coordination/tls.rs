//! Encrypted connections with a certificate authority of one's own.

use std::path::Path;
use std::process::{Command, Stdio};

use tests::ServerOptions;

use super::redis::Redis;
use super::shared::{KEY, limited, metric, wait_for, wait_until};

fn openssl(directory: &Path, arguments: &str) {
    let status = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "openssl {arguments}");
}

/// An authority, and certificates that it issued to `localhost` and to another name.
pub(crate) fn certificates(directory: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(directory, &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"));
    for name in ["localhost", "another.test"] {
        openssl(directory, &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        std::fs::write(directory.join("san"), format!("subjectAltName=DNS:{name}")).unwrap();
        let issue = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san";
        openssl(directory, &format!("x509 -req -in {name}.csr {issue} -out {name}.pem"));
    }
}

/// A Redis that only accepts TLS, with the certificate of this name, and its port.
fn redis(directory: &Path, name: &str) -> (Redis, u16) {
    let path = |file: String| directory.join(file).display().to_string();
    let (certificate, key, ca) =
        (path(format!("{name}.pem")), path(format!("{name}.key")), path("ca.pem".to_owned()));
    let tls = super::redis::free_port();
    let port = tls.to_string();
    let redis = Redis::start_with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ]);
    (redis, tls)
}

#[test]
fn an_own_authority_is_trusted_and_another_name_is_not() {
    let directory = tempfile::tempdir().unwrap();
    certificates(directory.path());
    let ca = directory.path().join("ca.pem").display().to_string();
    let (right, right_port) = redis(directory.path(), "localhost");
    let (_wrong, wrong_port) = redis(directory.path(), "another.test");
    let by_url = |port: u16| limited().set("REDIS_URL", format!("rediss://localhost:{port}"));

    let trusted = by_url(right_port).set("REDIS_TLS_CA_FILE", &ca).start();
    wait_for(&trusted, "investiq_redis_up", 1.0);
    let by_host: ServerOptions = limited()
        .set("REDIS_HOST", "localhost")
        .set("REDIS_PORT", right_port.to_string())
        .set("REDIS_TLS", "true")
        .set("REDIS_TLS_CA_FILE", &ca);
    let by_host = by_host.start();
    wait_for(&by_host, "investiq_rate_limit_replicas", 2.0);
    assert!(right.connections() >= 6, "two servers with three connections each");

    for options in [by_url(wrong_port).set("REDIS_TLS_CA_FILE", &ca), by_url(right_port)] {
        let refusing = options.start();
        wait_until("the certificate is refused", || {
            metric(&refusing, "investiq_redis_commands_total{command=\"ping\",outcome=\"failed\"}")
                > Some(0.0)
        });
        assert_eq!(metric(&refusing, "investiq_redis_up"), Some(0.0), "{}", refusing.log());
        assert_eq!(refusing.get("/api/symbols", &[("x-api-key", KEY)]).status, 200);
        assert!(!refusing.log().contains("panicked"), "{}", refusing.log());
    }
}
