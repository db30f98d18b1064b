//! A secret of several keys, one per line, newest first: the first is used, and the others still decrypt or verify.
//!
//! A new value keeps every older key, because there is data that cannot be read or verified without it.

use zeroize::Zeroizing;

use crate::error::{ConfigError, Error};
use crate::spec::{Format, SecretSpec};
use crate::value::SecretValue;

/// Checks that a value of this secret can hold older keys, if they are needed.
///
/// # Errors
/// [`ConfigError::NoRoomForOlderKeys`].
pub(crate) fn check(spec: &SecretSpec) -> Result<(), Error> {
    match spec.format {
        Format::Base64Lines { .. } => Ok(()),
        _ if spec.needs_older_keys() => {
            Err(Error::Config(ConfigError::NoRoomForOlderKeys(spec.name.clone())))
        }
        _ => Ok(()),
    }
}

/// The keys of `new`, followed by those of the `older` values that it lacks; `new` itself where older keys are not needed.
///
/// # Errors
/// [`ConfigError::NoRoomForOlderKeys`] for a format of one line.
pub fn with_older_keys(
    spec: &SecretSpec,
    new: &SecretValue,
    older: &[&SecretValue],
) -> Result<SecretValue, Error> {
    check(spec)?;
    if !spec.needs_older_keys() {
        return Ok(new.clone());
    }
    let mut keys: Vec<&str> = Vec::new();
    for key in [&[new], older].concat().into_iter().flat_map(lines) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(SecretValue::from_slice(Zeroizing::new(keys.join("\n")).as_bytes()))
}

fn lines(value: &SecretValue) -> impl Iterator<Item = &str> {
    value.expose_text().unwrap_or_default().lines()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::spec::Class;

    fn value(text: &str) -> SecretValue {
        SecretValue::from_slice(text.as_bytes())
    }

    fn joined(spec: &SecretSpec, new: &str, older: &[&str]) -> Result<String, Error> {
        let older: Vec<SecretValue> = older.iter().map(|text| value(text)).collect();
        let joined = with_older_keys(spec, &value(new), &older.iter().collect::<Vec<_>>())?;
        Ok(joined.expose_text().unwrap().to_owned())
    }

    #[test]
    fn older_keys_follow_in_order_and_once() {
        let format = Format::Base64Lines { bytes_min: 1 };
        let spec = SecretSpec::new("key".parse().unwrap(), Class::EncryptionKey, format, "");
        assert_eq!(joined(&spec, "c", &["b\na", "a"]).as_deref(), Ok("c\nb\na"));
        assert_eq!(joined(&spec, "c\na", &["b\na"]).as_deref(), Ok("c\na\nb"));
    }

    #[test]
    fn a_key_that_is_needed_is_not_replaced_where_there_is_no_room_for_it() {
        let name = || "key".parse().unwrap();
        let one_line = SecretSpec::new(name(), Class::EncryptionKey, Format::Base64 { bytes_min: 1 }, "");
        let error = joined(&one_line, "b", &["a"]).unwrap_err();
        assert_eq!(error, Error::Config(ConfigError::NoRoomForOlderKeys(name())));
        let sent = SecretSpec::new(name(), Class::ApiKey, Format::Text, "");
        assert_eq!(joined(&sent, "b", &["a"]).as_deref(), Ok("b"), "a vendor's key is replaced");
    }

    #[test]
    fn every_declared_secret_has_room_for_the_older_keys_that_it_needs() {
        for spec in Catalogue::product().iter() {
            assert_eq!(check(spec), Ok(()), "{}", spec.name);
        }
    }
}
