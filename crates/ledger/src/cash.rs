//! Entries of a broker's book that are no trades: dividends, interest, fees, taxes, journals, deposits and withdrawals.

use std::collections::BTreeSet;

use domain::{Booking, CashKind, ExternalId, Fact, Standing, What};

use crate::account::{Bucket, LedgerAccount, System};
use crate::fault::Fault;
use crate::posting::{Posting, TransactionKind};
use crate::rules::Rules;
use crate::state::{CashEntry, CashWhat, Review, ReviewKind, Row, State};
use crate::transfer;

/// The entry that the facts come to. One that was taken back stays taken back; one that another stands in for moves
/// nothing; of two that say different things, what became so last holds.
pub(crate) fn fold(id: &ExternalId, facts: &[Fact], rules: &Rules) -> Result<State, Fault> {
    let Some(last_at) = facts.iter().map(|fact| fact.at).max() else {
        return Err(Fault::Empty { subject: format!("cash/{id}") });
    };
    let told: Vec<CashWhat> = facts.iter().filter_map(told).collect();
    let booking = transfer::booking(told.iter().map(|told| told.booking));
    let best = told.iter().max_by_key(|told| {
        (told.standing, told.at, told.kind, told.amount.currency(), told.amount.minor(), &told.account)
    });
    let entry = CashEntry {
        id: id.clone(),
        what: best.map(|best| CashWhat { booking, ..best.clone() }),
        superseded_by: facts.iter().filter_map(successor).max().cloned(),
        last_at,
    };
    let postings = postings(&entry, rules)?;
    let reviews = reviews(&entry, &told);
    Ok(State { row: Row::CashEntry(entry), postings, reviews })
}

fn told(fact: &Fact) -> Option<CashWhat> {
    let What::Cash { account, kind, amount, standing, booking } = &fact.what else { return None };
    let (kind, amount, standing, booking) = (*kind, *amount, *standing, *booking);
    Some(CashWhat { account: account.clone(), kind, amount, standing, booking, at: fact.at })
}

fn successor(fact: &Fact) -> Option<&ExternalId> {
    if let What::Superseded { by } = &fact.what { Some(by) } else { None }
}

fn reviews(entry: &CashEntry, told: &[CashWhat]) -> Vec<Review> {
    let says = |told: &CashWhat| (told.account.clone(), told.kind, told.amount, told.booking);
    let executed = told.iter().filter(|told| told.standing == Standing::Executed);
    let different: BTreeSet<_> = executed.map(says).collect();
    let review = Review { kind: ReviewKind::Contradiction, about: entry.id.clone(), at: entry.last_at };
    (different.len() > 1).then_some(review).into_iter().collect()
}

fn postings(entry: &CashEntry, rules: &Rules) -> Result<Vec<Posting>, Fault> {
    let Some(what) = &entry.what else { return Ok(Vec::new()) };
    let CashWhat { account, kind, amount, standing, booking, at } = what;
    let holds = *standing == Standing::Executed && entry.superseded_by.is_none();
    if !holds || *booking == Booking::Memo || amount.is_zero() {
        return Ok(Vec::new());
    }
    let key = format!("cash/{}", entry.id);
    let (name, transaction, source) = counterpart(*kind, entry);
    let source = LedgerAccount::System(source);
    let is_credit = amount.minor() > 0;
    if *kind == CashKind::Deposit && is_credit {
        return transfer::deposit(&key, account, source, (*amount, *at), rules);
    }
    let bucket = if is_credit { Bucket::arriving } else { Bucket::leaving };
    let holder = LedgerAccount::User(account.clone(), bucket(amount.currency()));
    let effect = format!("{key}/{name}");
    Ok(vec![Posting::movement(effect, transaction, *at, *amount, (source, holder))?])
}

/// Where money of this kind comes from and goes to.
fn counterpart(kind: CashKind, entry: &CashEntry) -> (&'static str, TransactionKind, System) {
    let clearing = System::Clearing(entry.id.provider());
    match kind {
        CashKind::Deposit => ("deposit", TransactionKind::Deposit, clearing),
        CashKind::Withdrawal => ("withdrawal", TransactionKind::Withdrawal, clearing),
        CashKind::Dividend => ("dividend", TransactionKind::Dividend, System::Income),
        CashKind::Interest => ("interest", TransactionKind::Interest, System::Income),
        CashKind::Fee => ("fee", TransactionKind::Fee, System::Fees),
        CashKind::Tax => ("tax", TransactionKind::Tax, System::Taxes),
        CashKind::Journal => ("journal", TransactionKind::Journal, System::BrokerOperational),
    }
}

#[cfg(test)]
mod tests;
