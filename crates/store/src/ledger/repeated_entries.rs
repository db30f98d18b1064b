//! Entries that a broker may have reported twice with two ids, in each of its lists.

use domain::{CashKind, EntryStatus, PostingMode};
use ledger::{CashDetails, CashEntry, Day, Review, ReviewKind, Row};

use super::SubjectState;
use super::columns::enum_name;
use crate::database::{Transaction, sql};
use crate::error::Error;

const SAME: &str = "SELECT id FROM cash_entries WHERE account = $1 AND kind = $2 AND amount = $3 AND currency = $4 \
    AND at >= $5 AND at < $6 AND id <> $7 AND status = 'executed' AND posting_mode = 'post' \
    AND superseded_by IS NULL LIMIT 1";

/// Adds a review to each posted entry that another one equals in account, kind, amount and day. It stays posted: there may be
/// two of them.
pub(super) async fn add_reviews(tx: &mut Transaction<'_>, states: &mut [SubjectState]) -> Result<(), Error> {
    for SubjectState { state, .. } in states {
        let Row::CashEntry(entry) = &state.row else { continue };
        if is_repeated(tx, entry).await? {
            let (about, at) = (entry.id.clone(), entry.last_at);
            state.reviews.push(Review { kind: ReviewKind::RepeatedEntry, about, at });
        }
    }
    Ok(())
}

async fn is_repeated(tx: &mut Transaction<'_>, entry: &CashEntry) -> Result<bool, Error> {
    let Some(CashDetails { account, kind, amount, at, .. }) =
        entry.details.as_ref().filter(|details| is_paid_once(details))
    else {
        return Ok(false);
    };
    let day = Day::from_timestamp(*at)?;
    let (account, currency) = (account.to_string(), amount.currency().as_str());
    let (kind, minor, id) = (enum_name(kind)?, amount.minor(), entry.id.to_string());
    let same = sql!(SAME, account, kind, minor, currency, day.start, day.end, id);
    Ok(entry.superseded_by.is_none() && tx.fetch_optional(same).await?.is_some())
}

/// Whether one day seldom has two such entries of one amount. Deposits and fees repeat.
fn is_paid_once(details: &CashDetails) -> bool {
    let is_kind = matches!(details.kind, CashKind::Dividend | CashKind::Interest | CashKind::Tax);
    is_kind && details.status == EntryStatus::Executed && details.posting_mode == PostingMode::Post
}
