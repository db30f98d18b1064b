//! The settings of the broker's event streams.

use outbound::BaseUrl;

use super::{LIST_ITEMS_MAX, parse};

/// The event streams of Alpaca. The one of activities decides which entries are posted.
const STREAMS: [&str; 5] = ["trades", "account_status", "journals", "funding", ACTIVITIES];
pub(crate) const ACTIVITIES: &str = "activities";

settings! { read =>
    /// The broker's event streams.
    #[derive(Clone, Debug)]
    pub struct AlpacaEvents {
        /// Whether they are read.
        enabled: bool = read.get("alpaca.events.enabled", "ALPACA_EVENTS_ENABLED").flag();
        /// Scheme, host and port of the API.
        base_url: BaseUrl =
            read.get("alpaca.events.base_url", "ALPACA_EVENTS_BASE_URL")
                .required(parse::placeholder_url(), parse::url);
        /// The names of the streams to read.
        streams: Vec<&'static str> = read.get("alpaca.events.streams", "ALPACA_EVENTS_STREAMS")
            .list(LIST_ITEMS_MAX, |text| parse::one_of(text, &STREAMS));
    }
}
