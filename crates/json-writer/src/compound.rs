//! Lists and objects: separators and closing brackets.

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use crate::{Error, Writer};

/// An open list or object.
pub(super) struct Compound<'a, 'b> {
    writer: &'a mut Writer<'b>,
    is_empty: bool,
    close: &'static str,
}

impl<'a, 'b> Compound<'a, 'b> {
    pub(super) fn list(writer: &'a mut Writer<'b>) -> Self {
        writer.raw("[");
        Self { writer, is_empty: true, close: "]" }
    }

    pub(super) fn object(writer: &'a mut Writer<'b>) -> Self {
        writer.raw("{");
        Self { writer, is_empty: true, close: "}" }
    }

    pub(super) fn variant_list(writer: &'a mut Writer<'b>, variant: &'static str) -> Self {
        writer.raw("{");
        writer.name(variant);
        Self { close: "]}", ..Self::list(writer) }
    }

    pub(super) fn variant_object(writer: &'a mut Writer<'b>, variant: &'static str) -> Self {
        writer.raw("{");
        writer.name(variant);
        Self { close: "}}", ..Self::object(writer) }
    }

    fn comma(&mut self) {
        if !self.is_empty {
            self.writer.out.push(b',');
        }
        self.is_empty = false;
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.comma();
        value.serialize(&mut *self.writer)
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.comma();
        self.writer.name(name);
        value.serialize(&mut *self.writer)
    }

    fn close(self) -> Result<(), Error> {
        self.writer.raw(self.close);
        Ok(())
    }
}

/// Kinds of list, which differ only in the names of their methods.
macro_rules! list {
    ($($kind:ident::$method:ident),+ $(,)?) => {
        $(impl $kind for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        })+
    };
}

list!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
);

/// Kinds of object whose fields are known at compile time.
macro_rules! object {
    ($($kind:ident),+ $(,)?) => {
        $(impl $kind for Compound<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.member(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        })+
    };
}

object!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.comma();
        let start = self.writer.out.len();
        key.serialize(&mut *self.writer)?;
        match self.writer.out.get(start) {
            Some(b'"') => Ok(()),
            _ => Err(Error::custom("key must be a string")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.writer.out.push(b':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}
