//! `investiq webhooks test-signature`: verifies a delivery in files with the server's keys and settings, and shows which step
//! fails. It stores nothing, fetches nothing and never prints a key.

mod verification;

use std::path::{Path, PathBuf};

use ::config::{Config, Credentials};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use intake::SecretKeys;
use jiff::Timestamp;
use serde::Serialize;
use telemetry::with_causes;
use webhooks::{ChannelDeclaration, Proof, Rejection, SignatureScheme, declaration};

use self::verification::{Received, VerifiedDelivery};
use super::read;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq webhooks test-signature --channel alpaca/trade --file event.json --headers headers"
)]
pub(crate) struct Arguments {
    /// Channel of the delivery
    #[arg(long, value_parser = named_values::channel())]
    channel: &'static ChannelDeclaration,
    /// File with the body, byte for byte as it was sent, or - for standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// File with the headers, one `Name: value` on each line; circle/sns needs none
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
    /// For circle/direct: file with the public key, as Circle's API returns it
    #[arg(long, value_name = "FILE", required_if_eq("channel", "circle/direct"))]
    public_key: Option<PathBuf>,
    /// For circle/sns: file with the certificate that the message names
    #[arg(long, value_name = "FILE", required_if_eq("channel", "circle/sns"))]
    certificate: Option<PathBuf>,
    /// Time at which the delivery was received [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Default, Serialize)]
struct Verification<'a> {
    verified: bool,
    key_id: Option<&'a str>,
    event_type: Option<&'a str>,
    dedupe_key: Option<&'a str>,
    step: Option<&'static str>,
    reason: Option<&'static str>,
    detail: Option<String>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let config = config::load(console.environment())?;
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
                Failure::Precondition(format!("no key of this provider is configured; {hint}"))
            })?;
            received.verify(*verify, &active.keys)
        }
        Proof::Circle if arguments.channel.signature == SignatureScheme::AmazonSns => {
            received.verify_sns(&read_required(arguments.certificate.as_deref())?)?
        }
        Proof::Circle => received.verify_circle(&read_required(arguments.public_key.as_deref())?),
    };
    let schema = "investiq.webhooks.test-signature.v1";
    arguments.output.print(console, schema, &verification(&outcome), |_| text(&outcome))?;
    Ok(if outcome.is_ok() { Exit::Success } else { Exit::Findings })
}

async fn secrets(config: &Config, console: &Console) -> Result<::secrets::Secrets, Failure> {
    let credentials = Credentials::load(config, console.environment()).await;
    credentials.map(|found| found.secrets).map_err(|error| Failure::Precondition(with_causes(&error)))
}

fn verification(outcome: &Result<VerifiedDelivery, Rejection>) -> Verification<'_> {
    match outcome {
        Ok(delivery) => Verification {
            verified: true,
            key_id: Some(&delivery.key_id),
            event_type: Some(&delivery.event_type),
            dedupe_key: Some(&delivery.dedupe_key),
            ..Verification::default()
        },
        Err(rejection) => Verification {
            step: Some(rejection.step().as_str()),
            reason: Some(rejection.reason()),
            detail: Some(rejection.to_string()),
            ..Verification::default()
        },
    }
}

fn text(outcome: &Result<VerifiedDelivery, Rejection>) -> String {
    match outcome {
        Ok(VerifiedDelivery { key_id, event_type, dedupe_key }) => {
            format!("verified with key {key_id}: {event_type}, dedupe key {dedupe_key}\n")
        }
        Err(rejection) => {
            let (step, reason) = (rejection.step(), rejection.reason());
            format!("rejected at step {step}: {rejection} [{reason}]\n")
        }
    }
}

/// Parses `Name: value` lines, and skips a request line and empty lines.
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

fn read_required(path: Option<&Path>) -> Result<Vec<u8>, Failure> {
    path.map_or_else(|| Err(Failure::Usage("--public-key or --certificate is required".to_owned())), read)
}
