//! Selects events by the parameters of a query or the fields of a body.

use domain::Provider;
use jiff::Timestamp;
use serde::Deserialize;
use store::{EventFilter, EventId, FILTER_IDS_MAX, JobState};
use utoipa::ToSchema;
use webhooks::Channel;

use crate::handlers::Parameters;
use crate::handlers::parameters::{TIME, bounded, parse, unprocessable};
use crate::problem::Problem;
use crate::schemas;

/// The query parameters of a filter.
pub(super) const NAMES: [&str; 7] =
    ["provider", "channel", "event_type", "resource", "state", "received_from", "received_before"];

/// Selects the events that meet every given condition.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilterBody {
    /// One of these ids; at most 500.
    #[serde(default)]
    #[schema(max_items = 500, value_type = Vec<schemas::EventId>, example = json!(["42"]))]
    ids: Vec<String>,
    /// The provider.
    #[schema(value_type = Option<Provider>)]
    provider: Option<String>,
    /// The channel.
    #[schema(value_type = Option<schemas::Channel>)]
    channel: Option<String>,
    /// The event type, as the provider names it.
    #[schema(value_type = Option<schemas::FilterText>)]
    event_type: Option<String>,
    /// The resource that the event is about.
    #[schema(value_type = Option<schemas::FilterText>)]
    resource: Option<String>,
    /// The state of the latest job.
    #[schema(value_type = Option<schemas::JobState>)]
    state: Option<String>,
    /// Received at or after this time.
    #[schema(value_type = Option<schemas::Time>)]
    received_from: Option<String>,
    /// Received before this time.
    #[schema(value_type = Option<schemas::Time>)]
    received_before: Option<String>,
}

impl From<&Parameters> for FilterBody {
    fn from(parameters: &Parameters) -> Self {
        let text = |name: &str| parameters.text(name).map(str::to_owned);
        Self {
            ids: Vec::new(),
            provider: text("provider"),
            channel: text("channel"),
            event_type: text("event_type"),
            resource: text("resource"),
            state: text("state"),
            received_from: text("received_from"),
            received_before: text("received_before"),
        }
    }
}

impl FilterBody {
    pub(super) fn parse(self) -> Result<EventFilter, Problem> {
        if self.ids.len() > FILTER_IDS_MAX {
            return Err(unprocessable("ids", format!("must be at most {FILTER_IDS_MAX} ids")));
        }
        Ok(EventFilter {
            ids: parse_ids(&self.ids)?,
            provider: parse::<Provider>(
                "provider",
                self.provider,
                "must be the name of a provider, such as alpaca",
            )?,
            channel: parse::<Channel>("channel", self.channel, "must be a channel such as alpaca/trade")?,
            event_type: bounded("event_type", self.event_type)?,
            resource: bounded("resource", self.resource)?,
            state: parse::<JobState>(
                "state",
                self.state,
                "must be pending, leased, done, unhandled, dead or requeued",
            )?,
            received_from: parse::<Timestamp>("received_from", self.received_from, TIME)?,
            received_before: parse::<Timestamp>("received_before", self.received_before, TIME)?,
        })
    }
}

fn parse_ids(texts: &[String]) -> Result<Vec<EventId>, Problem> {
    let parse = |text: &String| text.parse().map_err(|_| unprocessable("ids", "must be ids such as 42"));
    texts.iter().map(parse).collect()
}
