//! Journals: money and shares that a person posts by hand.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::external_id::ExternalId;
use crate::ledger_account::LedgerAccount;
use crate::money::{Currency, Money, MoneyError};
use crate::quantity::Quantity;
use crate::symbol::Symbol;
use crate::transaction_kind::TransactionKind;

/// Money and shares that a person posts by hand, with the reason. Its JSON is the same in requests, files and facts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// When it takes effect: not in the future.
    #[schema(value_type = String, format = DateTime, example = "2026-03-02T21:00:00Z")]
    pub effective_at: Timestamp,
    /// What it is about, as the sender names it, such as the id of a corporate action.
    #[schema(min_length = 1, max_length = 200, example = "ACATS 20260302000417")]
    pub reference: String,
    /// Why it is posted by hand.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// Where the evidence is: a document, a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2000)]
    pub evidence: Option<String>,
    /// Money; each kind at most once. At most 100 entries and share lines together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postings: Vec<JournalPosting>,
    /// Shares; each holding at most once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<ShareLine>,
    /// Whether it may take out more than is available. It then needs two persons, whatever it moves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_overdraft: bool,
}

/// Entries of one kind, which sum to zero in each currency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalPosting {
    /// What they are for. Deposits, withdrawals, reversals, journals and card payments are flows from or to the outside; all
    /// others count as performance.
    pub kind: TransactionKind,
    /// At least two.
    pub entries: Vec<JournalEntry>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "EntryForm", into = "EntryForm")]
pub struct JournalEntry {
    /// The account that it changes.
    pub account: LedgerAccount,
    /// The change of its balance: positive increases it.
    pub money: Money,
}

/// Shares of one symbol in one account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "ShareForm", into = "ShareForm")]
pub struct ShareLine {
    /// The account.
    pub account: ExternalId,
    /// The ticker.
    pub symbol: Symbol,
    /// Additional shares, negative for fewer, zero if only their cost changes.
    pub quantity: Quantity,
    /// Additional cost, negative for less; `None` if it is unknown, and of a split, which changes none.
    pub cost: Option<Money>,
    /// Whether it is a split: prices before it are divided.
    pub is_split: bool,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EntryForm {
    /// The account that it changes.
    #[schema(value_type = String, example = "user/alpaca:a1/fiat_exposure")]
    account: LedgerAccount,
    /// The change of its balance as a decimal number: positive increases it.
    #[schema(example = "-12.50")]
    amount: String,
    currency: Currency,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShareForm {
    /// The account of the holder.
    #[schema(value_type = String, example = "alpaca:a1")]
    account: ExternalId,
    #[schema(value_type = String, example = "AAPL")]
    symbol: Symbol,
    /// Additional shares, negative for fewer, zero if only their cost changes.
    #[schema(value_type = String, example = "100")]
    quantity: Quantity,
    /// Additional cost, negative for less. Absent if it is unknown, and of a split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "8000.00")]
    cost: Option<String>,
    /// Required beside `cost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    /// Whether it is a split: prices before it are divided, and the cost stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_split: bool,
}

/// The form is not that of a share line.
#[derive(Debug, thiserror::Error)]
enum ShareFormError {
    #[error("cost: {0}")]
    Cost(#[from] MoneyError),
    #[error("cost and currency must be given together")]
    Apart,
}

impl TryFrom<EntryForm> for JournalEntry {
    type Error = MoneyError;

    fn try_from(EntryForm { account, amount, currency }: EntryForm) -> Result<Self, MoneyError> {
        Ok(Self { account, money: Money::parse(&amount, currency)? })
    }
}

impl From<JournalEntry> for EntryForm {
    fn from(JournalEntry { account, money }: JournalEntry) -> Self {
        Self { account, amount: money.to_decimal().to_string(), currency: money.currency() }
    }
}

impl TryFrom<ShareForm> for ShareLine {
    type Error = ShareFormError;

    fn try_from(form: ShareForm) -> Result<Self, ShareFormError> {
        let ShareForm { account, symbol, quantity, cost, currency, is_split } = form;
        let cost = match (cost, currency) {
            (Some(amount), Some(currency)) => Some(Money::parse(&amount, currency)?),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(ShareFormError::Apart),
        };
        Ok(Self { account, symbol, quantity, cost, is_split })
    }
}

impl From<ShareLine> for ShareForm {
    fn from(ShareLine { account, symbol, quantity, cost, is_split }: ShareLine) -> Self {
        let amount = cost.map(|cost| cost.to_decimal().to_string());
        Self { account, symbol, quantity, cost: amount, currency: cost.map(Money::currency), is_split }
    }
}

/// A type is described as the form of its JSON.
macro_rules! described_as {
    ($($name:ident: $form:ident),+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $form::schema()
            }
        }

        impl ToSchema for $name {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $form::schemas(schemas);
            }
        }
    )+};
}

described_as! { JournalEntry: EntryForm, ShareLine: ShareForm }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_has_one_json() {
        let text = r#"{"effective_at":"2026-03-02T21:00:00Z","reference":"ACATS 417","reason":"arrived","postings":[{"kind":"deposit","entries":[{"account":"user/alpaca:a1/fiat_exposure","amount":"8000.00","currency":"USD"},{"account":"system/clearing/alpaca","amount":"-8000.00","currency":"USD"}]}],"shares":[{"account":"alpaca:a1","symbol":"AAPL","quantity":"100","cost":"8000.00","currency":"USD"}]}"#;
        let journal: Journal = serde_json::from_str(text).unwrap();
        assert_eq!(journal.postings[0].entries[1].money.minor(), -800_000);
        assert_eq!(serde_json::to_string(&journal).unwrap(), text);
    }

    #[test]
    fn the_message_says_what_is_wrong() {
        let entry = |account: &str, amount: &str, currency: &str| {
            let json = format!(r#"{{"account":"{account}","amount":"{amount}","currency":"{currency}"}}"#);
            serde_json::from_str::<JournalEntry>(&json).unwrap_err().to_string()
        };
        assert!(entry("system/fees", "1.234", "USD").contains("more decimal places than USD"));
        assert!(entry("system/gold", "1", "USD").contains("ledger account must be"));
        assert!(entry("system/fees", "1", "DOGE").contains("unknown variant `DOGE`"));
        let share = r#"{"account":"alpaca:a1","symbol":"AAPL","quantity":"1","cost":"1.00"}"#;
        let error = serde_json::from_str::<ShareLine>(share).unwrap_err().to_string();
        assert!(error.contains("cost and currency must be given together"), "{error}");
    }
}
