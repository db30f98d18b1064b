//! Which deliveries are meant, as an operator says it.

use domain::Provider;
use jiff::Timestamp;
use store::{EventId, Filter, IDS_MAX, WorkState};

use crate::failure::Failure;

/// Whose deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProviderName {
    Alpaca,
    Bridge,
    Circle,
}

/// How far the latest work on a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Status {
    /// It waits
    Pending,
    /// A worker has it
    Leased,
    /// It is applied
    Done,
    /// It means nothing for the books
    Unhandled,
    /// It was given up
    Dead,
    /// It was given up, and then asked for again
    Requeued,
}

/// Deliveries that meet every condition that is given.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Selection {
    /// Only from this provider
    #[arg(long, value_enum)]
    source: Option<ProviderName>,
    /// Only what came in there: alpaca/trade, alpaca/nta, bridge, circle/direct, circle/sns, …
    #[arg(long, value_parser = |text: &str| text.parse::<webhooks::Channel>())]
    channel: Option<webhooks::Channel>,
    /// Only of this type of event, as `list` shows it
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only about this object, as `list` shows it
    #[arg(long)]
    object: Option<String>,
    /// Only what is so far
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Only what was received at or after this time, such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Only what was received before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

impl Selection {
    /// Whether no condition is given.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { source, channel, event_type, object, status, since, until } = self;
        source.is_none()
            && channel.is_none()
            && event_type.is_none()
            && object.is_none()
            && status.is_none()
            && since.is_none()
            && until.is_none()
    }

    /// The same for the store, and only these ids when there are any.
    pub(crate) fn filter(&self, ids: &[EventId]) -> Result<Filter, Failure> {
        if ids.len() > IDS_MAX {
            return Err(Failure::Usage(format!("at most {IDS_MAX} ids at once; a range says more")));
        }
        Ok(Filter {
            ids: ids.to_vec(),
            provider: self.source.map(Provider::from),
            channel: self.channel,
            event_type: self.event_type.clone(),
            object: self.object.clone(),
            state: self.status.map(WorkState::from),
            received_from: self.since,
            received_before: self.until,
        })
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "a time is written 2026-01-31T00:00:00Z".to_owned())
}

impl From<ProviderName> for Provider {
    fn from(name: ProviderName) -> Self {
        match name {
            ProviderName::Alpaca => Self::Alpaca,
            ProviderName::Bridge => Self::Bridge,
            ProviderName::Circle => Self::Circle,
        }
    }
}

impl From<Status> for WorkState {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Leased => Self::Leased,
            Status::Done => Self::Done,
            Status::Unhandled => Self::Unhandled,
            Status::Dead => Self::Dead,
            Status::Requeued => Self::Requeued,
        }
    }
}
