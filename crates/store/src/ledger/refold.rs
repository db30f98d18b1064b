//! The state of a subject from all of its facts, as if they had come at once.

use domain::{Fact, Subject};
use ledger::{Rules, StashRatio, State};

use super::{coins, rows};
use crate::database::Transaction;
use crate::error::Error;

/// Folds all facts of a subject. `None` if there are more than are folded: what is posted is as before those.
///
/// # Errors
/// [`Error::Ledger`] when they cannot be folded.
pub(super) async fn refold(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    facts: &[Fact],
    stash_ratio: StashRatio,
) -> Result<Option<State>, Error> {
    if facts.len() > ledger::facts_max(subject) {
        return Ok(None);
    }
    let state = match subject {
        Subject::Holding { account, symbol } => {
            let key = (account.clone(), *symbol);
            let facts_by_holding = rows::FactsByHolding::from([(key.clone(), facts)]);
            let found = rows::find_elsewhere(tx, &facts_by_holding).await?.remove(&key);
            let mut elsewhere = found.unwrap_or_default();
            elsewhere.extend(rows::parked_elsewhere(tx, account, *symbol).await?);
            ledger::fold_holding(account, *symbol, facts, &elsewhere)?
        }
        Subject::Account(_) | Subject::Transfer(_) | Subject::CashEntry(_) | Subject::Journal(_) => {
            let mut state = ledger::fold(subject, facts, &Rules { stash_ratio })?;
            coins::apply_stored(tx, &mut state).await?;
            state
        }
    };
    Ok(Some(state))
}
