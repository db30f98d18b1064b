//! Reads rows of a provider as the events that webhooks bring, so that both have one interpretation, and folds their facts.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Direction, EntryStatus, Fact, Provider, StatementKind, StatementLine, StatementStatus, Subject,
    TransferStatus,
};
use jiff::Timestamp;
use ledger::{CashDetails, CashEntry, Row as FoldedRow, Rules, Transfer};
use serde::Serialize;
use webhooks::{Channel, Interpretation, ProviderSettings, SettingValue, Unhandled};

use crate::error::Error;
use crate::matching::{Statement, UNDATED, UnreadLine};
use crate::pages::{Row, text};

/// The sender that notifications of Circle are wrapped with; a statement needs no proof of whose it is.
pub(crate) const SENDER: &str = "statement";

/// Lines of a statement, and facts that are lines when all are known.
pub(crate) struct Collector {
    provider: Provider,
    settings: ProviderSettings,
    facts: BTreeMap<Subject, Vec<Fact>>,
    lines: Vec<StatementLine>,
    unread: Vec<UnreadLine>,
    unavailable: Vec<String>,
    incomplete: BTreeSet<StatementKind>,
}

/// A row in the form of an event.
pub(crate) struct Event<'e, B> {
    pub(crate) channel: &'static str,
    pub(crate) body: &'e B,
    pub(crate) kind: StatementKind,
    pub(crate) row: &'e Row,
    pub(crate) at: Timestamp,
}

impl Collector {
    pub(crate) fn new(provider: Provider, settings: &ProviderSettings) -> Self {
        // Both lists of entries are one list in a statement.
        let settings = settings
            .clone()
            .with("ledger.alpaca_entries", &SettingValue::Text(Some("activities".to_owned())))
            .with("webhooks.circle.senders", &SettingValue::List(vec![SENDER.to_owned()]));
        let (facts, lines) = (BTreeMap::new(), Vec::new());
        let (unread, unavailable, incomplete) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { provider, settings, facts, lines, unread, unavailable, incomplete }
    }

    pub(crate) fn add(&mut self, line: StatementLine) {
        self.lines.push(line);
    }

    pub(crate) fn add_event<B: Serialize>(&mut self, event: &Event<'_, B>) {
        let Event { channel, body, kind, row, at } = event;
        if *at == UNDATED {
            let why = Unhandled::Unreadable { field: "created_at", why: "it is not a time" };
            return self.add_unread(*kind, text(row, "id"), *at, &why);
        }
        let interpretation = match (channel.parse::<Channel>(), serde_json::to_vec(body)) {
            (Ok(channel), Ok(body)) => webhooks::interpret(channel, &body, &self.settings),
            (Err(_), _) | (_, Err(_)) => Interpretation::Unhandled(Unhandled::UnknownType),
        };
        match interpretation {
            Interpretation::Facts(facts) => {
                for fact in facts {
                    self.facts.entry(fact.subject.clone()).or_default().push(fact);
                }
            }
            Interpretation::Unhandled(Unhandled::NoEffect(_)) | Interpretation::Test => {}
            Interpretation::Unhandled(reason) => self.add_unread(*kind, text(row, "id"), *at, &reason),
        }
    }

    /// Notes a row that is no line, by its id at the provider.
    pub(crate) fn add_unread(
        &mut self,
        kind: StatementKind,
        id: Option<String>,
        at: Timestamp,
        reason: &Unhandled,
    ) {
        let id = id.map(|id| format!("{}:{id}", self.provider));
        let is_by_hand = matches!(reason, Unhandled::ByHand(_));
        self.unread.push(UnreadLine { line: bare(kind, id, at), reason: reason.to_string(), is_by_hand });
    }

    /// What was read of a list of this kind; `None`, which is noted, if the list is not available to the API key.
    ///
    /// # Errors
    /// Every other error of reading it.
    pub(crate) fn unless_unavailable<T>(
        &mut self,
        kind: StatementKind,
        read: Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match read {
            Err(error @ Error::NotAvailable { .. }) => {
                self.incomplete.insert(kind);
                self.unavailable.push(error.to_string());
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    /// Everything in lines. What it covers is up to the caller.
    pub(crate) fn finish(self) -> Statement {
        let Self { facts, mut lines, mut unread, unavailable, incomplete, .. } = self;
        for (subject, facts) in facts {
            let at = facts.iter().map(|fact| fact.at).max().unwrap_or(Timestamp::MIN);
            match ledger::fold(&subject, &facts, &Rules::default()) {
                Ok(state) => lines.extend(line(state.row)),
                Err(error) => unread.push(UnreadLine {
                    line: bare(StatementKind::Transfer, Some(subject.to_string()), at),
                    reason: telemetry::with_causes(&error),
                    is_by_hand: false,
                }),
            }
        }
        Statement { lines, unread, unavailable, incomplete, ..Statement::default() }
    }
}

/// A line of which only this is known.
fn bare(kind: StatementKind, id: Option<String>, at: Timestamp) -> StatementLine {
    StatementLine { kind, id, account: None, symbol: None, quantity: None, amount: None, status: None, at }
}

fn line(row: FoldedRow) -> Option<StatementLine> {
    match row {
        FoldedRow::Transfer(Transfer { id, account, direction, amount, status, last_at, .. }) => {
            let amount = match direction {
                Some(Direction::Inbound) => amount,
                Some(Direction::Outbound) => amount.and_then(|amount| amount.negated().ok()),
                None => None,
            };
            let status = match status {
                TransferStatus::Pending => StatementStatus::Pending,
                TransferStatus::Settled => StatementStatus::Settled,
                TransferStatus::Failed => StatementStatus::Failed,
                TransferStatus::Returned => StatementStatus::Returned,
            };
            let line = bare(StatementKind::Transfer, Some(id.to_string()), last_at);
            Some(StatementLine { account, amount, status: Some(status), ..line })
        }
        FoldedRow::CashEntry(CashEntry { id, details: Some(details), superseded_by, .. }) => {
            let CashDetails { account, amount, status, at, .. } = details;
            let status = match status {
                _ if superseded_by.is_some() => StatementStatus::Canceled,
                EntryStatus::Pending => StatementStatus::Pending,
                EntryStatus::Executed => StatementStatus::Settled,
                EntryStatus::Canceled => StatementStatus::Canceled,
            };
            let line = bare(StatementKind::CashEntry, Some(id.to_string()), at);
            Some(StatementLine { account: Some(account), amount: Some(amount), status: Some(status), ..line })
        }
        FoldedRow::CashEntry(_) | FoldedRow::Account(_) | FoldedRow::Holding(_) | FoldedRow::Journal => None,
    }
}
