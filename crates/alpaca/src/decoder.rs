//! Decodes server-sent events into records and comments, within bounds, by "event stream interpretation" of the HTML
//! standard.
//!
//! The maintained decoders (`eventsource-stream`, `sse-stream`) discard comments, in which Alpaca reports dropped records,
//! and bound neither a line nor a record. Event names, `id:` and `retry:` are ignored: ids are in the JSON, and pauses are
//! settings.

use bytes::{Buf, Bytes};
use memchr::{memchr, memchr2};

use crate::batch::RECORD_BYTES_MAX;

/// Longer lines are cut: a record's bytes after `data: `.
const LINE_BYTES_MAX: usize = RECORD_BYTES_MAX + "data: ".len();
/// Longer comments are cut.
const COMMENT_BYTES_MAX: usize = 256;
/// Allowed before the first line.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// The data of a complete record.
    Data(Bytes),
    /// A record beyond the bound was skipped.
    TooLarge,
    /// The text after the colon.
    Comment(String),
}

/// Carries an incomplete line and record from one piece of input to the next.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    line: Vec<u8>,
    is_line_cut: bool,
    /// The last line ended with a carriage return, so that a line feed now belongs to it.
    is_after_return: bool,
    is_started: bool,
    /// The data lines so far, joined by line feeds.
    data: Option<Vec<u8>>,
    is_too_large: bool,
}

impl Decoder {
    /// Consumes `input` until an item is complete; `None` when all of it is consumed.
    pub(crate) fn next(&mut self, input: &mut Bytes) -> Option<Item> {
        while self.complete_line(input) {
            let mut line = std::mem::take(&mut self.line);
            let item = self.interpret(&line);
            line.clear();
            // Reuses the allocation.
            self.line = line;
            self.is_line_cut = false;
            if item.is_some() {
                return item;
            }
        }
        None
    }

    /// Consumes up to the end of a line, and returns whether it was reached. Lines end with CR, LF or both.
    fn complete_line(&mut self, input: &mut Bytes) -> bool {
        if self.is_after_return && input.has_remaining() {
            self.is_after_return = false;
            if input[0] == b'\n' {
                input.advance(1);
            }
        }
        let end = memchr2(b'\r', b'\n', input);
        let part = input.split_to(end.unwrap_or(input.len()));
        let length = part.len().min(LINE_BYTES_MAX - self.line.len());
        self.line.extend_from_slice(&part[..length]);
        self.is_line_cut |= length < part.len();
        if end.is_none() {
            return false;
        }
        self.is_after_return = input.get_u8() == b'\r';
        true
    }

