//! Byte arrays with one text form: lower-case hexadecimal digits.

/// Implements parsing, printing and serde for a tuple struct of one byte array; `$error` is a unit struct.
macro_rules! hex_text {
    ($name:ident, $error:ident) => {
        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                // `hex` also accepts upper case, which would be a change that no key authenticates.
                let mut value = Self(Default::default());
                let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
                let is_valid = is_lower && hex::decode_to_slice(text, &mut value.0).is_ok();
                is_valid.then_some(value).ok_or($error)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, out)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use hex_text;
