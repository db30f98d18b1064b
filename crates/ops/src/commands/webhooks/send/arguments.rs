//! The arguments of `send`, and the defaults that it takes from the settings.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use config::Config;
use domain::Provider;
use webhooks::circle::TOPICS;
use webhooks::{ChannelDeclaration, ENDPOINTS_PATH, SignatureScheme, declaration};

use super::Delivery;
use crate::commands::webhooks::samples;
use crate::console::Console;
use crate::dev_keys::{self, DevKeys};
use crate::document::Form;
use crate::failure::Failure;
use crate::named_values;
use crate::place;
use crate::signing::{Bridge, Circle, MessageType, Signer, Sns, Tamper, TimedHmac};

/// Largest body that is sent, in bytes: more than any server can be configured to accept.
const BODY_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Stands for standard input.
const STDIN: &str = "-";
/// A topic of Circle's sandbox (developers.circle.com, notifications quickstart).
const SANDBOX_TOPIC: &str = "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The channel by which it is sent; a sample has its own
    #[arg(long, value_parser = named_values::channel(), required_unless_present = "sample", conflicts_with = "sample")]
    channel: Option<&'static ChannelDeclaration>,
    /// The body: a file, or - for standard input; for circle/sns the message within the envelope
    #[arg(long, value_name = "FILE", required_unless_present = "sample", conflicts_with = "sample")]
    file: Option<PathBuf>,
    /// The body: a sample that `webhooks samples` lists
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,
    /// For circle/sns: Notification, SubscriptionConfirmation or UnsubscribeConfirmation
    #[arg(long, value_name = "TYPE")]
    message_type: Option<String>,
    /// The sender's key: a file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The directory of keys that `webhooks keygen` created
    #[arg(long, value_name = "DIR", default_value = dev_keys::DIRECTORY)]
    keys: PathBuf,
    /// For circle/direct: the id of the key
    #[arg(long, value_name = "UUID")]
    key_id: Option<String>,
    /// For circle/sns: the topic; by default the first that is configured, else one of Circle's sandbox
    #[arg(long, value_name = "ARN")]
    topic: Option<String>,
    /// For circle/sns: the URL of the certificate
    #[arg(long, value_name = "URL")]
    certificate_url: Option<String>,
    /// Make one thing wrong, and fail unless the server rejects it for that
    #[arg(long, value_enum)]
    tamper: Option<Tamper>,
    /// How many times it is sent
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) count: u32,
    /// Give it new ids each time, so that it is a new event and not a copy
    #[arg(long)]
    renew: bool,
    /// The server; by default at the address that is configured
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    pub(super) form: Form,
}

impl Arguments {
    pub(super) fn delivery(&self, console: &Console) -> Result<Delivery, Failure> {
        let channel = self.channel()?;
        if let Some(tamper) = self.tamper.filter(|tamper| tamper.reason(channel).is_none()) {
            return Err(Failure::Usage(format!("--tamper {tamper:?} does not apply to {}", channel.channel)));
        }
        if self.message_type.is_some() && channel.signature != SignatureScheme::AmazonSns {
            return Err(Failure::Usage(format!("--message-type does not apply to {}", channel.channel)));
        }
        let signer = self.signer(channel, console)?;
        let signer = match self.tamper {
            Some(tamper) => signer.tampered(tamper)?,
            None => signer,
        };
        Ok(Delivery { channel, signer, body: self.body()?, tamper: self.tamper, has_fresh_ids: self.renew })
    }

    fn channel(&self) -> Result<&'static ChannelDeclaration, Failure> {
        match (self.channel, &self.sample) {
            (Some(channel), _) => Ok(channel),
            (None, Some(name)) => Ok(samples::find(name)?.channel),
            (None, None) => Err(Failure::Usage("--channel is required".to_owned())),
        }
    }

    fn signer(&self, declared: &ChannelDeclaration, console: &Console) -> Result<Signer, Failure> {
        let keys = DevKeys::new(&self.keys);
        let key = |default: PathBuf| self.key.clone().unwrap_or(default);
        let provider = declared.channel.provider();
        match declared.signature {
            SignatureScheme::TimedHmac { header } => {
                let path = format!("{ENDPOINTS_PATH}{}", declared.channel.endpoint());
                let secret = declaration(provider).secret().unwrap_or_default();
                TimedHmac::open(&key(keys.secret(secret)), header, path).map(Signer::TimedHmac)
            }
            SignatureScheme::BridgeRsa => Bridge::open(&key(keys.private(provider))).map(Signer::Bridge),
            SignatureScheme::CircleEcdsa => {
                let id = match &self.key_id {
                    Some(id) => id.clone(),
                    None => keys.read_circle_response()?.data.id,
                };
                Circle::open(&key(keys.private(provider)), &id).map(Signer::Circle)
            }
            SignatureScheme::AmazonSns => {
                let (topic, url) = (self.topic(console)?, self.certificate_url.as_deref());
                Sns::open(&key(keys.sns()), &topic, url, self.message_type()?).map(Signer::Sns)
            }
        }
    }

    fn message_type(&self) -> Result<MessageType, Failure> {
        let Some(name) = &self.message_type else { return Ok(MessageType::Notification) };
        MessageType::parse(name).ok_or_else(|| {
            let types = "Notification, SubscriptionConfirmation or UnsubscribeConfirmation";
            Failure::Usage(format!("--message-type must be {types}"))
        })
    }

    fn topic(&self, console: &Console) -> Result<String, Failure> {
        if let Some(topic) = &self.topic {
            return Ok(topic.clone());
        }
        let config = settings(console)?;
        let topics = config.webhooks.providers.provider(Provider::Circle).list(&TOPICS);
        Ok(topics.first().map_or_else(|| SANDBOX_TOPIC.to_owned(), String::clone))
    }

    fn body(&self) -> Result<Vec<u8>, Failure> {
        if let Some(name) = &self.sample {
            return Ok(samples::find(name)?.sample.body.as_bytes().to_vec());
        }
        let path = self.file.clone().unwrap_or_else(|| PathBuf::from(STDIN));
        let failed =
            |error: std::io::Error| Failure::Precondition(format!("cannot read {}: {error}", path.display()));
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

/// An unspecified address is reached on the loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
        false => address,
    }
}

fn settings(console: &Console) -> Result<Config, Failure> {
    place::load(console.environment(), None).map_err(Failure::Settings)
}
