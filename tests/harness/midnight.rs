//! Keeps tests of figures of "today" away from midnight in UTC.

use std::time::Duration;

use crate::providers::now;

/// POSIX time has no leap seconds.
const DAY_S: i64 = 86_400;
/// Longer than any such test takes on a slow machine.
const BEFORE_S: i64 = 10 * 60;
/// Such tests send events of the minute before they begin.
const AFTER_S: i64 = 2 * 60;

/// Between 23:50 and 00:02 in UTC, waits until 00:02, at most twelve minutes.
///
/// For tests that send events of the last minute and then query figures of "today": across midnight they would fail for no
/// fault of the product.
pub fn wait_out_midnight() {
    let wait = wait_at(now().as_second());
    if !wait.is_zero() {
        eprintln!("midnight in UTC is near: this test starts in {} s", wait.as_secs());
        std::thread::sleep(wait);
    }
}

fn wait_at(unix_s: i64) -> Duration {
    let since_s = unix_s.rem_euclid(DAY_S);
    let until_s = match since_s {
        since_s if since_s < AFTER_S => AFTER_S - since_s,
        since_s if since_s >= DAY_S - BEFORE_S => DAY_S - since_s + AFTER_S,
        _ => 0,
    };
    Duration::from_secs(until_s.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_minutes_around_midnight_are_waited_out() {
        // 1,767,571,200 is 2026-01-05T00:00:00Z (`date -u -d 2026-01-05 +%s`).
        for (since_s, wait_s) in
            [(0, 120), (119, 1), (120, 0), (43_200, 0), (85_799, 0), (85_800, 720), (86_399, 121)]
        {
            assert_eq!(wait_at(1_767_571_200 + since_s), Duration::from_secs(wait_s), "{since_s}");
        }
    }
}
