//! Values of statements.

use jiff::Timestamp;
use sqlx::{Arguments, Encode, Type};

use crate::error::Error;

/// A value of a statement, of one of three kinds that both databases support. `None` is NULL.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// The values of a statement in the order of its `$1`, `$2`, …
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Value::from($value)),*] };
}
pub(crate) use values;

impl Value {
    pub(super) fn arguments<A: Arguments>(values: Vec<Self>) -> Result<A, Error>
    where
        Option<i64>: Encode<'static, A::Database> + Type<A::Database>,
        Option<String>: Encode<'static, A::Database> + Type<A::Database>,
        Option<Vec<u8>>: Encode<'static, A::Database> + Type<A::Database>,
    {
        let mut arguments = A::default();
        arguments.reserve(values.len(), 0);
        for value in values {
            match value {
                Self::Int(int) => arguments.add(int),
                Self::Text(text) => arguments.add(text),
                Self::Bytes(bytes) => arguments.add(bytes),
            }
            .map_err(Error::encode)?;
        }
        Ok(arguments)
    }
}

macro_rules! from {
    ($($kind:ident: $type:ty => $convert:expr),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$kind(Some($convert(value)))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$kind(value.map($convert))
            }
        }
    )*};
}

from! {
    Int: i64 => std::convert::identity,
    Int: i32 => i64::from,
    Int: u32 => i64::from,
    // Times are stored as microseconds since 1970.
    Int: Timestamp => Timestamp::as_microsecond,
    Text: String => std::convert::identity,
    Text: &str => str::to_owned,
    Text: &String => String::clone,
    Bytes: Vec<u8> => std::convert::identity,
    Bytes: &[u8] => <[u8]>::to_vec,
    Bytes: [u8; 32] => Vec::from,
}
