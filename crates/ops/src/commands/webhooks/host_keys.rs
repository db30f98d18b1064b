//! `investiq webhooks host-keys`: serves the test keys of Circle and Amazon SNS, and confirms subscriptions.
//!
//! It serves plain HTTP, and a server in production refuses to fetch from it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::console::Console;
use crate::dev_keys::{self, DevKeys};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

const HEAD_BYTES_MAX: usize = 8 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTIONS_MAX: usize = 64;
/// Paths of public keys in Circle's APIs.
const CIRCLE_PATHS: [&str; 3] = [
    "/v2/notifications/publicKey/",
    "/v2/cpn/notifications/publicKey/",
    "/v2/stablefx/notifications/publicKey/",
];

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq webhooks host-keys\n  investiq webhooks host-keys --bind 127.0.0.1:3901"
)]
pub(crate) struct Arguments {
    /// Directory of the keys of `webhooks keygen`
    #[arg(long, value_name = "DIR", default_value = dev_keys::DIRECTORY)]
    keys: PathBuf,
    /// Loopback address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3900")]
    bind: SocketAddr,
    #[command(flatten)]
    output: OutputFormat,
}

/// Settings for a server that fetches the keys.
#[derive(Serialize)]
struct Settings {
    circle_base_url: String,
    sns_base_url: String,
}

struct Documents {
    circle_id: String,
    circle: String,
    certificate: String,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let documents = Arc::new(Documents::read(&DevKeys::new(&arguments.keys))?);
    if !arguments.bind.ip().is_loopback() {
        return Err(Failure::Usage("--bind must be a loopback address: these keys are for tests".to_owned()));
    }
    let listener = TcpListener::bind(arguments.bind).await;
    let listener = listener
        .map_err(|error| Failure::Precondition(format!("cannot listen on {}: {error}", arguments.bind)))?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}");
    let settings = Settings { circle_base_url: url.clone(), sns_base_url: url };
    arguments.output.print(console, "investiq.webhooks.host-keys.v1", &settings, |settings| {
        let Settings { circle_base_url, sns_base_url } = settings;
        format!("CIRCLE_BASE_URL={circle_base_url}\nSNS_BASE_URL={sns_base_url}\n")
    })?;
    console.eprint("serving keys; press Ctrl-C to stop");
    tokio::select! {
        () = serve(listener, documents) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(Exit::Success)
}

async fn serve(listener: TcpListener, documents: Arc<Documents>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let documents = Arc::clone(&documents);
        tokio::spawn(async move {
            // A client that is slow or disconnects gets no response.
            drop(tokio::time::timeout(REQUEST_TIMEOUT, documents.respond(stream)).await);
            drop(permit);
        });
    }
}

impl Documents {
    fn read(keys: &DevKeys) -> Result<Self, Failure> {
        let read = |path: PathBuf| {
            std::fs::read_to_string(&path).map_err(|error| {
                let hint = "`investiq webhooks keygen` creates it";
                Failure::Precondition(format!("cannot read {}: {error}; {hint}", path.display()))
            })
        };
        Ok(Self {
            circle_id: keys.read_circle_response()?.data.id,
            circle: read(keys.circle_response())?,
            certificate: read(keys.sns_certificate())?,
        })
    }

    async fn respond(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let head = read_head(&mut stream).await?;
        let target = head.split(' ').nth(1).unwrap_or_default();
        let (status, kind, body) = self.document(target);
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await
    }

    fn document(&self, target: &str) -> (&'static str, &'static str, &str) {
        let circle_id = CIRCLE_PATHS.iter().find_map(|path| target.strip_prefix(path));
        if circle_id == Some(self.circle_id.as_str()) {
            ("200 OK", "application/json", &self.circle)
        } else if target.starts_with("/SimpleNotificationService-") {
            ("200 OK", "application/x-pem-file", &self.certificate)
        } else if target.starts_with("/?Action=ConfirmSubscription&") {
            ("200 OK", "text/xml", "<ConfirmSubscriptionResponse/>")
        } else {
            ("404 Not Found", "application/json", "{\"code\":404,\"message\":\"no such key\"}")
        }
    }
}

/// Reads up to the empty line of a request without a body.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut chunk) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            break;
        }
        head.extend_from_slice(&chunk[..count]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
