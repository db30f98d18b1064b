//! Which deliveries are meant, as an operator says it.

use domain::Provider;
use jiff::Timestamp;
use store::{EventFilter, EventId, FILTER_IDS_MAX, JobState};
use webhooks::ChannelDeclaration;

use crate::failure::Failure;
use crate::named_values;

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
    /// Only of this provider
    #[arg(long, value_parser = named_values::provider())]
    provider: Option<Provider>,
    /// Only of this channel
    #[arg(long, value_parser = named_values::channel())]
    channel: Option<&'static ChannelDeclaration>,
    /// Only of this type of event, as `list` shows it
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only about this resource, as `list` shows it
    #[arg(long)]
    resource: Option<String>,
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
        let Self { provider, channel, event_type, resource, status, since, until } = self;
        provider.is_none()
            && channel.is_none()
            && event_type.is_none()
            && resource.is_none()
            && status.is_none()
            && since.is_none()
            && until.is_none()
    }

    /// The same for the store, and only these ids when there are any.
    pub(crate) fn filter(&self, ids: &[EventId]) -> Result<EventFilter, Failure> {
        if ids.len() > FILTER_IDS_MAX {
            return Err(Failure::Usage(format!("at most {FILTER_IDS_MAX} ids at once; a range says more")));
        }
        Ok(EventFilter {
            ids: ids.to_vec(),
            provider: self.provider,
            channel: self.channel.map(|declared| declared.channel),
            event_type: self.event_type.clone(),
            resource: self.resource.clone(),
            state: self.status.map(JobState::from),
            received_from: self.since,
            received_before: self.until,
        })
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "a time is written 2026-01-31T00:00:00Z".to_owned())
}

impl From<Status> for JobState {
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
