//! Money that enters or leaves: pending, then settled or failed; settled, then returned.

use std::collections::BTreeSet;

use domain::{Booking, Currency, Direction, ExternalId, Fact, Money, TransferStatus, What};
use jiff::Timestamp;

use crate::account::{Bucket, LedgerAccount, System};
use crate::fault::Fault;
use crate::posting::{Leg, Posting, TransactionKind};
use crate::rules::Rules;
use crate::state::{Review, ReviewKind, Row, State, Transfer};

/// What one fact tells of a transfer.
#[derive(Clone, Copy)]
struct Told<'a> {
    fact: &'a Fact,
    account: Option<&'a ExternalId>,
    direction: Option<Direction>,
    amount: Option<Money>,
    status: TransferStatus,
    booking: Booking,
}

/// The transfer that the facts come to. A transfer that went back was never failed; between settled and failed, what
/// became so last holds. What it tells when it settles counts more than what was told before.
pub(crate) fn fold(id: &ExternalId, facts: &[Fact], rules: &Rules) -> Result<State, Fault> {
    let told: Vec<Told<'_>> = facts.iter().filter_map(told).collect();
    let Some(last_at) = told.iter().map(|told| told.fact.at).max() else {
        return Err(Fault::Empty { subject: format!("transfer/{id}") });
    };
    let first_at = |status| told.iter().filter(|told| told.status == status).map(|told| told.fact.at).min();
    let transfer = Transfer {
        id: id.clone(),
        account: best(&told, |told| told.account).cloned(),
        direction: best(&told, |told| told.direction),
        amount: best(&told, |told| told.amount),
        status: status(&told),
        booking: booking(told.iter().map(|told| told.booking)),
        settled_at: first_at(TransferStatus::Settled),
        returned_at: first_at(TransferStatus::Returned),
        last_at,
    };
    let postings = postings(&transfer, rules)?;
    let reviews = reviews(&transfer, &told);
    Ok(State { row: Row::Transfer(transfer), postings, reviews })
}

fn told(fact: &Fact) -> Option<Told<'_>> {
    let What::Transfer { account, direction, amount, status, booking } = &fact.what else { return None };
    Some(Told {
        fact,
        account: account.as_ref(),
        direction: *direction,
        amount: *amount,
        status: *status,
        booking: *booking,
    })
}

/// What was told of one field: when it settled if that is known, the latest otherwise.
fn best<'a, T>(told: &[Told<'a>], field: impl Fn(&Told<'a>) -> Option<T>) -> Option<T> {
    let known = told.iter().filter(|told| field(told).is_some());
    let best = known.max_by_key(|told| (told.status == TransferStatus::Settled, told.fact.at, told.fact));
    best.and_then(field)
}

