//! What the broker says beside the records, in comments.

/// The sense of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Records were left out because we read too slowly: how many, where it says.
    Dropped(Option<u64>),
    /// The broker failed and is about to close the connection.
    ServerError,
    /// The connection is alive: a heartbeat, a welcome, or words that we do not know.
    Alive,
}

impl Notice {
    /// Words that may speak of loss are taken to: a replay too many costs little.
    pub(crate) fn read(comment: &str) -> Self {
        let comment = comment.to_ascii_lowercase();
        if comment.contains("dropped") || comment.contains("too slow") {
            return Self::Dropped(comment.split_whitespace().find_map(|word| word.parse().ok()));
        }
        if comment.contains("server error") { Self::ServerError } else { Self::Alive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_understood() {
        for (comment, notice) in [
            ("heartbeat", Notice::Alive),
            (" welcome to the Alpaca events", Notice::Alive),
            ("", Notice::Alive),
            (" you are reading too slowly, dropped 10000 messages", Notice::Dropped(Some(10_000))),
            ("You are reading too slowly", Notice::Dropped(None)),
            ("dropped 99999999999999999999999 messages", Notice::Dropped(None)),
            (" internal server error", Notice::ServerError),
        ] {
            assert_eq!(Notice::read(comment), notice, "{comment}");
        }
    }
}
