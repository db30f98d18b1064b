//! The faults of the hour's connections.

use std::time::Duration;

use tests::alpaca::{Behaviour, Fault, LineEnd, Script, Style};

use tests::random::Random;

/// Kinds of rejected connections.
const REJECTIONS: u64 = 8;
/// Kinds of faults that end a connection.
const FATAL: u64 = 6;

/// One in six is rejected; the others work for up to `events_max` events: more than the margin, so that they make
/// progress.
pub(crate) fn connection(random: &mut Random, events_max: usize) -> Behaviour {
    if random.once_in(6) {
        rejection(random.below(REJECTIONS))
    } else {
        Behaviour::Stream(script(random, events_max))
    }
}

/// Each fault once, so that none is missing however few connections a slow machine makes.
pub(crate) fn one_of_each(random: &mut Random) -> Vec<Behaviour> {
    let mut ends: Vec<Behaviour> = Vec::new();
    for kind in 0..FATAL {
        let end = fatal(kind, random);
        ends.push(Behaviour::Stream(
            Script::default().with_style(style(random)).after(random.index(20), end),
        ));
    }
    ends.extend((0..REJECTIONS).map(rejection));
    ends
}

fn rejection(kind: u64) -> Behaviour {
    let status = |status| Behaviour::Status { status, retry_after_s: None };
    match kind {
        0 => status(500),
        1 => status(503),
        2 => status(429),
        3 => status(401),
        4 => status(403),
        5 => Behaviour::Html,
        6 => Behaviour::Redirect("https://broker.example/".to_owned()),
        _ => Behaviour::Hang,
    }
}

fn script(random: &mut Random, events_max: usize) -> Script {
    let mut script = Script::default().with_style(style(random));
    for _ in 0..4 {
        script = script.after(random.index(events_max), transient(random));
    }
    let end = fatal(random.below(FATAL), random);
    script.after(random.index(events_max), end)
}

fn transient(random: &mut Random) -> Fault {
    match random.below(3) {
        0 => Fault::Repeat(1 + random.index(30)),
        1 => Fault::Heartbeat,
        _ => Fault::Bytes(b":\r\n\r\nretry: 10\n\nid: 7\n\ndata:\n\n".to_vec()),
    }
}

fn fatal(kind: u64, random: &mut Random) -> Fault {
    match kind {
        0 => Fault::Close,
        1 => Fault::Break,
        2 => Fault::Cut,
        3 => Fault::ServerError,
        4 => Fault::Drop(1 + random.index(100)),
        _ => Fault::Silence(Duration::from_secs(60)),
    }
}

fn style(random: &mut Random) -> Style {
    Style {
        line_end: [LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr][random.index(3)],
        is_multi_line: random.once_in(3),
        is_interrupted: random.once_in(5),
        piece_bytes: [None, Some(7), Some(64), Some(1_000)][random.index(4)],
        piece_wait: Duration::ZERO,
    }
}
