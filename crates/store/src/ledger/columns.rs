//! Columns of domain types: enums by their names in JSON, money in two columns.

use domain::{Currency, Money};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::database::Row;
use crate::error::Error;

/// The name of an enum variant without fields.
pub(super) fn enum_name<T: Serialize>(value: T) -> Result<String, Error> {
    match serde_json::to_value(value) {
        Ok(Json::String(name)) => Ok(name),
        Ok(other) => Err(Error::encode(format!("{other} is not a name"))),
        Err(error) => Err(Error::encode(error)),
    }
}

pub(super) fn optional_enum_name<T: Serialize>(value: Option<T>) -> Result<Option<String>, Error> {
    value.map(enum_name).transpose()
}

/// An enum variant without fields, from its name.
pub(super) fn parse_enum<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, Error> {
    serde_json::from_value(Json::String(row.text(column)?)).map_err(|_| Error::decode(column))
}

pub(crate) fn parse_optional_enum<T: DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>, Error> {
    if row.optional_text(column)?.is_some() { parse_enum(row, column).map(Some) } else { Ok(None) }
}

pub(super) fn money(row: &Row, minor: &str, currency: &str) -> Result<Money, Error> {
    Ok(Money::from_minor(row.int(minor)?, row.parsed::<Currency>(currency)?))
}

/// Both columns are NULL, or neither.
pub(crate) fn optional_money(row: &Row, minor: &str, currency: &str) -> Result<Option<Money>, Error> {
    let Some(amount) = row.optional_int(minor)? else { return Ok(None) };
    Ok(Some(Money::from_minor(amount, row.parsed::<Currency>(currency)?)))
}
