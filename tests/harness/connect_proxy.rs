//! An HTTP proxy on a free loopback port, like that of a company: it asks for a password, opens no connection by itself, and
//! terminates TLS under a certificate authority of its own.
//!
//! It records every host that a client asks for, and connects those that it knows to a fake on loopback. A client that
//! trusts [`authority`](ConnectProxy::authority) cannot tell the fake from the host.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::loopback::Loopback;

const USER: &str = "proxy-user";
/// No log may ever contain it.
pub const PASSWORD: &str = "c4n4ry-proxy-Zx7kQp2vWn9tLm4r";
const HEAD_BYTES_MAX: usize = 8 * 1024;

pub struct ConnectProxy {
    server: Loopback,
    shared: Arc<Shared>,
    directory: tempfile::TempDir,
}

struct Shared {
    hosts: BTreeMap<String, SocketAddr>,
    tls: TlsAcceptor,
    /// `host:port` of every request that had the password.
    targets: Mutex<Vec<String>>,
    rejected: Mutex<usize>,
}

impl ConnectProxy {
    /// Each host is that of `https://host`, and is answered by the fake at a base URL such as `http://127.0.0.1:9`.
    pub fn start(hosts: &[(&str, String)]) -> Self {
        let issuer = authority();
        let names: Vec<String> = hosts.iter().map(|(host, _)| (*host).to_owned()).collect();
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(names).expect("host names").signed_by(&key, &issuer);
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.expect("a certificate").der().clone()], private);
        let address = |url: &String| url.trim_start_matches("http://").parse().expect("a base URL of a fake");
        let shared = Arc::new(Shared {
            hosts: hosts.iter().map(|(host, url)| (format!("{host}:443"), address(url))).collect(),
            tls: TlsAcceptor::from(Arc::new(config.expect("the key fits"))),
            targets: Mutex::default(),
            rejected: Mutex::default(),
        });
        let served = Arc::clone(&shared);
        let server = Loopback::start(move |listener| serve(listener, served));
        let directory = tempfile::tempdir().expect("a temporary directory");
        let base64 = BASE64_STANDARD.encode(issuer.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        std::fs::write(directory.path().join("ca.pem"), pem).expect("the directory can be written to");
        Self { server, shared, directory }
    }

    /// Its URL with user and password, for `HTTPS_PROXY`.
    pub fn url(&self) -> String {
        format!("http://{USER}:{PASSWORD}@{}", self.server.address())
    }

    /// Its URL as a log may show it.
    pub fn bare_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The file with its certificate authority, for `SSL_CERT_FILE`.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The hosts that clients with the password asked for, each once.
    pub fn targets(&self) -> Vec<String> {
        let mut targets = self.shared.targets.lock().expect("no panic").clone();
        targets.sort();
        targets.dedup();
        targets
    }

    /// Requests without the password.
    pub fn rejected(&self) -> usize {
        *self.shared.rejected.lock().expect("no panic")
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // A client may end a connection at any time.
        tokio::spawn(connect(stream, Arc::clone(&shared)));
    }
}

async fn connect(mut client: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let head = read_head(&mut client).await?;
    let authorization = BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let is_authorized = head.lines().any(|line| {
        let header = line.split_once(": ");
        header.is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("proxy-authorization") && value == format!("Basic {authorization}")
        })
    });
    if !is_authorized {
        *shared.rejected.lock().expect("no panic") += 1;
        return client
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            .await;
    }
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or(&head);
    shared.targets.lock().expect("no panic").push(target.to_owned());
    let Some(fake) = shared.hosts.get(target) else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let mut client = shared.tls.accept(client).await?;
    let mut fake = TcpStream::connect(fake).await?;
    tokio::io::copy_bidirectional(&mut client, &mut fake).await.map(drop)
}

async fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        head.push(client.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
