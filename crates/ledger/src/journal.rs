//! Journals by hand: what they may contain, what they post, and how they are reversed.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Bucket, Currency, Fact, FactKind, Journal, JournalEntry, JournalPosting, LedgerAccount, Money, Quantity,
    ShareLine, TransactionKind,
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::error::LedgerError;
use crate::posting::{Leg, Posting};
use crate::state::{Row, State};

/// Most entries and share lines of a journal together.
pub const JOURNAL_LINES_MAX: usize = 100;
const REFERENCE_CHARS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 2_000;
/// 2000-01-01T00:00:00Z in seconds.
const EARLIEST_S: i64 = 946_684_800;

/// Why a journal is refused, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalFault {
    /// Nothing to post.
    #[error("a journal needs a posting or a share line")]
    Empty,
    /// Too many lines.
    #[error("a journal has at most {JOURNAL_LINES_MAX} entries and share lines; split it into several")]
    TooLong,
    /// A text is empty, too long, or has characters that hide or reorder others.
    #[error(
        "{field} must be 1 to {max} characters without control, invisible or bidirectional formatting characters"
    )]
    Text {
        /// The field.
        field: &'static str,
        /// Most characters.
        max: usize,
    },
    /// Before 2000 or in the future.
    #[error("effective_at must be from 2000 until now")]
    Time,
    /// Two postings have one kind.
    #[error("two postings have the kind {0}; put their entries into one")]
    KindRepeated(TransactionKind),
    /// The kind or account follows from others.
    #[error("{0} follows from other entries and is not posted by hand")]
    Derived(String),
    /// An entry of nothing.
    #[error("the entry of {0} is zero; leave it out")]
    ZeroEntry(LedgerAccount),
    /// The entries do not balance.
    #[error(
        "the entries of the posting {kind} sum to {sum} {currency} and must sum to zero in each currency"
    )]
    Unbalanced {
        /// The kind of the posting.
        kind: TransactionKind,
        /// Their sum.
        sum: Decimal,
        /// The currency.
        currency: Currency,
    },
    /// Two share lines are of one holding.
    #[error("two share lines are of {symbol} in {account}; put them into one", symbol = .0.symbol, account = .0.account)]
    ShareRepeated(Box<ShareLine>),
    /// A share line that changes nothing, or a split that changes a cost.
    #[error("a share line needs a quantity or a cost, and a split a quantity and no cost")]
    ShareLine,
}

/// Whether a journal can be posted at `now`, apart from what only the stored accounts and positions show.
///
/// # Errors
/// The first [`JournalFault`].
pub fn check_journal(journal: &Journal, now: Timestamp) -> Result<(), JournalFault> {
    let Journal { effective_at, reference, reason, evidence, postings, shares, allow_overdraft: _ } = journal;
    check_text("reference", reference, REFERENCE_CHARS_MAX)?;
    check_reason(reason)?;
    evidence.as_deref().map_or(Ok(()), |text| check_text("evidence", text, TEXT_CHARS_MAX))?;
    if *effective_at > now || effective_at.as_second() < EARLIEST_S {
        return Err(JournalFault::Time);
    }
    let lines = shares.len() + postings.iter().map(|posting| posting.entries.len()).sum::<usize>();
    match lines {
        0 => return Err(JournalFault::Empty),
        1..=JOURNAL_LINES_MAX => {}
        _ => return Err(JournalFault::TooLong),
    }
    let mut kinds = BTreeSet::new();
    for posting in postings {
        if !kinds.insert(posting.kind) {
            return Err(JournalFault::KindRepeated(posting.kind));
        }
        check_posting(posting)?;
    }
    let mut holdings = BTreeSet::new();
    shares.iter().try_for_each(|line| {
        if !holdings.insert((&line.account, line.symbol)) {
            return Err(JournalFault::ShareRepeated(Box::new(line.clone())));
        }
        check_share_line(line)
    })
}

