//! A secret that is a JSON object. Its fields are read from one version, so that they belong together.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::invalid::InvalidReason;
use crate::value::SecretValue;

const FIELDS_MAX: usize = 64;

/// The fields of an object with unique keys; values as they are written.
pub(crate) struct Object<'a>(Vec<(String, &'a RawValue)>);

/// Checks that `text` is an object with unique keys and every required field.
pub(crate) fn check(text: &str, required: &[&'static str]) -> Result<(), InvalidReason> {
    let object = object(text)?;
    required.iter().try_for_each(|field| {
        scalar(object.get(field).ok_or(InvalidReason::JsonField { field })?, field).map(drop)
    })
}

/// The text or number at a JSON pointer such as `/password` (RFC 6901, without escapes). A number keeps its
/// spelling; an object or array is never flattened into text.
pub(crate) fn field(text: &str, pointer: &'static str) -> Result<SecretValue, InvalidReason> {
    let missing = InvalidReason::JsonField { field: pointer };
    let mut path = pointer.strip_prefix('/').ok_or(missing)?.split('/');
    let first = path.next().ok_or(missing)?;
    let value = object(text)?.get(first).ok_or(missing)?;
    let value = path.try_fold(value, |inner, key| object(inner.get())?.get(key).ok_or(missing))?;
    scalar(value, pointer)
}

/// The object that `text` is.
pub(crate) fn object(text: &str) -> Result<Object<'_>, InvalidReason> {
    serde_json::from_str(text).map_err(|_| InvalidReason::NotJson)
}

/// The text or number in a field of this name.
pub(crate) fn scalar_field(object: &Object<'_>, name: &str) -> Option<SecretValue> {
    scalar(object.get(name)?, "").ok()
}

fn scalar(raw: &RawValue, field: &'static str) -> Result<SecretValue, InvalidReason> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => {
            serde_json::from_str(text).map(SecretValue::from_string).map_err(|_| InvalidReason::NotJson)
        }
        Some(b'-' | b'0'..=b'9') => Ok(SecretValue::from_slice(text.as_bytes())),
        Some(_) | None => Err(InvalidReason::JsonField { field }),
    }
}

impl<'a> Object<'a> {
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor).map(Object)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields: Self::Value = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
            if fields.len() == FIELDS_MAX || fields.iter().any(|(name, _)| *name == key) {
                return Err(M::Error::custom("repeated or too many fields"));
            }
            fields.push((key, value));
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &str =
        r#"{"username":"iq","password":"p\"1","port":05432e0,"tls":{"key":"k"},"replicas":["a"]}"#;

    fn read(text: &str, pointer: &'static str) -> Result<String, InvalidReason> {
        field(text, pointer).map(|value| value.expose_text().unwrap().to_owned())
    }

    #[test]
    fn fields_are_read_by_pointer_and_numbers_keep_their_spelling() {
        let text = DATABASE.replace("05432e0", "5432.50");
        assert_eq!(read(&text, "/username").as_deref(), Ok("iq"));
        assert_eq!(read(&text, "/password").as_deref(), Ok("p\"1"));
        assert_eq!(read(&text, "/port").as_deref(), Ok("5432.50"));
        assert_eq!(read(&text, "/tls/key").as_deref(), Ok("k"));
    }

    #[test]
    fn nothing_nested_becomes_text_and_nothing_absent_becomes_empty() {
        let text = DATABASE.replace("05432e0", "1");
        for pointer in ["/tls", "/replicas", "/absent", "/tls/absent", "", "username"] {
            assert_eq!(read(&text, pointer), Err(InvalidReason::JsonField { field: pointer }), "{pointer}");
        }
    }

    #[test]
    fn a_repeated_key_or_a_broken_text_is_refused() {
        assert_eq!(check(r#"{"a":"1","a":"2"}"#, &["a"]), Err(InvalidReason::NotJson));
        assert_eq!(check(DATABASE, &[]), Err(InvalidReason::NotJson), "a number may not begin with a zero");
        assert_eq!(check("[]", &[]), Err(InvalidReason::NotJson));
        assert_eq!(check(r#"{"a":"1"} x"#, &[]), Err(InvalidReason::NotJson));
        assert_eq!(check(r#"{"a":null}"#, &["a"]), Err(InvalidReason::JsonField { field: "a" }));
        assert_eq!(check(r#"{"a":"1","b":2}"#, &["a", "b"]), Ok(()));
    }
}
