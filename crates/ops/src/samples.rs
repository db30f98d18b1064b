//! Sample events of every channel, which `webhooks` declares.

use webhooks::{ChannelDeclaration, PROVIDERS, Sample};

/// A sample with its channel.
#[derive(Clone, Copy)]
pub(crate) struct ChannelSample {
    pub(crate) channel: &'static ChannelDeclaration,
    pub(crate) sample: &'static Sample,
}

impl ChannelSample {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let channels = PROVIDERS.into_iter().flat_map(|provider| provider.channels);
        channels.flat_map(|channel| channel.samples.iter().map(move |sample| Self { channel, sample }))
    }

    /// The sample of a name such as `alpaca/trade/fill`: the channel, and what happened.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::all().find(|sample| sample.name() == name)
    }

    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.channel.channel, self.sample.name)
    }
}