/// Whether a text can be the reason of a decision.
///
/// # Errors
/// [`JournalFault::Text`].
pub fn check_reason(reason: &str) -> Result<(), JournalFault> {
    check_text("reason", reason, TEXT_CHARS_MAX)
}

fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), JournalFault> {
    let has_lines = field != "reference";
    let is_plain = text
        .chars()
        .all(|letter| (!letter.is_control() && !is_format(letter)) || (letter == '\n' && has_lines));
    let is_text = !text.trim().is_empty() && is_plain && text.chars().count() <= max;
    if is_text { Ok(()) } else { Err(JournalFault::Text { field, max }) }
}

/// Characters that are not seen, break a line, or change the order in which others are shown.
const fn is_format(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn check_posting(JournalPosting { kind, entries }: &JournalPosting) -> Result<(), JournalFault> {
    if *kind == TransactionKind::Shortfall {
        return Err(JournalFault::Derived("a posting of the kind shortfall".to_owned()));
    }
    if entries.is_empty() {
        return Err(JournalFault::Empty);
    }
    let mut sums: BTreeMap<Currency, Decimal> = BTreeMap::new();
    for JournalEntry { account, money } in entries {
        if matches!(account, LedgerAccount::User(_, Bucket::Receivable)) {
            return Err(JournalFault::Derived(account.to_string()));
        }
        if money.is_zero() {
            return Err(JournalFault::ZeroEntry(account.clone()));
        }
        *sums.entry(money.currency()).or_default() += money.to_decimal();
    }
    match sums.into_iter().find(|(_, sum)| !sum.is_zero()) {
        Some((currency, sum)) => Err(JournalFault::Unbalanced { kind: *kind, sum, currency }),
        None => Ok(()),
    }
}

fn check_share_line(line: &ShareLine) -> Result<(), JournalFault> {
    let is_valid = match line.is_split {
        true => !line.quantity.is_zero() && line.cost.is_none(),
        false => !line.quantity.is_zero() || line.cost.is_some_and(|cost| !cost.is_zero()),
    };
    if is_valid { Ok(()) } else { Err(JournalFault::ShareLine) }
}

/// The journal with the opposite of every line: posted as well, nothing is left of it.
///
/// # Errors
/// [`LedgerError::Money`] for an amount that cannot be negated.
pub fn reversed(journal: &Journal) -> Result<Journal, LedgerError> {
    let mut reversed = journal.clone();
    for entry in reversed.postings.iter_mut().flat_map(|posting| &mut posting.entries) {
        entry.money = entry.money.negated()?;
    }
    for line in &mut reversed.shares {
        line.quantity = Quantity::ZERO.minus(line.quantity)?;
        line.cost = line.cost.map(Money::negated).transpose()?;
    }
    Ok(reversed)
}

/// One effect for each posting. A number is given to one journal: of several facts the first counts.
pub(crate) fn fold(number: i64, facts: &[Fact]) -> Result<State, LedgerError> {
    let Some(Fact { at, kind: FactKind::Journal { journal, .. }, .. }) = facts.iter().min() else {
        return Err(LedgerError::NoFacts { subject: format!("journal/{number}") });
    };
    let leg =
        |JournalEntry { account, money }: &JournalEntry| Leg { account: account.clone(), money: *money };
    let posting = |JournalPosting { kind, entries }: &JournalPosting| {
        Posting::new(format!("journal/{number}/{kind}"), *kind, *at, entries.iter().map(leg))
    };
    let postings = journal.postings.iter().map(posting).collect::<Result<_, _>>()?;
    Ok(State { row: Row::Journal, postings, reviews: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(lines: &str) -> Journal {
        let text =
            format!(r#"{{"effective_at":"2026-03-02T21:00:00Z","reference":"r","reason":"why",{lines}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    fn entries(kind: &str, amounts: &[(&str, &str)]) -> String {
        let entry = |(account, amount): &(&str, &str)| {
            format!(r#"{{"account":"{account}","amount":"{amount}","currency":"USD"}}"#)
        };
        let entries: Vec<_> = amounts.iter().map(entry).collect();
        format!(r#"{{"kind":"{kind}","entries":[{}]}}"#, entries.join(","))
    }

    fn fault(lines: &str) -> Option<String> {
        let now = "2026-03-02T22:00:00Z".parse().unwrap();
        check_journal(&journal(lines), now).err().map(|fault| fault.to_string())
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let fee = entries("fee", &[("user/alpaca:a1/fiat_exposure", "-5.00"), ("system/fees", "5.00")]);
        let postings = |all: &[&str]| format!(r#""postings":[{}]"#, all.join(","));
        assert_eq!(fault(&postings(&[&fee])), None);
        let odd = entries("fee", &[("user/alpaca:a1/fiat_exposure", "-5.00"), ("system/fees", "4.99")]);
        let many = entries("fee", &[("system/fees", "1.00"); 101]);
        let share = |rest: &str| {
            format!(r#""shares":[{{"account":"alpaca:a1","symbol":"AAPL","quantity":"0"{rest}}}]"#)
        };
        for (lines, expected) in [
            (postings(&[&odd]), "sum to -0.01 USD"),
            (postings(&[&fee, &fee]), "two postings have the kind fee"),
            (postings(&[&many]), "at most 100"),
            (postings(&[&entries("fee", &[])]), "needs a posting"),
            (postings(&[&entries("shortfall", &[("system/fees", "1.00")])]), "shortfall follows"),
            (postings(&[&entries("fee", &[("user/alpaca:a1/receivable", "1.00")])]), "receivable follows"),
            (postings(&[&entries("fee", &[("system/fees", "0.00")])]), "is zero"),
            (share(""), "needs a quantity or a cost"),
            (share(r#","cost":"1.00","currency":"USD","is_split":true"#), "needs a quantity or a cost"),
            (r#""shares":[]"#.to_owned(), "needs a posting"),
        ] {
            assert!(
                fault(&lines).is_some_and(|fault| fault.contains(expected)),
                "{lines}: {:?}",
                fault(&lines)
            );
        }
        let later =
            Journal { effective_at: "2026-03-02T22:00:01Z".parse().unwrap(), ..journal(&postings(&[&fee])) };
        assert_eq!(check_journal(&later, "2026-03-02T22:00:00Z".parse().unwrap()), Err(JournalFault::Time));
        let blank = Journal { reason: " ".to_owned(), ..journal(&postings(&[&fee])) };
        assert!(matches!(check_journal(&blank, later.effective_at), Err(JournalFault::Text { .. })));
        for (field, text) in [
            ("reference", "a\nposted"),
            ("reference", "a\u{202e}b"),
            ("reason", "a\u{2067}b"),
            ("reason", "a\rb"),
            ("evidence", "a\u{200b}b"),
        ] {
            let mut edited = journal(&postings(&[&fee]));
            match field {
                "reference" => text.clone_into(&mut edited.reference),
                "reason" => text.clone_into(&mut edited.reason),
                _ => edited.evidence = Some(text.to_owned()),
            }
            let checked = check_journal(&edited, later.effective_at);
            assert!(
                matches!(checked, Err(JournalFault::Text { field: named, .. }) if named == field),
                "{text:?}"
            );
        }
        let lines = Journal { reason: "one\ntwo".to_owned(), ..journal(&postings(&[&fee])) };
        assert_eq!(check_journal(&lines, later.effective_at), Ok(()));
    }

    #[test]
    fn a_journal_and_its_reversal_leave_nothing() {
        let lines = r#""shares":[{"account":"alpaca:a1","symbol":"AAPL","quantity":"3","cost":"1.00","currency":"USD"}]"#;
        let twice = reversed(&reversed(&journal(lines)).unwrap()).unwrap();
        assert_eq!(twice, journal(lines));
        let line = &reversed(&journal(lines)).unwrap().shares[0];
        assert_eq!((line.quantity.to_string(), line.cost.map(Money::minor)), ("-3".to_owned(), Some(-100)));
    }
}
