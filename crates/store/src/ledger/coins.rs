//! Coins that one provider sends and another one receives. Both report them, and they are one movement: it is posted where they
//! arrive, and the transfer that sent them is only stored.
//!
//! What is one movement is decided by the transaction on the blockchain, the amount and the currency. Of several equal transfers
//! of one account in one transaction, as many are passed on as arrive; of several accounts, a person decides whose arrived.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    CoinSide, Direction, ExternalId, Fact, FactKind, Money, PostingMode, Subject, TransactionHash,
    TransferStatus,
};
use jiff::Timestamp;
use ledger::{Review, ReviewKind, Row as FoldedRow, State, Transfer};

use super::SubjectState;
use super::columns::{optional_money, parse_enum, parse_optional_enum};
use crate::database::{Backend, Row, Transaction, sql};
use crate::error::Error;

const SELECT: &str = "SELECT id, account, direction, amount, currency, status, coin_transaction, coin_side FROM transfers \
    WHERE coin_transaction IN";
const STORED: &str =
    "SELECT id, coin_transaction FROM transfers WHERE coin_transaction IS NOT NULL AND id IN";
/// Two transactions that post both ends of one movement must see each other's.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 4211500172))";

/// What became of coins that a provider sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// They arrived at another provider.
    Arrived,
    /// Another provider reports another amount of the same transaction, or fewer equal ones than several accounts sent.
    Differs,
    /// Nobody has reported that they arrived.
    Open,
}

/// One end of a movement of coins.
#[derive(Clone)]
struct End {
    id: ExternalId,
    account: Option<ExternalId>,
    transaction: TransactionHash,
    side: CoinSide,
    /// The amount, if it settled.
    settled: Option<Money>,
}

/// The movements that a batch of facts may change: transactions of blockchains, each with the time from which on.
#[derive(Default)]
pub(super) struct Movements(BTreeMap<TransactionHash, Timestamp>);

/// Finds the movements of new facts, those of before included, and locks them in a fixed order until the transaction ends:
/// before the subjects, which are locked in an order of their own.
pub(super) async fn lock(
    tx: &mut Transaction<'_>,
    new: &BTreeMap<Subject, Vec<Fact>>,
) -> Result<Movements, Error> {
    let mut movements = Movements::default();
    let mut since: BTreeMap<String, Timestamp> = BTreeMap::new();
    for (subject, facts) in new {
        let (Subject::Transfer(id), Some(at)) = (subject, facts.iter().map(|fact| fact.at).min()) else {
            continue;
        };
        since.insert(id.to_string(), at);
        for fact in facts {
            if let FactKind::Coins { transaction, .. } = &fact.kind {
                movements.add(transaction.clone(), at);
            }
        }
    }
    for row in tx.fetch_in(sql!(STORED), &Vec::from_iter(since.keys()), "").await? {
        if let Some(at) = since.get(&row.text("id")?) {
            movements.add(row.parsed("coin_transaction")?, *at);
        }
    }
    if tx.backend() == Backend::Postgres {
        for transaction in movements.0.keys() {
            tx.fetch_all(sql!(LOCK, transaction.as_str())).await?;
        }
    }
    Ok(movements)
}

impl Movements {
    fn add(&mut self, transaction: TransactionHash, at: Timestamp) {
        let since = self.0.entry(transaction).or_insert(at);
        *since = at.min(*since);
    }
}

/// Other transfers that sent coins, each with what became of these and the time of the change.
pub(super) type Senders = BTreeMap<Subject, (Timestamp, Sent)>;

/// Applies to the states what became of their coins. Returns the other transfers that sent coins in these transactions, whose
/// postings may change too.
pub(super) async fn settle(
    tx: &mut Transaction<'_>,
    states: &mut [SubjectState],
    movements: &Movements,
) -> Result<Senders, Error> {
    let ends: Vec<End> = states.iter().filter_map(|each| end(&each.state)).collect();
    let own: BTreeSet<ExternalId> =
        states.iter().filter_map(|each| transfer_id(&each.state)).cloned().collect();
    let sent = sent(tx, movements.0.keys(), (ends, &own)).await?;
    for SubjectState { state, .. } in states {
        apply_own(state, &sent);
    }
    let others = sent.into_iter().filter(|(id, _)| !own.contains(id));
    let changed = |(id, (transaction, outcome))| {
        Some((Subject::Transfer(id), (*movements.0.get(&transaction)?, outcome)))
    };
    Ok(others.filter_map(changed).collect())
}

fn transfer_id(state: &State) -> Option<&ExternalId> {
    if let FoldedRow::Transfer(transfer) = &state.row { Some(&transfer.id) } else { None }
}

/// Applies to a folded transfer what became of its coins, by the stored rows of the others.
pub(super) async fn apply_stored(tx: &mut Transaction<'_>, state: &mut State) -> Result<(), Error> {
    let Some(end) = end(state) else { return Ok(()) };
    let (transaction, own) = (end.transaction.clone(), BTreeSet::from([end.id.clone()]));
    let sent = sent(tx, [&transaction], (vec![end], &own)).await?;
    apply_own(state, &sent);
    Ok(())
}

fn apply_own(state: &mut State, sent: &Outcomes) {
    if let Some((_, outcome)) = transfer_id(state).and_then(|id| sent.get(id)) {
        apply(state, *outcome);
    }
}

