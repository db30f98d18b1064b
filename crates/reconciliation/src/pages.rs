//! Lists in pages. A page is never taken for the last one because it is short, and a repeated row counts once.

use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;

use crate::client::Client;
use crate::error::Error;

/// Most rows of a list.
pub(crate) const ROWS_MAX: usize = 1_000_000;

/// Members in which a provider puts the rows of a page.
const ROWS_IN: [&str; 3] = ["data", "value", "transactions"];

/// The fields of a row, as they are written.
pub(crate) type Row = BTreeMap<String, Box<RawValue>>;

/// How the next page is requested.
pub(crate) enum Next {
    /// By the id of the last row, in this parameter.
    After(&'static str),
    /// By the number of rows so far, in `offset`.
    Offset,
}

/// A list of a provider.
pub(crate) struct List<'a> {
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) next: Next,
}

impl List<'_> {
    /// Passes each row once to `take`, up to the first page without rows or for which `take` returns `false` for each of its rows.
    pub(crate) async fn each(
        &self,
        client: &Client,
        mut take: impl FnMut(&Row) -> bool,
    ) -> Result<(), Error> {
        let (mut seen, mut offset, mut last) = (HashSet::new(), 0, None);
        loop {
            let mut query = self.query.clone();
            match (&self.next, &last) {
                (Next::After(parameter), Some(last)) => query.push((parameter, String::clone(last))),
                (Next::Offset, _) => query.push(("offset", offset.to_string())),
                (Next::After(_), None) => {}
            }
            let page = client.get(self.path, &query).await;
            let page = if seen.is_empty() { page } else { page.map_err(Error::after_first_page) };
            let page = rows(self.path, &page?)?;
            if page.is_empty() {
                return Ok(());
            }
            offset += page.len();
            let (mut has_new, mut is_wanted) = (false, false);
            for row in &page {
                let id = text(row, "id").ok_or_else(|| self.not_as_documented("each row has an id"))?;
                let is_new = seen.insert(id.clone());
                has_new |= is_new;
                is_wanted |= !is_new || take(row);
                last = Some(id);
            }
            if !has_new {
                return Err(Error::Repeated { path: self.path.to_owned() });
            }
            if seen.len() > ROWS_MAX {
                return Err(Error::TooLong { lines_max: ROWS_MAX });
            }
            if !is_wanted {
                return Ok(());
            }
        }
    }

    fn not_as_documented(&self, why: &'static str) -> Error {
        Error::NotAsDocumented { path: self.path.to_owned(), why }
    }
}

/// The rows of a page: an array, or an object that has it.
fn rows(path: &str, page: &RawValue) -> Result<Vec<Row>, Error> {
    let fault = || Error::NotAsDocumented { path: path.to_owned(), why: "a page is an array of objects" };
    if page.get().starts_with('[') {
        return serde_json::from_str(page.get()).map_err(|_| fault());
    }
    let fields: Row = serde_json::from_str(page.get()).map_err(|_| fault())?;
    let inner = ROWS_IN.into_iter().find_map(|name| fields.get(name)).ok_or_else(fault)?;
    rows(path, inner)
}

/// A text or a number of a row, as it is written.
pub(crate) fn text(row: &Row, name: &str) -> Option<String> {
    let raw = row.get(name)?.get();
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'0'..=b'9' | b'-' => Some(raw.to_owned()),
        _ => None,
    }
}

/// The first of these fields that is a time, or a day, which stands for its first instant.
pub(crate) fn time(row: &Row, names: &[&str]) -> Option<jiff::Timestamp> {
    names.iter().find_map(|name| {
        let text = text(row, name)?;
        text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).ok()
    })
}
