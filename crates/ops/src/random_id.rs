//! Random ids from the operating system's random number generator.

use crate::failure::Failure;

const DIGITS_MAX: usize = 256;

/// A random UUID (RFC 9562, version 4).
pub(crate) fn uuid() -> Result<String, Failure> {
    let digits = hex(32)?;
    let field = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Ok(format!("{}-{}-4{}-8{}-{}", field(0, 8), field(8, 12), field(13, 16), field(17, 20), field(20, 32)))
}

/// Random hexadecimal digits; their number must be even.
pub(crate) fn hex(digits: usize) -> Result<String, Failure> {
    let mut bytes = vec![0; digits.min(DIGITS_MAX) / 2];
    getrandom::fill(&mut bytes).map_err(|_| Failure::Random)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_its_variant() {
        let (one, other) = (uuid().unwrap(), uuid().unwrap());
        assert_eq!(one.len(), 36);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(one.as_bytes()[14] == b'4' && one.as_bytes()[19] == b'8', "{one}");
        assert_ne!(one, other);
    }
}
