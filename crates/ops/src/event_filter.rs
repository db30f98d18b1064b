//! Conditions that select stored events.

use domain::Provider;
use jiff::Timestamp;
use store::{EventFilter, EventId, FILTER_IDS_MAX, JobState};
use webhooks::ChannelDeclaration;

use crate::failure::Failure;
use crate::named_values;

/// Events must meet every condition that is given.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct FilterArguments {
    /// Only events of this provider
    #[arg(long, value_parser = named_values::provider())]
    provider: Option<Provider>,
    /// Only events of this channel
    #[arg(long, value_parser = named_values::channel())]
    channel: Option<&'static ChannelDeclaration>,
    /// Only events of this type, as `list` shows it
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only events about this resource, as `list` shows it
    #[arg(long)]
    resource: Option<String>,
    /// Only events whose latest job has this status
    #[arg(long, value_parser = named_values::job_state())]
    status: Option<JobState>,
    /// Only events received at or after this time, such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only events received before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl FilterArguments {
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

    /// The conditions and, unless `ids` is empty, only events with these ids.
    pub(crate) fn filter(&self, ids: &[EventId]) -> Result<EventFilter, Failure> {
        if ids.len() > FILTER_IDS_MAX {
            return Err(Failure::Usage(format!(
                "at most {FILTER_IDS_MAX} ids are allowed; use a time range"
            )));
        }
        Ok(EventFilter {
            ids: ids.to_vec(),
            provider: self.provider,
            channel: self.channel.map(|declared| declared.channel),
            event_type: self.event_type.clone(),
            resource: self.resource.clone(),
            state: self.status,
            received_from: self.since,
            received_before: self.until,
        })
    }
}
