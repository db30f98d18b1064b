//! Entries in a broker's book that are not trades: dividends, interest, fees, taxes, journals, deposits and withdrawals.

use std::collections::BTreeSet;

use domain::{
    Bucket, CashKind, EntryStatus, ExternalId, Fact, FactKind, LedgerAccount, PostingMode, System,
    TransactionKind,
};

use crate::error::LedgerError;
use crate::posting::Posting;
use crate::rules::Rules;
use crate::state::{CashDetails, CashEntry, Review, ReviewKind, Row, State};
use crate::transfer;

/// The entry that `facts` describe. A canceled entry stays canceled, a superseded entry moves no money, and of two
/// contradicting facts the later one holds.
pub(crate) fn fold(id: &ExternalId, facts: &[Fact], rules: &Rules) -> Result<State, LedgerError> {
    let Some(last_at) = facts.iter().map(|fact| fact.at).max() else {
        return Err(LedgerError::NoFacts { subject: format!("cash/{id}") });
    };
    let reported: Vec<CashDetails> = facts.iter().filter_map(details).collect();
    let posting_mode = transfer::posting_mode(reported.iter().map(|details| details.posting_mode));
    let best = reported.iter().max_by_key(|one| {
        (one.status, one.at, one.kind, one.amount.currency(), one.amount.minor(), &one.account)
    });
    let entry = CashEntry {
        id: id.clone(),
        details: best.map(|best| CashDetails { posting_mode, ..best.clone() }),
        superseded_by: facts.iter().filter_map(successor).max().cloned(),
        last_at,
    };
    let postings = postings(&entry, rules)?;
    let reviews = reviews(&entry, &reported);
    Ok(State { row: Row::CashEntry(entry), postings, reviews })
}

fn details(fact: &Fact) -> Option<CashDetails> {
    let FactKind::Cash { account, kind, amount, status, posting_mode } = &fact.kind else { return None };
    let (kind, amount, status, posting_mode) = (*kind, *amount, *status, *posting_mode);
    Some(CashDetails { account: account.clone(), kind, amount, status, posting_mode, at: fact.at })
}

fn successor(fact: &Fact) -> Option<&ExternalId> {
    if let FactKind::Superseded { by } = &fact.kind { Some(by) } else { None }
}

fn reviews(entry: &CashEntry, reported: &[CashDetails]) -> Vec<Review> {
    let content = |one: &CashDetails| (one.account.clone(), one.kind, one.amount, one.posting_mode);
    let executed = reported.iter().filter(|details| details.status == EntryStatus::Executed);
    let different: BTreeSet<_> = executed.map(content).collect();
    let review = Review { kind: ReviewKind::Contradiction, about: entry.id.clone(), at: entry.last_at };
    (different.len() > 1).then_some(review).into_iter().collect()
}

fn postings(entry: &CashEntry, rules: &Rules) -> Result<Vec<Posting>, LedgerError> {
    let Some(details) = &entry.details else { return Ok(Vec::new()) };
    let CashDetails { account, kind, amount, status, posting_mode, at } = details;
    let is_valid = *status == EntryStatus::Executed && entry.superseded_by.is_none();
    if !is_valid || *posting_mode == PostingMode::Memo || amount.is_zero() {
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

/// Effect name, transaction kind and system account of the other leg.
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
