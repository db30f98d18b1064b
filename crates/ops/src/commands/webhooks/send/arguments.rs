//! The arguments of `send`, and their defaults from the settings.

use std::path::PathBuf;

use domain::Provider;
use webhooks::circle::TOPICS;
use webhooks::{ChannelDeclaration, ENDPOINTS_PATH, SignatureScheme, declaration};

use super::super::{STDIN, read, samples};
use super::Delivery;
use crate::console::Console;
use crate::dev_keys::{self, DevKeys};
use crate::failure::Failure;
use crate::named_values;
use crate::output::OutputFormat;
use crate::signing::{Bridge, Circle, MessageType, Signer, Sns, Tamper, TimedHmac};

/// A topic of Circle's sandbox (developers.circle.com, notifications quickstart).
const SANDBOX_TOPIC: &str = "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq webhooks send --sample alpaca/trade/fill\n  investiq webhooks send --sample bridge/transfer.created --tamper stale\n  investiq webhooks send --channel circle/direct --file event.json"
)]
pub(crate) struct Arguments {
    /// Channel of the delivery; a sample has its own
    #[arg(long, value_parser = named_values::channel(), required_unless_present = "sample", conflicts_with = "sample")]
    channel: Option<&'static ChannelDeclaration>,
    /// File with the body, or - for standard input; for circle/sns, the message within the envelope
    #[arg(long, value_name = "FILE", required_unless_present = "sample", conflicts_with = "sample")]
    file: Option<PathBuf>,
    /// Sample to send; `webhooks samples` lists them
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,
    /// For circle/sns: Notification, SubscriptionConfirmation or UnsubscribeConfirmation [default: Notification]
    #[arg(long, value_name = "TYPE")]
    message_type: Option<String>,
    /// File with the sender's key [default: the one in the directory of keys]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Directory of the keys of `webhooks keygen`
    #[arg(long, value_name = "DIR", default_value = dev_keys::DIRECTORY)]
    keys: PathBuf,
    /// For circle/direct: id of the key
    #[arg(long, value_name = "UUID")]
    key_id: Option<String>,
    /// For circle/sns: topic [default: the first configured, or Circle's sandbox]
    #[arg(long, value_name = "ARN")]
    topic: Option<String>,
    /// For circle/sns: URL of the certificate
    #[arg(long, value_name = "URL")]
    certificate_url: Option<String>,
    /// Make one thing wrong, and fail unless the server rejects the delivery for that reason
    #[arg(long, value_parser = named_values::tamper())]
    tamper: Option<Tamper>,
    /// Number of times to send it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) count: u32,
    /// Give it fresh ids each time, so that it is not a duplicate
    #[arg(long)]
    fresh_ids: bool,
    /// URL of the server [default: the configured address on this machine]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    pub(super) output: OutputFormat,
}

impl Arguments {
    pub(super) fn delivery(&self, console: &Console) -> Result<Delivery, Failure> {
        let channel = self.channel()?;
        if let Some(tamper) = self.tamper.filter(|tamper| tamper.reason(channel).is_none()) {
            let scope = tamper.scope();
            return Err(Failure::Usage(format!(
                "--tamper: this applies to {scope}, not to {}",
                channel.channel
            )));
        }
        if self.message_type.is_some() && channel.signature != SignatureScheme::AmazonSns {
            return Err(Failure::Usage(format!("--message-type does not apply to {}", channel.channel)));
        }
        let signer = self.signer(channel, console)?;
        let signer = match self.tamper {
            Some(tamper) => signer.tampered(tamper)?,
            None => signer,
        };
        Ok(Delivery {
            channel,
            signer,
            body: self.body()?,
            tamper: self.tamper,
            has_fresh_ids: self.fresh_ids,
        })
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
        let config = config::load(console.environment())?;
        let topics = config.webhooks.providers.provider(Provider::Circle).list(&TOPICS);
        Ok(topics.first().map_or_else(|| SANDBOX_TOPIC.to_owned(), String::clone))
    }

    fn body(&self) -> Result<Vec<u8>, Failure> {
        if let Some(name) = &self.sample {
            return Ok(samples::find(name)?.sample.body.as_bytes().to_vec());
        }
        read(&self.file.clone().unwrap_or_else(|| PathBuf::from(STDIN)))
    }

    pub(super) fn base_url(&self, console: &Console) -> Result<String, Failure> {
        match &self.url {
            Some(url) => Ok(url.trim_end_matches('/').to_owned()),
            None => Ok(config::load(console.environment())?.local_url()),
        }
    }
}
