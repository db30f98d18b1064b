//! What the broker does to each connection of the hour.

use std::time::Duration;

use tests::alpaca::{Behaviour, LineEnd, Mishap, Play, Style};

use crate::chance::Chance;

/// Ways in which a connection is refused.
const REFUSALS: u64 = 8;
/// Ways in which a connection ends that went well.
const FATAL: u64 = 6;

/// One in six is refused; the others go well for a while, of `events_max` events at most: more than a margin's worth, so
/// that connections get anywhere.
pub(crate) fn connection(chance: &mut Chance, events_max: usize) -> Behaviour {
    if chance.once_in(6) {
        refusal(chance.below(REFUSALS))
    } else {
        Behaviour::Play(play(chance, events_max))
    }
}

/// Each way to go wrong once, so that none is missing however few connections a slow machine makes.
pub(crate) fn one_of_each(chance: &mut Chance) -> Vec<Behaviour> {
    let mut ends: Vec<Behaviour> = Vec::new();
    for kind in 0..FATAL {
        let end = fatal(kind, chance);
        ends.push(Behaviour::Play(Play::well().styled(style(chance)).then(chance.small(20), end)));
    }
    ends.extend((0..REFUSALS).map(refusal));
    ends
}

fn refusal(kind: u64) -> Behaviour {
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

fn play(chance: &mut Chance, events_max: usize) -> Play {
    let mut play = Play::well().styled(style(chance));
    for _ in 0..4 {
        play = play.then(chance.small(events_max), passing(chance));
    }
    let end = fatal(chance.below(FATAL), chance);
    play.then(chance.small(events_max), end)
}

fn passing(chance: &mut Chance) -> Mishap {
    match chance.below(3) {
        0 => Mishap::Repeat(1 + chance.small(30)),
        1 => Mishap::Heartbeat,
        _ => Mishap::Bytes(b":\r\n\r\nretry: 10\n\nid: 7\n\ndata:\n\n".to_vec()),
    }
}

fn fatal(kind: u64, chance: &mut Chance) -> Mishap {
    match kind {
        0 => Mishap::Close,
        1 => Mishap::Break,
        2 => Mishap::Cut,
        3 => Mishap::ServerError,
        4 => Mishap::Drop(1 + chance.small(100)),
        _ => Mishap::Silence(Duration::from_secs(60)),
    }
}

fn style(chance: &mut Chance) -> Style {
    Style {
        line_end: [LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr][chance.small(3)],
        is_multi_line: chance.once_in(3),
        is_interrupted: chance.once_in(5),
        piece_bytes: [None, Some(7), Some(64), Some(1_000)][chance.small(4)],
        piece_wait: Duration::ZERO,
    }
}