    fn interpret(&mut self, line: &[u8]) -> Option<Item> {
        let is_first = !std::mem::replace(&mut self.is_started, true);
        let line = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first).unwrap_or(line);
        match line {
            [] => self.dispatch(),
            [b':', comment @ ..] => {
                let comment = &comment[..comment.len().min(COMMENT_BYTES_MAX)];
                Some(Item::Comment(String::from_utf8_lossy(comment).into_owned()))
            }
            field => {
                self.field(field);
                None
            }
        }
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        if name != b"data" {
            return;
        }
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let joined = self.data.as_ref().map_or(0, |data| data.len() + 1) + value.len();
        if self.is_line_cut || joined > RECORD_BYTES_MAX {
            self.is_too_large = true;
        }
        if self.is_too_large {
            self.data = None;
            return;
        }
        match &mut self.data {
            None => self.data = Some(value.to_vec()),
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
        }
    }

    /// An empty line completes the record, if there is one.
    fn dispatch(&mut self) -> Option<Item> {
        let data = self.data.take().filter(|data| !data.is_empty());
        if std::mem::take(&mut self.is_too_large) {
            return Some(Item::TooLarge);
        }
        data.map(|data| Item::Data(data.into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<Item> {
        let mut decoder = Decoder::default();
        let mut items = Vec::new();
        for piece in pieces {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(item) = decoder.next(&mut input) {
                items.push(item);
            }
            assert!(input.is_empty(), "everything is consumed");
        }
        items
    }

    fn data(text: &str) -> Item {
        Item::Data(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn comment(text: &str) -> Item {
        Item::Comment(text.to_owned())
    }

    #[test]
    fn the_examples_of_the_standard_are_decoded() {
        // html.spec.whatwg.org, "9.2.6 Interpreting an event stream".
        for (text, items) in [
            ("data: YHOO\ndata: +2\ndata: 10\n\n", vec![data("YHOO\n+2\n10")]),
            (
                ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
                vec![
                    comment(" test stream"),
                    data("first event"),
                    data("second event"),
                    data(" third event"),
                ],
            ),
            // The standard dispatches the first record, which is empty, too: Alpaca never sends one.
            ("data\n\ndata\ndata\n\ndata:", vec![data("\n")]),
            ("data:test\n\ndata: test\n\n", vec![data("test"), data("test")]),
        ] {
            assert_eq!(decode(&[text.as_bytes()]), items, "{text}");
        }
    }

    #[test]
    fn lines_end_in_three_ways_and_an_unfinished_record_is_ignored() {
        for text in ["data: a\r\ndata: b\r\n\r\n", "data: a\rdata: b\r\r", "data: a\ndata: b\r\n\n"] {
            assert_eq!(decode(&[text.as_bytes()]), [data("a\nb")], "{text:?}");
        }
        assert_eq!(decode(&[b"data: a\n"]), []);
        assert_eq!(decode(&["\u{feff}data: a\n\n\u{feff}data: b\n\n".as_bytes()]), [data("a")]);
    }

    #[test]
    fn a_comment_within_a_record_does_not_end_it() {
        let items = decode(&[b"event: trade\ndata: {\n:heartbeat\ndata: }\nretry: 5\n\n"]);
        assert_eq!(items, [comment("heartbeat"), data("{\n}")]);
    }

    #[test]
    fn records_above_the_bound_are_skipped() {
        let record = |bytes: usize| format!("data: {}\n\n", "x".repeat(bytes));
        let text = record(RECORD_BYTES_MAX) + &record(RECORD_BYTES_MAX + 1) + "data: after\n\n";
        let items = decode(&[text.as_bytes()]);
        assert_eq!(items, [data(&"x".repeat(RECORD_BYTES_MAX)), Item::TooLarge, data("after")]);
        // Many short lines are one long record.
        let lines = "data:\n".repeat(RECORD_BYTES_MAX + 2) + "\ndata: after\n\n";
        assert_eq!(decode(&[lines.as_bytes()]), [Item::TooLarge, data("after")]);
    }

    #[test]
    fn an_endless_line_is_cut() {
        let mut decoder = Decoder::default();
        for _ in 0..100 {
            let mut input = Bytes::from(vec![b'x'; RECORD_BYTES_MAX]);
            assert_eq!(decoder.next(&mut input), None);
        }
        assert!(decoder.line.capacity() <= 2 * LINE_BYTES_MAX, "{}", decoder.line.capacity());
        let mut rest = Bytes::from_static(b"\n\ndata: after\n\n");
        assert_eq!(decoder.next(&mut rest), Some(data("after")), "an unknown field is not a record");
    }

    #[test]
    fn a_long_comment_is_cut_and_the_next_record_is_decoded() {
        let text = format!(":{}\ndata: a\n\n", "y".repeat(3 * LINE_BYTES_MAX));
        assert_eq!(decode(&[text.as_bytes()]), [comment(&"y".repeat(COMMENT_BYTES_MAX)), data("a")]);
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_are_decoded_like_the_whole(
            text in "(data|data: |:|id|x|\r\n|\n|\r|a|ä|\u{feff}| ){0,60}",
            cuts in proptest::collection::vec(1_usize..9, 0..200),
        ) {
            let whole = decode(&[text.as_bytes()]);
            let mut rest = text.as_bytes();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(decode(&pieces), whole);
        }

        #[test]
        fn any_bytes_are_consumed(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            decode(&[&bytes]);
        }
    }
}
