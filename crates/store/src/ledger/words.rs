//! How the words of the domain are written in columns: as in its JSON.

use domain::{Currency, Money};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::database::Row;
use crate::error::Error;

/// The one word that a plain enum is written as.
pub(super) fn word<T: Serialize>(value: T) -> Result<String, Error> {
    match serde_json::to_value(value) {
        Ok(Json::String(word)) => Ok(word),
        Ok(_) | Err(_) => Err(Error::unreadable("word")),
    }
}

pub(super) fn optional_word<T: Serialize>(value: Option<T>) -> Result<Option<String>, Error> {
    value.map(word).transpose()
}

/// A word that was written from a plain enum.
pub(super) fn read<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, Error> {
    let word = Json::String(row.text(column)?);
    serde_json::from_value(word).map_err(|_| Error::unreadable(column))
}

/// A word that was written from a plain enum, or nothing.
pub(crate) fn optional_read<T: DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>, Error> {
    if row.maybe_text(column)?.is_some() { read(row, column).map(Some) } else { Ok(None) }
}

/// Money of two columns.
pub(super) fn money(row: &Row, minor: &str, currency: &str) -> Result<Money, Error> {
    Ok(Money::from_minor(row.int(minor)?, row.parsed::<Currency>(currency)?))
}

/// Money of two columns that are both empty or both full.
pub(crate) fn optional_money(row: &Row, minor: &str, currency: &str) -> Result<Option<Money>, Error> {
    let Some(amount) = row.maybe_int(minor)? else { return Ok(None) };
    Ok(Some(Money::from_minor(amount, row.parsed::<Currency>(currency)?)))
}
