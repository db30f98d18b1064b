//! Comments of a stream: Alpaca reports drops and errors in them.

/// The meaning of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Alpaca left out records because we read too slowly; the number, if reported.
    Dropped(Option<u64>),
    /// Alpaca failed and is about to close the connection.
    ServerError,
    /// A heartbeat, a welcome, or an unknown text.
    Alive,
}

impl Notice {
    /// Any text that may mean loss counts as a drop: an unnecessary replay costs little.
    pub(crate) fn parse(comment: &str) -> Self {
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
    fn comments_are_classified() {
        for (comment, notice) in [
            ("heartbeat", Notice::Alive),
            (" welcome to the Alpaca events", Notice::Alive),
            ("", Notice::Alive),
            (" you are reading too slowly, dropped 10000 messages", Notice::Dropped(Some(10_000))),
            ("You are reading too slowly", Notice::Dropped(None)),
            ("dropped 99999999999999999999999 messages", Notice::Dropped(None)),
            (" internal server error", Notice::ServerError),
        ] {
            assert_eq!(Notice::parse(comment), notice, "{comment}");
        }
    }
}
