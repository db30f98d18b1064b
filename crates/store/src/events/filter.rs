//! Which deliveries are meant.

use domain::Provider;
use jiff::Timestamp;
use serde::Serialize;
use webhooks::Channel;

use crate::database::Statement;
use crate::ids::EventId;
use crate::work::WorkState;

/// Ids that one filter may name.
pub const IDS_MAX: usize = 500;

/// Which deliveries are meant: those that meet every condition that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// One of these; empty means any. At most [`IDS_MAX`], the rest is not looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<EventId>,
    /// From this provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// That came in here.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "by_name")]
    pub channel: Option<Channel>,
    /// Of this type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// About this object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Whose latest work is so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<WorkState>,
    /// Received at or after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_from: Option<Timestamp>,
    /// Received before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_before: Option<Timestamp>,
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn by_name<S: serde::Serializer>(channel: &Option<Channel>, serializer: S) -> Result<S::Ok, S::Error> {
    channel.map(Channel::as_str).serialize(serializer)
}

/// Deliveries with their latest work; conditions follow.
pub(crate) const FROM: &str = " FROM webhook_events e JOIN webhook_work w ON w.id = \
    (SELECT MAX(latest.id) FROM webhook_work latest WHERE latest.event_id = e.id) WHERE TRUE";

impl Filter {
    /// Continues a statement that ends in [`FROM`].
    pub(crate) fn narrow(&self, statement: &mut Statement) {
        let Self { ids, provider, channel, event_type, object, state, received_from, received_before } = self;
        if !ids.is_empty() {
            statement.among(" AND e.id IN", ids.iter().take(IDS_MAX).map(|id| id.get()));
        }
        statement
            .given(" AND e.provider = ", provider.map(Provider::as_str))
            .given(" AND e.channel = ", channel.map(Channel::as_str))
            .given(" AND e.event_type = ", event_type.as_deref())
            .given(" AND e.object = ", object.as_deref())
            .given(" AND w.state = ", state.map(WorkState::as_str))
            .given(" AND e.received_at >= ", *received_from)
            .given(" AND e.received_at < ", *received_before);
    }
}
