//! `investiq webhooks test-signature`: verifies a delivery from files as the server would, with the server's keys and settings,
//! and says which step failed. It stores nothing, fetches nothing and never prints a key.

mod proof;

use std::io::Read;
use std::path::{Path, PathBuf};

use ::config::{Config, Credentials};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use intake::SecretKeys;
use jiff::Timestamp;
use serde::Serialize;
use telemetry::with_causes;
use webhooks::{ChannelDeclaration, Proof, Rejection, SignatureScheme, declaration};

use self::proof::{Received, Verified};
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::place;

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel by which it was sent
    #[arg(long, value_parser = named_values::channel())]
    channel: &'static ChannelDeclaration,
    /// Its body, byte for byte
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Its headers, one `Name: value` on each line; circle/sns needs none
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
    /// For circle/direct: the public key, as Circle's API returns it
    #[arg(long, value_name = "FILE", required_if_eq("channel", "circle/direct"))]
    public_key: Option<PathBuf>,
    /// For circle/sns: the certificate that the message names
    #[arg(long, value_name = "FILE", required_if_eq("channel", "circle/sns"))]
    certificate: Option<PathBuf>,
    /// The time at which it came in; by default now
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Body<'a> {
    verified: bool,
    key_id: Option<&'a str>,
    event_type: Option<&'a str>,
    dedupe_key: Option<&'a str>,
    step: Option<&'static str>,
    reason: Option<&'static str>,
    detail: Option<String>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let config = place::load(console.environment(), None).map_err(Failure::Settings)?;
    let received = Received {
        channel: arguments.channel.channel,
        settings: config.webhooks.providers.provider(arguments.channel.channel.provider()),
        headers: arguments.headers.as_deref().map_or_else(|| Ok(HeaderMap::new()), headers)?,
        body: Bytes::from(read(&arguments.file)?),
        now: arguments.at.unwrap_or_else(|| console.now()),
    };
    let outcome = match &declaration(received.channel.provider()).proof {
        Proof::Keys { secret, format, verify, .. } => {
            let keys = SecretKeys::new(secrets(&config, console).await?.handle(secret, "ops")?, *format);
            let active = keys.active().map_err(|_| {
                let hint = format!("`investiq secrets explain {secret}` shows where it is looked up");
                Failure::Precondition(format!("no key of this provider is configured: {hint}"))
            })?;
            received.verify(*verify, active.keys())
        }
        Proof::Fetched if arguments.channel.signature == SignatureScheme::AmazonSns => {
            received.verify_sns(&read_named(arguments.certificate.as_deref())?)?
        }
        Proof::Fetched => received.verify_circle(&read_named(arguments.public_key.as_deref())?),
    };
    tell(outcome, arguments.form, console)
}

async fn secrets(config: &Config, console: &Console) -> Result<::secrets::Secrets, Failure> {
    let credentials = Credentials::load(config, console.environment()).await;
    credentials.map(|found| found.secrets).map_err(|error| Failure::Precondition(with_causes(&error)))
}

fn tell(outcome: Result<Verified, Rejection>, form: Form, console: &mut Console) -> Result<Exit, Failure> {
    let body = match &outcome {
        Ok(verified) => Body {
            verified: true,
            key_id: Some(&verified.key_id),
            event_type: Some(&verified.event_type),
            dedupe_key: Some(&verified.dedupe_key),
            step: None,
            reason: None,
            detail: None,
        },
        Err(rejection) => Body {
            verified: false,
            key_id: None,
            event_type: None,
            dedupe_key: None,
            step: Some(rejection.step().as_str()),
            reason: Some(rejection.reason()),
            detail: Some(rejection.to_string()),
        },
    };
    if form.json {
        document::answer(console, "investiq.webhooks.test-signature.v1", &body)?;
    } else {
        console.answer(&text(&outcome))?;
    }
    Ok(if outcome.is_ok() { Exit::Good } else { Exit::Found })
}

fn text(outcome: &Result<Verified, Rejection>) -> String {
    match outcome {
        Ok(Verified { key_id, event_type, dedupe_key }) => {
            format!("verified with key {key_id}: {event_type}, dedupe key {dedupe_key}\n")
        }
        Err(rejection) => {
            let (step, reason) = (rejection.step(), rejection.reason());
            format!("rejected at step {step}: {rejection} [{reason}]\n")
        }
    }
}

/// `Name: value` lines, as curl and proxies write them; a request line and empty lines are skipped.
fn headers(path: &Path) -> Result<HeaderMap, Failure> {
    let text = read(path)?;
    let text = String::from_utf8_lossy(&text);
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let header = (HeaderName::try_from(name.trim()), HeaderValue::try_from(value.trim()));
        if let (Ok(name), Ok(value)) = header {
            headers.append(name, value);
        }
    }
    Ok(headers)
}

fn read_named(path: Option<&Path>) -> Result<Vec<u8>, Failure> {
    path.map_or_else(|| Err(Failure::Usage("--public-key or --certificate is required".to_owned())), read)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: std::io::Error| Failure::Precondition(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
