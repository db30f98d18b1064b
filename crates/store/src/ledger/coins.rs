//! Coins that one provider sends and another one receives. Both report them, and they are one movement: it is posted where they
//! arrive, and the transfer that sent them is only stored.
//!
//! What is one movement is decided by the transaction on the blockchain, the amount and the currency. Of several equal transfers
//! in one transaction, as many are passed on as arrive.

use std::collections::{BTreeMap, BTreeSet};

use domain::{CoinSide, Direction, ExternalId, Money, PostingMode, Subject, TransactionHash, TransferStatus};
use ledger::{Review, ReviewKind, Row as FoldedRow, State, Transfer};

use super::SubjectState;
use super::columns::{optional_money, parse_enum, parse_optional_enum};
use crate::database::{Backend, Row, Transaction, sql};
use crate::error::Error;

const SELECT: &str = "SELECT id, direction, amount, currency, status, coin_transaction, coin_side FROM transfers \
    WHERE coin_transaction IN";
/// Two transactions that post both ends of one movement must see each other's.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 4211500172))";

/// What became of coins that a provider sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// They arrived at another provider.
    Arrived,
    /// Another provider reports another amount of the same transaction.
    Differs,
    /// Nobody has reported that they arrived.
    Open,
}

/// One end of a movement of coins.
#[derive(Clone)]
struct End {
    id: ExternalId,
    transaction: TransactionHash,
    side: CoinSide,
    /// The amount, if it settled.
    settled: Option<Money>,
}

/// Locks the movements of these transfers until the transaction ends, and applies what became of them. Returns the other
/// transfers that sent coins in the same transactions, whose postings may change too.
pub(super) async fn settle(
    tx: &mut Transaction<'_>,
    states: &mut [SubjectState],
) -> Result<BTreeSet<Subject>, Error> {
    let ends: Vec<End> = states.iter().filter_map(|each| end(&each.state)).collect();
    if tx.backend() == Backend::Postgres {
        for transaction in ends.iter().map(|end| &end.transaction).collect::<BTreeSet<_>>() {
            tx.fetch_all(sql!(LOCK, transaction.as_str())).await?;
        }
    }
    let mut sent = sent(tx, ends).await?;
    for SubjectState { state, .. } in states {
        apply(state, &mut sent);
    }
    Ok(sent.into_keys().map(Subject::Transfer).collect())
}

/// Whether a state is a transfer whose coins moved in a transaction.
pub(super) fn is_end(state: &State) -> bool {
    end(state).is_some()
}

/// Applies to a folded transfer what became of its coins, by the stored rows of the others.
pub(super) async fn apply_stored(tx: &mut Transaction<'_>, state: &mut State) -> Result<(), Error> {
    let mut sent = sent(tx, end(state).into_iter().collect()).await?;
    apply(state, &mut sent);
    Ok(())
}

fn apply(state: &mut State, sent: &mut BTreeMap<ExternalId, Sent>) {
    let FoldedRow::Transfer(transfer) = &mut state.row else { return };
    match sent.remove(&transfer.id) {
        Some(Sent::Arrived) => {
            transfer.posting_mode = PostingMode::Memo;
            state.postings.clear();
        }
        Some(Sent::Differs) => {
            let (about, at) = (transfer.id.clone(), transfer.last_at);
            state.reviews.push(Review { kind: ReviewKind::CoinsDiffer, about, at });
        }
        Some(Sent::Open) | None => {}
    }
}

/// What became of all coins that were sent in the transactions of these ends, which take the place of their stored rows.
async fn sent(tx: &mut Transaction<'_>, ends: Vec<End>) -> Result<BTreeMap<ExternalId, Sent>, Error> {
    if ends.is_empty() {
        return Ok(BTreeMap::new());
    }
    let transactions: BTreeSet<&str> = ends.iter().map(|end| end.transaction.as_str()).collect();
    let rows = tx.fetch_in(sql!(SELECT), &Vec::from_iter(transactions), "").await?;
    let stored = rows.iter().map(stored_end).collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
    let by_id: BTreeMap<ExternalId, End> = stored.chain(ends).map(|end| (end.id.clone(), end)).collect();
    let mut movements: BTreeMap<TransactionHash, (Vec<End>, Vec<End>)> = BTreeMap::new();
    for end in by_id.into_values() {
        let (sent, received) = movements.entry(end.transaction.clone()).or_default();
        match end.side {
            CoinSide::Sent => sent.push(end),
            CoinSide::Received => received.push(end),
        }
    }
    Ok(movements.into_values().flat_map(|(sent, received)| matched(sent, received)).collect())
}

/// Matches what was sent with what was received at other providers, in the order of their ids.
fn matched(sent: Vec<End>, mut received: Vec<End>) -> Vec<(ExternalId, Sent)> {
    received.retain(|end| end.settled.is_some());
    let mut open = Vec::new();
    let mut matched = Vec::new();
    for End { id, settled, .. } in sent {
        let is_same = |end: &End| end.id.provider() != id.provider() && end.settled == settled;
        match received.iter().position(is_same) {
            Some(arrival) => {
                received.remove(arrival);
                matched.push((id, Sent::Arrived));
            }
            None => open.push((id, settled)),
        }
    }
    matched.extend(open.into_iter().map(|(id, settled)| {
        let arrived_otherwise = received.iter().any(|end| end.id.provider() != id.provider());
        let differs = settled.is_some() && arrived_otherwise;
        (id, if differs { Sent::Differs } else { Sent::Open })
    }));
    matched
}

fn end(state: &State) -> Option<End> {
    let FoldedRow::Transfer(transfer) = &state.row else { return None };
    let Transfer { id, direction, amount, status, coins, .. } = transfer;
    let (transaction, side) = coins.clone()?;
    new_end(id.clone(), *direction, (*amount, *status), (transaction, side))
}

/// Coins that leave are a withdrawal where they were: only deposits are passed on.
fn new_end(
    id: ExternalId,
    direction: Option<Direction>,
    (amount, status): (Option<Money>, TransferStatus),
    (transaction, side): (TransactionHash, CoinSide),
) -> Option<End> {
    let settled = amount.filter(|_| status == TransferStatus::Settled);
    (direction != Some(Direction::Outbound)).then_some(End { id, transaction, side, settled })
}

fn stored_end(row: &Row) -> Result<Option<End>, Error> {
    Ok(new_end(
        row.parsed("id")?,
        parse_optional_enum(row, "direction")?,
        (optional_money(row, "amount", "currency")?, parse_enum(row, "status")?),
        (row.parsed("coin_transaction")?, parse_enum(row, "coin_side")?),
    ))
}
