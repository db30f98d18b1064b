//! The timeout of statements that read whole tables.

use std::time::Duration;

use crate::database::{Backend, Transaction};
use crate::error::Error;

/// Longer than one statement of a verification takes.
const TIMEOUT: Duration = Duration::from_mins(10);
const SET_TIMEOUT: &str = "SET LOCAL statement_timeout = '10min'";

/// Allows a statement that reads a whole table.
pub(crate) async fn set_timeout(tx: &mut Transaction<'_>) -> Result<(), Error> {
    if tx.backend() == Backend::Postgres {
        tx.set_reply_timeout(TIMEOUT);
        tx.script(SET_TIMEOUT).await?;
    }
    Ok(())
}
