//! JSON of an analysis: byte for byte what `serde_json` writes, in three quarters of the time.
//!
//! An answer is some 24 kB of short texts, most of them names of members and definitions. `serde_json` looks at each of
//! their bytes for something to escape; here the names of members, which are Rust identifiers, are copied as they are,
//! and texts are searched eight bytes at a time. Numbers, and texts that do need escaping, are left to `serde_json`.

mod compound;

use serde::Serialize;
use serde::ser::{Error as _, Serializer};

use compound::Compound;

/// Why a value has no JSON.
pub type Error = serde_json::Error;

/// Bytes searched at once, as one word.
const WORD: usize = 8;

/// Appends the JSON of `value` to `out`.
///
/// # Errors
/// When a map's key is no text, or a type refuses to be written; `out` then holds an unfinished text.
pub fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    value.serialize(&mut Writer { out })
}

/// Appends what it is told to.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Numbers, and texts with something to escape.
    fn elsewhere<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        serde_json::to_writer(&mut *self.out, value)
    }

    /// A Rust identifier between quotes, and a colon.
    fn member(&mut self, name: &'static str) {
        self.out.reserve(name.len() + 4);
        self.out.push(b'"');
        self.raw(name);
        self.raw("\":");
    }
}

/// Whether a byte of `text` is a quote, a backslash or a control character.
fn needs_escape(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<WORD>();
    let in_words = words.iter().fold(0, |found, word| found | specials(u64::from_le_bytes(*word)));
    // The last word overlaps those before it; a text shorter than a word is filled with spaces.
    let last = match text.last_chunk::<WORD>() {
        Some(last) => u64::from_le_bytes(*last),
        None => rest.iter().fold(SPACES, |word, byte| (word << 8) | u64::from(*byte)),
    };
    in_words | specials(last) != 0
}

const LOWEST_BITS: u64 = 0x0101_0101_0101_0101;
const HIGHEST_BITS: u64 = LOWEST_BITS << 7;
const SPACES: u64 = LOWEST_BITS * 0x20;

/// Not 0 when a byte of `word` must be escaped ("Bit Twiddling Hacks", Sean Anderson: "has less than", "has zero").
fn specials(word: u64) -> u64 {
    let has_zero = |word: u64| word.wrapping_sub(LOWEST_BITS) & !word;
    let is_control = word.wrapping_sub(SPACES) & !word;
    let is_quote = has_zero(word ^ (LOWEST_BITS * 0x22));
    let is_backslash = has_zero(word ^ (LOWEST_BITS * 0x5c));
    (is_control | is_quote | is_backslash) & HIGHEST_BITS
}

/// One method for each scalar that `serde_json` writes as well as anybody.
macro_rules! elsewhere {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.elsewhere(&value)
        })+
    };
}

impl<'a, 'b> Serializer for &'a mut Writer<'b> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'a, 'b>;
    type SerializeTuple = Compound<'a, 'b>;
    type SerializeTupleStruct = Compound<'a, 'b>;
    type SerializeTupleVariant = Compound<'a, 'b>;
    type SerializeMap = Compound<'a, 'b>;
    type SerializeStruct = Compound<'a, 'b>;
    type SerializeStructVariant = Compound<'a, 'b>;

    elsewhere!(
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
    );

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.raw(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        if needs_escape(text.as_bytes()) {
            return self.elsewhere(text);
        }
        self.out.push(b'"');
        self.raw(text);
        self.out.push(b'"');
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        Err(Error::custom("bytes have no JSON"))
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.raw("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.raw("{");
        self.member(variant);
        value.serialize(&mut *self)?;
        self.raw("}");
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a, 'b>, Error> {
        Ok(Compound::list(self))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'a, 'b>, Error> {
        Ok(Compound::list(self))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'a, 'b>, Error> {
        Ok(Compound::list(self))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a, 'b>, Error> {
        Ok(Compound::list_of_variant(self, variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a, 'b>, Error> {
        Ok(Compound::object(self))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'a, 'b>, Error> {
        Ok(Compound::object(self))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'a, 'b>, Error> {
        Ok(Compound::object_of_variant(self, variant))
    }
}

#[cfg(test)]
mod tests;
