//! How far a signed time may lie from now.

use jiff::Timestamp;

use crate::rejection::Rejection;

/// Longest tolerance that can be set, in seconds.
pub(crate) const TOLERANCE_S_MAX: u32 = 3600;

/// How far a signed time may lie from now, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tolerance {
    pub(crate) past_s: u32,
    pub(crate) future_s: u32,
}

impl Tolerance {
    /// Refuses a time beyond the limits, which themselves are allowed.
    pub(crate) fn check(self, signed_at: Timestamp, now: Timestamp) -> Result<(), Rejection> {
        // Instants reach from year -9999 to 9999, so milliseconds and their differences fit 64 bits.
        let age_ms = now.as_millisecond() - signed_at.as_millisecond();
        let (past_s, future_s) = (i64::from(self.past_s), i64::from(self.future_s));
        if age_ms > past_s * 1000 {
            return Err(Rejection::Stale { age_s: age_ms / 1000, limit_s: past_s });
        }
        if -age_ms > future_s * 1000 {
            return Err(Rejection::Future { ahead_s: -age_ms / 1000, limit_s: future_s });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Tolerance = Tolerance { past_s: 600, future_s: 60 };

    #[test]
    fn the_limits_are_in_and_a_millisecond_more_is_out() {
        let now = Timestamp::from_millisecond(1_705_854_411_204).unwrap();
        for (offset_ms, expected) in
            [(0, None), (-600_000, None), (-600_001, Some("stale")), (60_000, None), (60_001, Some("future"))]
        {
            let signed_at = Timestamp::from_millisecond(1_705_854_411_204 + offset_ms).unwrap();
            let got = LIMITS.check(signed_at, now).err();
            assert_eq!(got.map(|rejection| rejection.reason()), expected, "{offset_ms}");
        }
        assert!(LIMITS.check(Timestamp::MIN, Timestamp::MAX).is_err());
        assert!(LIMITS.check(Timestamp::MAX, Timestamp::MIN).is_err());
    }
}
