//! What one connection does.

use std::time::Duration;

use super::text::Style;

/// How a connection goes.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// 200 and the events, with what the script has happen to them.
    Play(Play),
    /// Another status, with `Retry-After` or without.
    Status {
        /// The status.
        status: u16,
        /// The header's seconds.
        retry_after_s: Option<u64>,
    },
    /// 302 to this place.
    Redirect(String),
    /// 200 with a page of HTML, as a proxy in between would answer.
    Html,
    /// No answer, ever.
    Hang,
}

/// The events, and what happens to them on their way.
#[derive(Clone, Debug, Default)]
pub struct Play {
    pub(super) style: Style,
    /// Each happens when so many events were sent on the connection.
    pub(super) mishaps: Vec<(usize, Mishap)>,
}

/// What happens on a connection.
#[derive(Clone, Debug)]
pub enum Mishap {
    /// The connection ends as if nothing more were to come.
    Close,
    /// The connection breaks between two events.
    Break,
    /// The connection breaks in the middle of the next event.
    Cut,
    /// `: internal server error`, then the end.
    ServerError,
    /// So many events are left out; then it says so, and goes on.
    Drop(usize),
    /// The same, and it goes on without a word: what no client can see.
    DropSilently(usize),
    /// The last events, so many, are sent again.
    Repeat(usize),
    /// A heartbeat.
    Heartbeat,
    /// Nothing is sent for so long, not even a heartbeat.
    Silence(Duration),
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Play {
    /// Every event once, in plain style.
    #[must_use]
    pub fn well() -> Self {
        Self::default()
    }

    /// In this style.
    #[must_use]
    pub fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// This happens when `events` were sent on the connection.
    #[must_use]
    pub fn then(mut self, events: usize, mishap: Mishap) -> Self {
        self.mishaps.push((events, mishap));
        self
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::Play(Play::default())
    }
}
