use std::collections::VecDeque;

use super::*;

const GET: &str = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &str =
    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n";
const SUBSTITUTE: &str = " HTTP/1.1\r\nhost: rejected\r\nconnection: close\r\n\r\n";

/// A socket that returns one piece per read, and then is pending.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.0.pop_front() else { return Poll::Pending };
        let length = piece.len().min(buffer.remaining());
        buffer.put_slice(&piece[..length]);
        if length < piece.len() {
            self.0.push_front(piece.split_off(length));
        }
        Poll::Ready(Ok(()))
    }
}

#[derive(Debug, PartialEq)]
struct Output {
    text: String,
    error: Option<HeadError>,
    is_broken: bool,
}

/// The output of a stream that arrives in these pieces and is read in buffers of `read_bytes`.
fn through(pieces: impl IntoIterator<Item = Vec<u8>>, read_bytes: usize) -> Output {
    let connection = Arc::new(Connection::new(([127, 0, 0, 1], 1).into()));
    let mut strict = StrictHttp1::new(
        Pieces(pieces.into_iter().filter(|piece| !piece.is_empty()).collect()),
        Arc::clone(&connection),
    );
    let mut context = Context::from_waker(std::task::Waker::noop());
    let (mut text, mut is_broken) = (Vec::new(), false);
    loop {
        let mut memory = vec![0; read_bytes];
        let mut buffer = ReadBuf::new(&mut memory);
        match Pin::new(&mut strict).poll_read(&mut context, &mut buffer) {
            Poll::Ready(Ok(())) => {
                assert!(!buffer.filled().is_empty(), "an empty read would be the end of the stream");
                text.extend_from_slice(buffer.filled());
            }
            Poll::Ready(Err(_)) => {
                is_broken = true;
                break;
            }
            Poll::Pending => break,
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    Output { text, error: connection.head_error(), is_broken }
}

/// The output of a stream in one piece; it must be the same for every split into two, for single bytes, and for small reads.
fn check(stream: &[u8]) -> Output {
    let whole = through([stream.to_vec()], 64 * 1024);
    let step = (stream.len() / 300).max(1);
    for split in (1..stream.len()).step_by(step) {
        let (first, second) = stream.split_at(split);
        assert_eq!(through([first.to_vec(), second.to_vec()], 64 * 1024), whole, "split at {split}");
    }
    assert_eq!(through(stream.iter().map(|byte| vec![*byte]), 64 * 1024), whole, "byte by byte");
    assert_eq!(through([stream.to_vec()], 24), whole, "24 bytes a read");
    whole
}

#[test]
fn valid_streams_are_not_changed() {
    for stream in [
        GET.to_owned(),
        [GET, POST, GET].concat(),
        [CHUNKED, GET, CHUNKED, POST].concat(),
        ["\r\n", GET].concat(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nanything \n at \0 all".to_owned(),
    ] {
        let output = check(stream.as_bytes());
        assert_eq!(output, Output { text: stream, error: None, is_broken: false });
    }
}

#[test]
fn a_rejected_head_is_replaced_and_ends_the_stream() {
    for (before, bad, error, path) in [
        ("", "GET /a HTTP/1.1\r\n\r\n", HeadError::Host, "/a"),
        ("", "\r\nGET /a?secret HTTP/1.1\r\n\r\n", HeadError::Host, "/a"),
        ("", "GET /a\r\nHost: a\r\n\r\n", HeadError::Malformed, "/a"),
        ("", "GET /a\x1bb HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Malformed, "*"),
        ("", "GET http://b/a HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Target, "*"),
        (GET, "GET /a HTTP/1.1\nHost: a\r\n\r\n", HeadError::LineEnding, "/a"),
        (POST, "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", HeadError::UnexpectedBody, "/a"),
        (CHUNKED, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HeadError::Malformed, "*"),
        ("", "\x16\x03\x01\x02\x00\n", HeadError::LineEnding, "*"),
    ] {
        let stream = [before, bad, GET].concat();
        let text = [before, "X-REJECTED ", path, SUBSTITUTE].concat();
        assert_eq!(
            check(stream.as_bytes()),
            Output { text, error: Some(error), is_broken: false },
            "{bad:?}"
        );
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(9000));
    let rejected = check(long.as_bytes());
    assert_eq!(rejected.error, Some(HeadError::TargetTooLong));
    assert_eq!(rejected.text, ["X-REJECTED *", SUBSTITUTE].concat());
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "a".repeat(20_000));
    assert_eq!(check(large.as_bytes()).error, Some(HeadError::HeadTooLarge));
}

#[test]
fn invalid_chunks_break_the_body_where_they_start() {
    let head = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (valid, invalid) in [("3\r\nabc\r\n", "x"), ("", "-1"), ("3\r\nabc", "d"), ("5", "\n")] {
        let stream = [GET, head, valid, invalid, GET].concat();
        let text = [GET, head, valid].concat();
        assert_eq!(
            check(stream.as_bytes()),
            Output { text, error: None, is_broken: true },
            "{valid}{invalid}"
        );
    }
}

#[test]
fn no_stream_causes_a_panic_and_every_split_gives_the_same_result() {
    const FRAGMENTS: [&str; 18] = [
        GET,
        POST,
        CHUNKED,
        "\r\n",
        "\n",
        "\r",
        "0\r\n\r\n",
        "5\r\nhello\r\n",
        "GET ",
        "/ HTTP/1.1",
        "Host: a\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        ": ",
        "\0",
        "\u{fffd}",
        "POST / HTTP/1.1\r\nHost: a\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
    ];
    // SplitMix64, so that a failure can be repeated.
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap()
    };
    for _ in 0..3000 {
        let mut stream = Vec::new();
        for _ in 0..=random(6) {
            stream.extend_from_slice(FRAGMENTS[random(FRAGMENTS.len())].as_bytes());
        }
        for _ in 0..random(3) {
            let at = random(stream.len());
            stream[at] = u8::try_from(random(256)).unwrap();
        }
        let whole = through([stream.clone()], 64 * 1024);
        let split = random(stream.len());
        let (first, second) = stream.split_at(split);
        let text = String::from_utf8_lossy(&stream);
        assert_eq!(through([first.to_vec(), second.to_vec()], 64 * 1024), whole, "{split} of {text:?}");
        assert_eq!(through(stream.iter().map(|byte| vec![*byte]), 7), whole, "bytes of {text:?}");
    }
}
