//! A secret that is a JSON object: its fields are read from one version, so that user and password never tear.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::fault::Fault;
use crate::value::SecretValue;

/// Most fields of one object.
const FIELDS_MAX: usize = 64;

/// The fields of one object, each key once, their values as they are written.
struct Object<'a>(Vec<(String, &'a RawValue)>);

/// Checks that `text` is an object with no key twice and with every required field.
pub(crate) fn check(text: &str, required: &[&'static str]) -> Result<(), Fault> {
    let object = object(text)?;
    required
        .iter()
        .try_for_each(|field| scalar(object.get(field).ok_or(Fault::JsonField { field })?, field).map(drop))
}

/// The text or number at a JSON pointer such as `/password` (RFC 6901, without escapes). A number is kept as it is
/// written; an object or array is never flattened into text.
pub(crate) fn field(text: &str, pointer: &'static str) -> Result<SecretValue, Fault> {
    let missing = Fault::JsonField { field: pointer };
    let mut path = pointer.strip_prefix('/').ok_or(missing)?.split('/');
    let first = path.next().ok_or(missing)?;
    let found = object(text)?.get(first).ok_or(missing)?;
    let found = path.try_fold(found, |inner, key| object(inner.get())?.get(key).ok_or(missing))?;
    scalar(found, pointer)
}

fn object(text: &str) -> Result<Object<'_>, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::NotJson)
}

fn scalar(raw: &RawValue, field: &'static str) -> Result<SecretValue, Fault> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map(SecretValue::from_string).map_err(|_| Fault::NotJson),
        Some(b'-' | b'0'..=b'9') => Ok(SecretValue::from_slice(text.as_bytes())),
        Some(_) | None => Err(Fault::JsonField { field }),
    }
}

impl<'a> Object<'a> {
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
                return Err(M::Error::custom("a repeated field, or too many"));
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

    fn read(text: &str, pointer: &'static str) -> Result<String, Fault> {
        field(text, pointer).map(|value| value.expose_text().unwrap().to_owned())
    }

    #[test]
    fn fields_are_read_by_pointer_and_numbers_kept_as_written() {
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
            assert_eq!(read(&text, pointer), Err(Fault::JsonField { field: pointer }), "{pointer}");
        }
    }

    #[test]
    fn a_repeated_key_or_a_broken_text_is_refused() {
        assert_eq!(check(r#"{"a":"1","a":"2"}"#, &["a"]), Err(Fault::NotJson));
        assert_eq!(check(DATABASE, &[]), Err(Fault::NotJson), "a number may not begin with a zero");
        assert_eq!(check("[]", &[]), Err(Fault::NotJson));
        assert_eq!(check(r#"{"a":"1"} x"#, &[]), Err(Fault::NotJson));
        assert_eq!(check(r#"{"a":null}"#, &["a"]), Err(Fault::JsonField { field: "a" }));
        assert_eq!(check(r#"{"a":"1","b":2}"#, &["a", "b"]), Ok(()));
    }
}
