//! What `send` is told, and what it takes from the settings where it is told nothing.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use api_server::config::Config;

use super::Delivery;
use crate::commands::webhooks::samples;
use crate::console::Console;
use crate::document::Form;
use crate::failure::Failure;
use crate::place;
use crate::signing::{Alpaca, Bridge, Circle, MessageType, Signer, Sns, Source, Tamper};
use crate::trial_keys::{self, TrialKeys};

/// Largest body that is sent, in bytes: more than any server can be told to take.
const BODY_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Stands for standard input.
const STDIN: &str = "-";
/// A topic of Circle's sandbox (developers.circle.com, notifications quickstart).
const SANDBOX_TOPIC: &str = "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Who sends; of a sample it is known
    #[arg(long, value_enum, required_unless_present = "sample")]
    source: Option<Source>,
    /// The body: a file, or - for standard input; of circle-sns the message within the envelope
    #[arg(long, value_name = "FILE", required_unless_present = "sample", conflicts_with = "sample")]
    file: Option<PathBuf>,
    /// The body: a sample that `webhooks samples` names
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,
    /// Of alpaca the kind of event: trade, account, transfer, journal, nta, activity. Of circle-sns the type of message:
    /// Notification, SubscriptionConfirmation, UnsubscribeConfirmation
    #[arg(long)]
    kind: Option<String>,
    /// The sender's key: a file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The directory of keys that `webhooks keygen` made
    #[arg(long, value_name = "DIR", default_value = trial_keys::DIRECTORY)]
    keys: PathBuf,
    /// Of circle: the id of the key
    #[arg(long, value_name = "UUID")]
    key_id: Option<String>,
    /// Of circle-sns: the topic; without it the first that the settings name, else one of Circle's sandbox
    #[arg(long, value_name = "ARN")]
    topic: Option<String>,
    /// Of circle-sns: where the certificate lies
    #[arg(long, value_name = "URL")]
    certificate_url: Option<String>,
    /// Make one thing wrong, and fail unless the server refuses it for that
    #[arg(long, value_enum)]
    tamper: Option<Tamper>,
    /// How often it is sent
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) count: u32,
    /// Give it ids of its own each time, so that it is a new event and no copy
    #[arg(long)]
    renew: bool,
    /// The server; without it the address that the settings name
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    pub(super) form: Form,
}

impl Arguments {
    pub(super) fn delivery(&self, console: &Console) -> Result<Delivery, Failure> {
        let source = self.source()?;
        if let Some(tamper) = self.tamper.filter(|tamper| tamper.refusal(source).is_none()) {
            return Err(Failure::Usage(format!("{} has no such thing as {tamper:?}", source.as_str())));
        }
        let signer = self.signer(source, console)?;
        let signer = match self.tamper {
            Some(tamper) => signer.misled(tamper)?,
            None => signer,
        };
        Ok(Delivery { source, signer, body: self.body()?, tamper: self.tamper, is_renewed: self.renew })
    }

    fn source(&self) -> Result<Source, Failure> {
        let of_sample = match &self.sample {
            Some(name) => Source::named(samples::find(name)?.source()),
            None => None,
        };
        match (self.source, of_sample) {
            (Some(said), Some(known)) if said != known => {
                Err(Failure::Usage(format!("that sample is one of {}", known.as_str())))
            }
            (Some(source), _) | (None, Some(source)) => Ok(source),
            (None, None) => Err(Failure::Usage("--source says who sends".to_owned())),
        }
    }

    fn signer(&self, source: Source, console: &Console) -> Result<Signer, Failure> {
        let keys = TrialKeys::of(&self.keys);
        let key = |default: PathBuf| self.key.clone().unwrap_or(default);
        match source {
            Source::Alpaca => Ok(Signer::Alpaca(Alpaca::open(&key(keys.alpaca()), &self.alpaca_kind()?)?)),
            Source::Bridge => Ok(Signer::Bridge(Bridge::open(&key(keys.bridge()))?)),
            Source::Circle => {
                let id = match &self.key_id {
                    Some(id) => id.clone(),
                    None => keys.read_circle_answer()?.data.id,
                };
                Ok(Signer::Circle(Circle::open(&key(keys.circle()), &id)?))
            }
            Source::CircleSns => {
                let url = self.certificate_url.as_deref();
                let topic = self.topic(console)?;
                Ok(Signer::Sns(Sns::open(&key(keys.sns()), &topic, url, self.message_type()?)?))
            }
        }
    }

    fn alpaca_kind(&self) -> Result<String, Failure> {
        let of_sample = match &self.sample {
            Some(name) => samples::find(name)?.kind(),
            None => None,
        };
        let kind = self.kind.as_deref().or(of_sample);
        let kind = kind.ok_or_else(|| Failure::Usage("--kind says which kind of event it is".to_owned()))?;
        let kind: webhooks::alpaca::Kind =
            kind.parse().map_err(|error| Failure::Usage(format!("--kind: {error}")))?;
        Ok(kind.to_string())
    }

    fn message_type(&self) -> Result<MessageType, Failure> {
        let Some(kind) = &self.kind else { return Ok(MessageType::Notification) };
        MessageType::named(kind).ok_or_else(|| {
            let types = "Notification, SubscriptionConfirmation or UnsubscribeConfirmation";
            Failure::Usage(format!("--kind of circle-sns is {types}"))
        })
    }

    fn topic(&self, console: &Console) -> Result<String, Failure> {
        if let Some(topic) = &self.topic {
            return Ok(topic.clone());
        }
        let topics = settings(console)?.deliveries.circle.topics;
        Ok(topics.first().map_or_else(|| SANDBOX_TOPIC.to_owned(), ToString::to_string))
    }

    fn body(&self) -> Result<Vec<u8>, Failure> {
        if let Some(name) = &self.sample {
            return Ok(samples::find(name)?.body.as_bytes().to_vec());
        }
        let path = self.file.clone().unwrap_or_else(|| PathBuf::from(STDIN));
        let failed =
            |error: std::io::Error| Failure::Precondition(format!("reading {}: {error}", path.display()));
        let source: Box<dyn Read> = match path.to_str() == Some(STDIN) {
            true => Box::new(std::io::stdin().lock()),
            false => Box::new(std::fs::File::open(&path).map_err(failed)?),
        };
        let mut body = Vec::new();
        source.take(BODY_BYTES_MAX).read_to_end(&mut body).map_err(failed)?;
        Ok(body)
    }

    pub(super) fn base_url(&self, console: &Console) -> Result<String, Failure> {
        if let Some(url) = &self.url {
            return Ok(url.trim_end_matches('/').to_owned());
        }
        Ok(format!("http://{}", reachable(settings(console)?.bind_address)))
    }
}

/// An address that says "all of this machine's" is reached on the loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
        false => address,
    }
}

fn settings(console: &Console) -> Result<Config, Failure> {
    place::load(console.environment(), None).map_err(Failure::Settings)
}
