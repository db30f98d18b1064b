//! How many connections the limit of open files allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files for everything but these connections: the database, secrets, requests to other hosts, and reserved connections.
const RESERVED: u64 = 256 + crate::connection_limits::RESERVED as u64;

/// Raises the soft limit of open files as far as `wanted` connections need it, and returns how many connections fit. Without a
/// free file a connection could neither be accepted nor refused, and its client would wait.
pub(crate) fn connections_max(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let needed = wanted as u64 + RESERVED;
    let reachable = maximum.map_or(needed, |maximum| maximum.min(needed));
    let raised = Rlimit { current: Some(reachable), maximum };
    let limit = match current {
        Some(current) if current < reachable && setrlimit(Resource::Nofile, raised).is_ok() => reachable,
        Some(current) => current,
        None => return wanted,
    };
    let fitting = fitting(limit, wanted);
    if fitting < wanted {
        tracing::warn!(
            limit,
            connections_max = fitting,
            "CONNECTIONS_MAX is {wanted}, and the limit of open files allows fewer connections; raise it to {needed} \
             (LimitNOFILE in systemd, ulimits in Compose)"
        );
    }
    fitting
}

/// At least a quarter of the files is for connections.
fn fitting(limit: u64, wanted: usize) -> usize {
    let connections = limit.saturating_sub(RESERVED).max(limit / 4);
    usize::try_from(connections).unwrap_or(usize::MAX).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_left_for_other_things() {
        let cases = [(16_384, 4096), (4416, 4096), (4415, 4095), (1024, 704), (300, 75), (8, 2)];
        for (limit, expected) in cases {
            assert_eq!(fitting(limit, 4096), expected, "{limit}");
        }
    }
}
