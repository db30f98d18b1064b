//! Filters of events.

use domain::Provider;
use jiff::Timestamp;
use serde::Serialize;
use webhooks::Channel;

use crate::database::Statement;
use crate::ids::EventId;
use crate::jobs::JobState;

/// Most ids of one filter.
pub const FILTER_IDS_MAX: usize = 500;

/// Selects the events that meet every given condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EventFilter {
    /// One of these; empty means any. Only the first [`FILTER_IDS_MAX`] count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<EventId>,
    /// From this provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// Received on this channel.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "channel_name")]
    pub channel: Option<Channel>,
    /// Of exactly this type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// About exactly this resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// With a latest job in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Received at or after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_from: Option<Timestamp>,
    /// Received before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_before: Option<Timestamp>,
}

#[expect(clippy::ref_option, reason = "the signature that serde requires")]
fn channel_name<S: serde::Serializer>(channel: &Option<Channel>, serializer: S) -> Result<S::Ok, S::Error> {
    channel.map(Channel::as_str).serialize(serializer)
}

/// Events with their latest jobs; conditions follow.
pub(super) const WITH_LATEST_JOB: &str = " FROM webhook_events e JOIN webhook_jobs j ON j.id = \
    (SELECT MAX(latest.id) FROM webhook_jobs latest WHERE latest.event_id = e.id) WHERE TRUE";

impl EventFilter {
    /// Adds the conditions to a statement that selects from events `e` and their latest jobs `j`.
    pub(crate) fn apply(&self, statement: Statement) -> Statement {
        let Self { ids, provider, channel, event_type, resource, state, received_from, received_before } =
            self;
        let statement = if ids.is_empty() {
            statement
        } else {
            let ids = ids.iter().take(FILTER_IDS_MAX).map(|id| id.get());
            statement.push_sql(" AND e.id IN").push_in(ids)
        };
        statement
            .push_optional(" AND e.provider = ", provider.map(Provider::as_str))
            .push_optional(" AND e.channel = ", channel.map(Channel::as_str))
            .push_optional(" AND e.event_type = ", event_type.as_deref())
            .push_optional(" AND e.resource = ", resource.as_deref())
            .push_optional(" AND j.state = ", state.map(<&str>::from))
            .push_optional(" AND e.received_at >= ", *received_from)
            .push_optional(" AND e.received_at < ", *received_before)
    }
}