fn status(told: &[Told<'_>]) -> TransferStatus {
    let has = |status| told.iter().any(|told| told.status == status);
    if has(TransferStatus::Returned) {
        return TransferStatus::Returned;
    }
    let ends = told.iter().filter(|told| told.status != TransferStatus::Pending);
    let last = ends.max_by_key(|told| (told.fact.at, told.status));
    last.map_or(TransferStatus::Pending, |told| told.status)
}

/// The books move only when every fact says that they do: money told of twice is not booked twice.
pub(crate) fn booking(told: impl IntoIterator<Item = Booking>) -> Booking {
    told.into_iter().max().unwrap_or(Booking::Memo)
}

fn reviews(transfer: &Transfer, told: &[Told<'_>]) -> Vec<Review> {
    let review = |kind| Review { kind, about: transfer.id.clone(), at: transfer.last_at };
    let has = |status| told.iter().any(|told| told.status == status);
    let accounts: BTreeSet<_> = told.iter().filter_map(|told| told.account).collect();
    let directions: BTreeSet<_> = told.iter().filter_map(|told| told.direction).collect();
    let bookings: BTreeSet<_> = told.iter().map(|told| told.booking).collect();
    let settled = told.iter().filter(|told| told.status == TransferStatus::Settled);
    let amounts: BTreeSet<_> = settled.filter_map(|told| told.amount).collect();
    let contradict = (has(TransferStatus::Settled) && has(TransferStatus::Failed))
        || (has(TransferStatus::Returned) && has(TransferStatus::Failed))
        || accounts.len() > 1
        || directions.len() > 1
        || amounts.len() > 1
        || bookings.len() > 1;
    let is_booked = transfer.booking == Booking::Books && transfer.settled_at.is_some();
    let is_whole = transfer.account.is_some() && transfer.direction.is_some() && transfer.amount.is_some();
    let contradiction = contradict.then(|| review(ReviewKind::Contradiction));
    let incomplete = (is_booked && !is_whole).then(|| review(ReviewKind::Incomplete));
    contradiction.into_iter().chain(incomplete).collect()
}

fn postings(transfer: &Transfer, rules: &Rules) -> Result<Vec<Posting>, Fault> {
    let Transfer { id, account, direction, amount, status, booking, settled_at, returned_at, last_at: _ } =
        transfer;
    let (Some(account), Some(direction), Some(money), Some(at)) = (account, *direction, *amount, *settled_at)
    else {
        return Ok(Vec::new());
    };
    let has_moved = matches!(status, TransferStatus::Settled | TransferStatus::Returned);
    if *booking == Booking::Memo || !has_moved {
        return Ok(Vec::new());
    }
    let key = format!("transfer/{id}");
    let clearing = LedgerAccount::System(System::Clearing(id.provider()));
    let mut postings = match direction {
        Direction::Inbound => deposit(&key, account, clearing, (money, at), rules)?,
        Direction::Outbound => {
            let bucket = LedgerAccount::User(account.clone(), Bucket::leaving(money.currency()));
            let effect = format!("{key}/withdrawal");
            vec![Posting::movement(effect, TransactionKind::Withdrawal, at, money, (bucket, clearing))?]
        }
    };
    if let (TransferStatus::Returned, Some(at)) = (status, *returned_at) {
        let reversal = reversal(format!("{key}/reversal"), at, &postings)?;
        postings.push(reversal);
    }
    Ok(postings)
}

/// A deposit is credited once; one in USDC is then split, as a move and never as a second credit.
pub(crate) fn deposit(
    key: &str,
    holder: &ExternalId,
    source: LedgerAccount,
    (money, at): (Money, Timestamp),
    rules: &Rules,
) -> Result<Vec<Posting>, Fault> {
    let arriving = LedgerAccount::User(holder.clone(), Bucket::arriving(money.currency()));
    let credit = (source, arriving.clone());
    let credit = Posting::movement(format!("{key}/deposit"), TransactionKind::Deposit, at, money, credit)?;
    if money.currency() != Currency::Usdc {
        return Ok(vec![credit]);
    }
    let stash = rules.stash_ratio.of(money)?;
    let spending = money.plus(stash.negated()?)?;
    let to = |bucket, money| Leg { account: LedgerAccount::User(holder.clone(), bucket), money };
    let legs = [
        Leg { account: arriving, money: money.negated()? },
        to(Bucket::SpendingBalance, spending),
        to(Bucket::StashBalance, stash),
    ];
    let split = Posting::new(format!("{key}/split"), TransactionKind::InternalTransfer, at, legs)?;
    Ok(vec![credit, split])
}

/// Every leg of `postings` the other way.
fn reversal(effect: String, at: Timestamp, postings: &[Posting]) -> Result<Posting, Fault> {
    let legs = postings.iter().flat_map(Posting::legs);
    let legs = legs.map(|leg| Ok(Leg { account: leg.account.clone(), money: leg.money.negated()? }));
    let legs = legs.collect::<Result<Vec<Leg>, Fault>>()?;
    Posting::new(effect, TransactionKind::Reversal, at, legs)
}

#[cfg(test)]
mod tests;
