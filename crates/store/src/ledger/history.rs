//! The fold of a subject's facts in any state of the books.

use domain::{Fact, Subject};
use ledger::{LedgerError, Rules, State};

use super::facts;
use super::moment::Moment;
use super::refold::refold;
use crate::database::Transaction;
use crate::error::Error;

/// The facts of `subject` that count at `moment`, and their fold; `None` if there are none.
///
/// # Errors
/// [`Error::Ledger`] if there are more facts than are folded.
pub(crate) async fn at(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    moment: Moment,
) -> Result<Option<(Vec<Fact>, State)>, Error> {
    let facts = facts::at(tx, subject, moment).await?;
    if facts.is_empty() {
        return Ok(None);
    }
    let too_many =
        || LedgerError::TooManyFacts { subject: subject.to_string(), max: ledger::facts_max(subject) };
    let state = refold(tx, subject, &facts, Rules::default().stash_ratio).await?.ok_or_else(too_many)?;
    Ok(Some((facts, state)))
}
