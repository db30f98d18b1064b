//! Which deliveries are meant, from a query or from a body.

use std::str::FromStr;

use domain::Provider;
use jiff::Timestamp;
use serde::Deserialize;
use store::{EventId, Filter, IDS_MAX, WorkState};
use utoipa::ToSchema;
use webhooks::Channel;

use crate::handlers::Parameters;
use crate::handlers::parameters::unprocessable;
use crate::problem::Problem;

/// Longest type of an event and longest object that can be asked for, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// The names of the parameters of a filter.
pub(super) const NAMES: [&str; 7] =
    ["source", "channel", "event_type", "object", "state", "received_from", "received_before"];

/// Which deliveries are meant: those that meet every condition that is given.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterBody {
    /// One of these; at most 500.
    #[serde(default)]
    #[schema(max_items = 500, example = json!(["42"]))]
    ids: Vec<String>,
    /// `alpaca`, `bridge` or `circle`.
    #[schema(example = "alpaca")]
    source: Option<String>,
    /// Where they came in, such as `alpaca/trade`.
    #[schema(example = "alpaca/trade")]
    channel: Option<String>,
    /// Of this type.
    #[schema(max_length = 256)]
    event_type: Option<String>,
    /// About this object.
    #[schema(max_length = 256)]
    object: Option<String>,
    /// Whose latest work is so far.
    #[schema(example = "done")]
    state: Option<String>,
    /// Received at or after this time.
    #[schema(format = DateTime, example = "2026-01-02T00:00:00Z")]
    received_from: Option<String>,
    /// Received before this time.
    #[schema(format = DateTime, example = "2026-01-03T00:00:00Z")]
    received_before: Option<String>,
}

impl FilterBody {
    /// The filter of a query.
    pub(super) fn of(parameters: &Parameters) -> Self {
        let text = |name: &str| parameters.text(name).map(str::to_owned);
        Self {
            ids: Vec::new(),
            source: text("source"),
            channel: text("channel"),
            event_type: text("event_type"),
            object: text("object"),
            state: text("state"),
            received_from: text("received_from"),
            received_before: text("received_before"),
        }
    }

    /// The same, read.
    pub(super) fn read(self) -> Result<Filter, Problem> {
        if self.ids.len() > IDS_MAX {
            return Err(unprocessable("ids", format!("at most {IDS_MAX}")));
        }
        Ok(Filter {
            ids: ids(&self.ids)?,
            provider: parsed::<Provider>("source", self.source, "must be alpaca, bridge or circle")?,
            channel: parsed::<Channel>("channel", self.channel, "must be a channel such as alpaca/trade")?,
            event_type: bounded("event_type", self.event_type)?,
            object: bounded("object", self.object)?,
            state: parsed::<WorkState>(
                "state",
                self.state,
                "must be pending, leased, done, unhandled, dead or requeued",
            )?,
            received_from: parsed::<Timestamp>("received_from", self.received_from, TIME)?,
            received_before: parsed::<Timestamp>("received_before", self.received_before, TIME)?,
        })
    }
}

const TIME: &str = "must be a time such as 2026-01-02T15:04:05Z";

fn ids(texts: &[String]) -> Result<Vec<EventId>, Problem> {
    let read = |text: &String| text.parse().map_err(|_| unprocessable("ids", "must be ids such as 42"));
    texts.iter().map(read).collect()
}

fn parsed<T: FromStr>(
    name: &str,
    text: Option<String>,
    expected: &'static str,
) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|_| unprocessable(name, expected))).transpose()
}

/// A text that every database can compare with.
fn bounded(name: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    match &text {
        Some(given) if given.len() > TEXT_BYTES_MAX || given.contains('\0') => {
            Err(unprocessable(name, format!("must be at most {TEXT_BYTES_MAX} bytes without NUL")))
        }
        Some(_) | None => Ok(text),
    }
}
