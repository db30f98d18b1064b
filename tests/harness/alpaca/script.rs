//! What one connection does.

use std::time::Duration;

use super::style::Style;

#[derive(Clone, Debug)]
pub enum Behaviour {
    /// 200 and the events, with the script's faults.
    Stream(Script),
    Status {
        status: u16,
        retry_after_s: Option<u64>,
    },
    /// 302 to this location.
    Redirect(String),
    /// 200 with an HTML page, as a proxy in between would send.
    Html,
    /// No response, ever.
    Hang,
}

/// How the events of one connection are written, and what goes wrong on the way.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(super) style: Style,
    /// Each applies once so many events were sent on the connection.
    pub(super) faults: Vec<(usize, Fault)>,
}

#[derive(Clone, Debug)]
pub enum Fault {
    /// The response ends as if it were complete.
    Close,
    /// The connection breaks between two events.
    Break,
    /// The connection breaks in the middle of the next event.
    Cut,
    /// `: internal server error`, then the end.
    ServerError,
    /// So many events are dropped, which a comment says; then the stream goes on.
    Drop(usize),
    /// The same without the comment: no client can notice.
    DropSilently(usize),
    /// So many of the last events are sent again.
    Repeat(usize),
    Heartbeat,
    /// Nothing is sent for so long, not even a heartbeat.
    Silence(Duration),
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Script {
    pub fn with_style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Adds a fault that applies when `events` were sent on the connection.
    pub fn after(mut self, events: usize, fault: Fault) -> Self {
        self.faults.push((events, fault));
        self
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::Stream(Script::default())
    }
}
