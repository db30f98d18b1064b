//! How events look on the wire.

use std::time::Duration;

use serde_json::Value;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    #[default]
    Lf,
    CrLf,
    Cr,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    pub line_end: LineEnd,
    /// Whether an event's JSON takes several lines, each a `data:` of its own.
    pub is_multi_line: bool,
    /// Whether heartbeats come within an event.
    pub is_interrupted: bool,
    /// Bytes sent at once; `None` sends each event as a whole.
    pub piece_bytes: Option<usize>,
    /// Wait after each piece.
    pub piece_wait: Duration,
}

impl LineEnd {
    const fn text(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }
}

impl Style {
    pub(super) fn comment(&self, text: &str) -> Vec<u8> {
        let end = self.line_end.text();
        format!(":{text}{end}{end}").into_bytes()
    }

    pub(super) fn event(&self, json: &str) -> Vec<u8> {
        let end = self.line_end.text();
        let mut text = format!("event: message{end}");
        for line in self.lines(json).lines() {
            text.push_str(&format!("data: {line}{end}"));
            if self.is_interrupted {
                text.push_str(&format!(":heartbeat{end}"));
            }
        }
        text.push_str(end);
        text.into_bytes()
    }

    fn lines(&self, json: &str) -> String {
        if !self.is_multi_line {
            return json.to_owned();
        }
        let value: Value = serde_json::from_str(json).expect("an event is JSON");
        serde_json::to_string_pretty(&value).expect("JSON is written")
    }

    pub(super) fn pieces<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Send {
        bytes.chunks(self.piece_bytes.unwrap_or(bytes.len()).max(1))
    }
}
