//! The fold of a subject's facts in any state of the books.

use domain::{Fact, Subject};
use ledger::{LedgerError, Rules, State};

use super::facts;
use super::moment::Moment;
use super::refold::refold;
use crate::database::{Transaction, sql};
use crate::error::Error;

const COUNT: &str = "SELECT facts FROM ledger_subjects WHERE subject = $1";

/// The facts of `subject` that count at `moment`, and their fold; `None` if there are none.
///
/// # Errors
/// [`Error::Ledger`] if there are more facts than are folded, of which none is read then.
pub(crate) async fn at(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    moment: Moment,
) -> Result<Option<(Vec<Fact>, State)>, Error> {
    let too_many =
        || LedgerError::TooManyFacts { subject: subject.to_string(), max: ledger::facts_max(subject) };
    let count = tx.fetch_optional(sql!(COUNT, subject.to_string())).await?;
    if count
        .map(|row| row.number::<usize>("facts"))
        .transpose()?
        .is_some_and(|facts| facts > ledger::facts_max(subject))
    {
        return Err(too_many().into());
    }
    let facts = facts::at(tx, subject, moment).await?;
    if facts.is_empty() {
        return Ok(None);
    }
    let state = refold(tx, subject, &facts, Rules::default().stash_ratio).await?.ok_or_else(too_many)?;
    Ok(Some((facts, state)))
}
