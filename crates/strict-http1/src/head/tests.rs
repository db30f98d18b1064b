use super::*;

fn parse(head: &str) -> Result<Body, HeadError> {
    match Scan::default().advance(head.as_bytes()) {
        Progress::Complete(length) => {
            assert_eq!(length, head.len(), "{head:?}");
            validate(head.as_bytes())
        }
        Progress::Rejected(error) => Err(error),
        Progress::Incomplete => panic!("not a whole head: {head:?}"),
    }
}

#[test]
fn sound_heads_say_what_body_follows() {
    for (head, body) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Body::Length(0)),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Body::Length(0)),
        ("GET / HTTP/1.0\r\n\r\n", Body::Length(0)),
        ("DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", Body::Length(0)),
        ("POST /x HTTP/1.1\r\nHost: a:1\r\nContent-Length: 12\r\n\r\n", Body::Length(12)),
        ("POST /x HTTP/1.1\r\nHost: [::1]:3\r\nTransfer-Encoding: Chunked\r\n\r\n", Body::Chunked),
        ("GET HTTPS://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Body::Length(0)),
        ("GET http://A:80/x?y HTTP/1.1\r\nHost: a:80\r\n\r\n", Body::Length(0)),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Body::Length(0)),
        ("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", Body::Length(0)),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", Body::Length(0)),
    ] {
        assert_eq!(parse(head), Ok(body), "{head:?}");
    }
}

#[test]
fn each_unsound_head_is_rejected_for_its_reason() {
    for (head, error) in [
        ("GET / HTTP/1.1\r\n\r\n", HeadError::Host),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HeadError::Host),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", HeadError::Host),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HeadError::Host),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", HeadError::Host),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", HeadError::LineEnding),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", HeadError::LineEnding),
        ("\n", HeadError::LineEnding),
        ("\r\n\r\n", HeadError::Malformed),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Malformed),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", HeadError::Malformed),
        ("PRI * HTTP/2.0\r\n\r\n", HeadError::Malformed),
        ("GET /\r\n\r\n", HeadError::Malformed),
        ("X-REJECTED / HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n", HeadError::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n", HeadError::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", HeadError::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n", HeadError::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", HeadError::Malformed),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            HeadError::Framing,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
            HeadError::Framing,
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", HeadError::Framing),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", HeadError::Framing),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", HeadError::Framing),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
            HeadError::Framing,
        ),
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", HeadError::Framing),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", HeadError::Framing),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", HeadError::Framing),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", HeadError::Framing),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", HeadError::Framing),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", HeadError::Framing),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", HeadError::Framing),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n", HeadError::Framing),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", HeadError::UnexpectedBody),
        ("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", HeadError::UnexpectedBody),
        ("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", HeadError::UnexpectedBody),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Target),
        ("GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", HeadError::Target),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Target),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\ncontent-type: a/b\r\n\r\n",
            HeadError::ContentType,
        ),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Target),
        ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Target),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", HeadError::Target),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Target),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", HeadError::Target),
    ] {
        assert_eq!(parse(head), Err(error), "{head:?}");
    }
}

#[test]
fn sizes_are_bounded_at_the_byte() {
    let target = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length - 1));
    assert_eq!(parse(&target(TARGET_BYTES_MAX)), Ok(Body::Length(0)));
    assert_eq!(parse(&target(TARGET_BYTES_MAX + 1)), Err(HeadError::TargetTooLong));
    assert_eq!(parse(&target(70_000)), Err(HeadError::TargetTooLong));

    let overhead = "GET / HTTP/1.1\r\nHost: a\r\nA: \r\n\r\n".len();
    let head =
        |bytes: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "a".repeat(bytes - overhead));
    assert_eq!(parse(&head(HEAD_BYTES_MAX)), Ok(Body::Length(0)));
    assert_eq!(parse(&head(HEAD_BYTES_MAX + 1)), Err(HeadError::HeadTooLarge));

    let many = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(count - 1));
    assert_eq!(parse(&many(HEADERS_MAX)), Ok(Body::Length(0)));
    assert_eq!(parse(&many(HEADERS_MAX + 1)), Err(HeadError::TooManyHeaders));
}

#[test]
fn an_endless_head_is_rejected_before_it_ends() {
    assert_eq!(Scan::default().advance(&[b'a'; 9000]), Progress::Rejected(HeadError::TargetTooLong));
    let endless = ["GET / HTTP/1.1\r\nA: ", &"a".repeat(17_000)].concat();
    assert_eq!(Scan::default().advance(endless.as_bytes()), Progress::Rejected(HeadError::HeadTooLarge));
}
