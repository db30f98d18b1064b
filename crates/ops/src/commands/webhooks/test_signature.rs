//! `investiq webhooks test-signature`: proves a delivery that lies in files as the server would, with the server's keys and
//! settings, and says which step failed. It keeps nothing, fetches nothing and never shows a key.

mod proof;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api_server::assembly;
use api_server::config::Config;
use api_server::deliveries::{ALPACA_KEYS, BRIDGE_KEYS, InForce, Reading, SecretKeys};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::Serialize;
use webhooks::circle::sns;
use webhooks::{Rejection, alpaca};

use self::proof::{Proved, Received};
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place;
use crate::signing::Source;
use api_server::logs::with_causes;

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Who is said to have sent it
    #[arg(long, value_enum)]
    source: Source,
    /// Of alpaca: the kind of event that its path names
    #[arg(long, required_if_eq("source", "alpaca"))]
    kind: Option<alpaca::Kind>,
    /// Its body, byte for byte
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Its headers, one `Name: value` on each line; circle-sns needs none
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
    /// Of circle: its public key, as Circle answers a question for it
    #[arg(long, value_name = "FILE", required_if_eq("source", "circle"))]
    public_key: Option<PathBuf>,
    /// Of circle-sns: the certificate that it names
    #[arg(long, value_name = "FILE", required_if_eq("source", "circle-sns"))]
    certificate: Option<PathBuf>,
    /// When it is taken to have come; without it now
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Body<'a> {
    proved: bool,
    key_id: Option<&'a str>,
    event_type: Option<&'a str>,
    dedupe_key: Option<&'a str>,
    step: Option<&'static str>,
    reason: Option<&'static str>,
    detail: Option<String>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let config = place::load(console.environment(), None).map_err(Failure::Settings)?;
    let delivery = Received {
        headers: arguments.headers.as_deref().map_or_else(|| Ok(HeaderMap::new()), headers)?,
        body: Bytes::from(read(&arguments.file)?),
        now: arguments.at.unwrap_or_else(|| console.now()),
    };
    let outcome = match arguments.source {
        Source::Alpaca => {
            let kind = arguments.kind.ok_or_else(|| Failure::Usage("--kind says which path".to_owned()))?;
            let keys = keys("alpaca_webhook_secret", ALPACA_KEYS, &config, console).await?;
            delivery.by_alpaca(keys.keys(), config.deliveries.alpaca, kind)
        }
        Source::Bridge => {
            let keys = keys("bridge_webhook_secret", BRIDGE_KEYS, &config, console).await?;
            delivery.by_bridge(keys.keys(), config.deliveries.bridge)
        }
        Source::Circle => delivery.by_circle(&read_named(arguments.public_key.as_deref())?),
        Source::CircleSns => {
            delivery.by_sns(&read_named(arguments.certificate.as_deref())?, &topics(&config)?)
        }
    };
    tell(outcome, arguments.form, console)
}

/// The keys in force, read from the secret as the server reads them.
async fn keys<K: Clone>(
    secret: &str,
    reading: Reading<K>,
    config: &Config,
    console: &Console,
) -> Result<Arc<InForce<K>>, Failure> {
    let found = assembly::secrets(config, console.environment()).await;
    let found = found.map_err(|error| Failure::Precondition(with_causes(&error)))?;
    let keys = SecretKeys::new(found.secrets.handle(secret, "ops")?, reading);
    keys.now().map_err(|_| {
        let hint = format!("`investiq secrets explain {secret}` says where it is looked for");
        Failure::Precondition(format!("there is no key of this source: {hint}"))
    })
}

fn topics(config: &Config) -> Result<sns::Topics, Failure> {
    let topics: Vec<&str> = config.deliveries.circle.topics.iter().map(sns::TopicArn::as_str).collect();
    if topics.is_empty() {
        let message = "CIRCLE_SNS_TOPICS is empty: the server accepts no topic";
        return Err(Failure::Precondition(message.to_owned()));
    }
    sns::Topics::parse(&topics.join(",")).map_err(|error| Failure::Precondition(error.to_string()))
}

fn tell(outcome: Result<Proved, Rejection>, form: Form, console: &mut Console) -> Result<Exit, Failure> {
    let body = match &outcome {
        Ok(proved) => Body {
            proved: true,
            key_id: Some(&proved.key_id),
            event_type: Some(&proved.event_type),
            dedupe_key: Some(&proved.dedupe_key),
            step: None,
            reason: None,
            detail: None,
        },
        Err(rejection) => Body {
            proved: false,
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

fn text(outcome: &Result<Proved, Rejection>) -> String {
    match outcome {
        Ok(Proved { key_id, event_type, dedupe_key }) => {
            format!("proved by {key_id}: {event_type}, kept once as {dedupe_key}\n")
        }
        Err(rejection) => {
            let (step, reason) = (rejection.step(), rejection.reason());
            format!("refused at step {step}: {rejection} [{reason}]\n")
        }
    }
}

/// `Name: value` lines, as curl and proxies write them; a request line and empty lines are passed over.
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
    path.map_or_else(|| Err(Failure::Usage("the key of this source is named by a file".to_owned())), read)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: std::io::Error| Failure::Precondition(format!("reading {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
