//! Money that enters or leaves: pending, then settled or failed; settled, then returned.

use std::collections::BTreeSet;

use domain::{
    Bucket, CoinSide, Currency, Direction, ExternalId, Fact, FactKind, LedgerAccount, Money, PostingMode,
    System, TransactionHash, TransactionKind, TransferStatus,
};
use jiff::Timestamp;

use crate::error::LedgerError;
use crate::posting::{Leg, Posting};
use crate::rules::Rules;
use crate::state::{Review, ReviewKind, Row, State, Transfer};

/// What one fact reports of a transfer.
#[derive(Clone, Copy)]
struct TransferReport<'a> {
    fact: &'a Fact,
    account: Option<&'a ExternalId>,
    direction: Option<Direction>,
    amount: Option<Money>,
    status: TransferStatus,
    posting_mode: PostingMode,
}

/// The transfer that `facts` describe. A returned transfer did not fail; between settled and failed, the later one holds.
/// Fields reported on settlement override those reported earlier.
pub(crate) fn fold(id: &ExternalId, facts: &[Fact], rules: &Rules) -> Result<State, LedgerError> {
    let reports: Vec<TransferReport<'_>> = facts.iter().filter_map(report).collect();
    let Some(last_at) = reports.iter().map(|report| report.fact.at).max() else {
        return Err(LedgerError::NoFacts { subject: format!("transfer/{id}") });
    };
    let first_at =
        |status| reports.iter().filter(|report| report.status == status).map(|report| report.fact.at).min();
    let transfer = Transfer {
        id: id.clone(),
        account: best(&reports, |report| report.account).cloned(),
        direction: best(&reports, |report| report.direction),
        amount: best(&reports, |report| report.amount),
        status: status(&reports),
        posting_mode: posting_mode(reports.iter().map(|report| report.posting_mode)),
        coins: coins(facts),
        settled_at: first_at(TransferStatus::Settled),
        returned_at: first_at(TransferStatus::Returned),
        last_at,
    };
    let postings = postings(&transfer, rules)?;
    let reviews = reviews(&transfer, &reports);
    Ok(State { row: Row::Transfer(transfer), postings, reviews })
}

fn report(fact: &Fact) -> Option<TransferReport<'_>> {
    let FactKind::Transfer { account, direction, amount, status, posting_mode } = &fact.kind else {
        return None;
    };
    Some(TransferReport {
        fact,
        account: account.as_ref(),
        direction: *direction,
        amount: *amount,
        status: *status,
        posting_mode: *posting_mode,
    })
}

/// The value of one field: as reported on settlement if it was, the latest otherwise.
fn best<'a, T>(
    reports: &[TransferReport<'a>],
    field: impl Fn(&TransferReport<'a>) -> Option<T>,
) -> Option<T> {
    let reported = reports.iter().filter(|report| field(report).is_some());
    let best =
        reported.max_by_key(|report| (report.status == TransferStatus::Settled, report.fact.at, report.fact));
    best.and_then(field)
}

/// The latest report of the transaction that moved the coins.
fn coins(facts: &[Fact]) -> Option<(TransactionHash, CoinSide)> {
    let reported = facts.iter().filter_map(|fact| match &fact.kind {
        FactKind::Coins { transaction, side } => Some((fact.at, transaction, *side)),
        _ => None,
    });
    reported.max().map(|(_, transaction, side)| (transaction.clone(), side))
}

fn status(reports: &[TransferReport<'_>]) -> TransferStatus {
    let has = |status| reports.iter().any(|report| report.status == status);
    if has(TransferStatus::Returned) {
        return TransferStatus::Returned;
    }
    let ends = reports.iter().filter(|report| report.status != TransferStatus::Pending);
    let last = ends.max_by_key(|report| (report.fact.at, report.status));
    last.map_or(TransferStatus::Pending, |report| report.status)
}

/// Post only when every fact says so: money that is reported twice is posted once.
pub(crate) fn posting_mode(reported: impl IntoIterator<Item = PostingMode>) -> PostingMode {
    reported.into_iter().max().unwrap_or(PostingMode::Memo)
}

fn reviews(transfer: &Transfer, reports: &[TransferReport<'_>]) -> Vec<Review> {
    let review = |kind| Review { kind, about: transfer.id.clone(), at: transfer.last_at };
    let has = |status| reports.iter().any(|report| report.status == status);
    let accounts: BTreeSet<_> = reports.iter().filter_map(|report| report.account).collect();
    let directions: BTreeSet<_> = reports.iter().filter_map(|report| report.direction).collect();
    let posting_modes: BTreeSet<_> = reports.iter().map(|report| report.posting_mode).collect();
    let settled = reports.iter().filter(|report| report.status == TransferStatus::Settled);
    let amounts: BTreeSet<_> = settled.filter_map(|report| report.amount).collect();
    let contradict = (has(TransferStatus::Settled) && has(TransferStatus::Failed))
        || (has(TransferStatus::Returned) && has(TransferStatus::Failed))
        || accounts.len() > 1
        || directions.len() > 1
        || amounts.len() > 1
        || posting_modes.len() > 1;
    let should_post = transfer.posting_mode == PostingMode::Post && transfer.settled_at.is_some();
    let is_complete = transfer.account.is_some() && transfer.direction.is_some() && transfer.amount.is_some();
    let contradiction = contradict.then(|| review(ReviewKind::Contradiction));
    let incomplete = (should_post && !is_complete).then(|| review(ReviewKind::Incomplete));
    contradiction.into_iter().chain(incomplete).collect()
}

fn postings(transfer: &Transfer, rules: &Rules) -> Result<Vec<Posting>, LedgerError> {
    let Transfer {
        id,
        account,
        direction,
        amount,
        status,
        posting_mode,
        coins: _,
        settled_at,
        returned_at,
        last_at: _,
    } = transfer;
    let (Some(account), Some(direction), Some(money), Some(at)) = (account, *direction, *amount, *settled_at)
    else {
        return Ok(Vec::new());
    };
    let has_moved = matches!(status, TransferStatus::Settled | TransferStatus::Returned);
    if *posting_mode == PostingMode::Memo || !has_moved {
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
) -> Result<Vec<Posting>, LedgerError> {
    let arriving = LedgerAccount::User(holder.clone(), Bucket::arriving(money.currency()));
    let credit = (source, arriving.clone());
    let credit = Posting::movement(format!("{key}/deposit"), TransactionKind::Deposit, at, money, credit)?;
    if money.currency() != Currency::Usdc {
        return Ok(vec![credit]);
    }
    let stash = rules.stash_ratio.part_of(money)?;
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

/// Every leg of `postings` with the opposite sign.
fn reversal(effect: String, at: Timestamp, postings: &[Posting]) -> Result<Posting, LedgerError> {
    let legs = postings.iter().flat_map(Posting::legs);
    let legs = legs.map(|leg| Ok(Leg { account: leg.account.clone(), money: leg.money.negated()? }));
    let legs = legs.collect::<Result<Vec<Leg>, LedgerError>>()?;
    Posting::new(effect, TransactionKind::Reversal, at, legs)
}

#[cfg(test)]
mod tests;