/// Applies to a folded transfer what became of the coins that it sent.
pub(super) fn apply(state: &mut State, outcome: Sent) {
    let FoldedRow::Transfer(transfer) = &mut state.row else { return };
    match outcome {
        Sent::Arrived => {
            transfer.posting_mode = PostingMode::Memo;
            state.postings.clear();
        }
        Sent::Differs => {
            let (about, at) = (transfer.id.clone(), transfer.last_at);
            state.reviews.push(Review { kind: ReviewKind::CoinsDiffer, about, at });
        }
        Sent::Open => {}
    }
}

/// What became of the coins of each transfer that sent some, and in which transaction.
type Outcomes = BTreeMap<ExternalId, (TransactionHash, Sent)>;

/// What became of all coins that were sent in transactions. The ends take the place of the stored rows of `own` transfers.
async fn sent(
    tx: &mut Transaction<'_>,
    transactions: impl IntoIterator<Item = &TransactionHash>,
    (ends, own): (Vec<End>, &BTreeSet<ExternalId>),
) -> Result<Outcomes, Error> {
    let transactions: Vec<&str> = transactions.into_iter().map(TransactionHash::as_str).collect();
    let rows = tx.fetch_in(sql!(SELECT), &transactions, "").await?;
    let stored = rows.iter().map(stored_end).collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
    let by_id: BTreeMap<ExternalId, End> =
        stored.filter(|end| !own.contains(&end.id)).chain(ends).map(|end| (end.id.clone(), end)).collect();
    let mut movements: BTreeMap<TransactionHash, (Vec<End>, Vec<End>)> = BTreeMap::new();
    for end in by_id.into_values() {
        let (sent, received) = movements.entry(end.transaction.clone()).or_default();
        match end.side {
            CoinSide::Sent => sent.push(end),
            CoinSide::Received => received.push(end),
        }
    }
    let outcomes = movements.into_iter().flat_map(|(transaction, (sent, received))| {
        matched(sent, received).into_iter().map(move |(id, outcome)| (id, (transaction.clone(), outcome)))
    });
    Ok(outcomes.collect())
}

/// Matches what was sent with what was received at other providers: equal amounts, in the order of their ids.
fn matched(sent: Vec<End>, mut received: Vec<End>) -> Vec<(ExternalId, Sent)> {
    received.retain(|end| end.settled.is_some());
    let mut equal: BTreeMap<_, Vec<End>> = BTreeMap::new();
    for end in sent {
        let amount = end.settled.map(|money| (money.currency(), money.minor()));
        equal.entry((end.id.provider(), amount)).or_default().push(end);
    }
    let (mut outcomes, mut open) = (Vec::new(), Vec::new());
    for ((provider, _), ends) in equal {
        let settled = ends.first().and_then(|end| end.settled);
        let is_same =
            |end: &End| settled.is_some() && end.id.provider() != provider && end.settled == settled;
        let arrivals: Vec<usize> =
            (0..received.len()).filter(|at| is_same(&received[*at])).take(ends.len()).collect();
        let accounts: BTreeSet<_> = ends.iter().map(|end| &end.account).collect();
        let is_ambiguous = !arrivals.is_empty() && arrivals.len() < ends.len() && accounts.len() > 1;
        for (position, end) in ends.into_iter().enumerate() {
            match position < arrivals.len() {
                _ if is_ambiguous => outcomes.push((end.id, Sent::Differs)),
                true => outcomes.push((end.id, Sent::Arrived)),
                false => open.push(end),
            }
        }
        arrivals.into_iter().rev().for_each(|at| drop(received.remove(at)));
    }
    outcomes.extend(open.into_iter().map(|End { id, settled, .. }| {
        let arrived_otherwise = received.iter().any(|end| end.id.provider() != id.provider());
        let differs = settled.is_some() && arrived_otherwise;
        (id, if differs { Sent::Differs } else { Sent::Open })
    }));
    outcomes
}

fn end(state: &State) -> Option<End> {
    let FoldedRow::Transfer(transfer) = &state.row else { return None };
    let Transfer { id, account, direction, amount, status, coins, .. } = transfer;
    let (transaction, side) = coins.clone()?;
    new_end((id.clone(), account.clone()), *direction, (*amount, *status), (transaction, side))
}

/// Coins that leave are a withdrawal where they were: only deposits are passed on.
fn new_end(
    (id, account): (ExternalId, Option<ExternalId>),
    direction: Option<Direction>,
    (amount, status): (Option<Money>, TransferStatus),
    (transaction, side): (TransactionHash, CoinSide),
) -> Option<End> {
    let settled = amount.filter(|_| status == TransferStatus::Settled);
    (direction != Some(Direction::Outbound)).then_some(End { id, account, transaction, side, settled })
}

fn stored_end(row: &Row) -> Result<Option<End>, Error> {
    Ok(new_end(
        (row.parsed("id")?, row.optional_text("account")?.map(|_| row.parsed("account")).transpose()?),
        parse_optional_enum(row, "direction")?,
        (optional_money(row, "amount", "currency")?, parse_enum(row, "status")?),
        (row.parsed("coin_transaction")?, parse_enum(row, "coin_side")?),
    ))
}
