//! Times such as `90d`, `24h` and `30m`.

use jiff::SignedDuration;

/// Parses a number of days, hours or minutes.
pub(super) fn parse(text: &str) -> Result<SignedDuration, &'static str> {
    const EXPECTED: &str = "must be a number of days, hours or minutes, such as 90d, 24h or 30m";
    let (number, seconds) = [('d', 86_400), ('h', 3_600), ('m', 60)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        .ok_or(EXPECTED)?;
    let number: u32 = number.parse().map_err(|_| EXPECTED)?;
    Ok(SignedDuration::from_secs(i64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_number_with_its_unit() {
        for (text, hours) in [("90d", Some(2160)), ("24h", Some(24)), ("120m", Some(2)), ("0h", Some(0))] {
            assert_eq!(parse(text).ok(), hours.map(SignedDuration::from_hours), "{text}");
        }
        for text in ["", "d", "90", "-1d", "1.5d", "99999999999d", "1 d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
