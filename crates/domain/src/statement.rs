//! Lines of statements: what a provider has on record, and what the books have, in one form.

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::external_id::ExternalId;
use crate::money::Money;
use crate::quantity::Quantity;
use crate::symbol::Symbol;

/// One line of a statement. What is not known is `None`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementLine {
    /// What the line is about.
    pub kind: StatementKind,
    /// The id of the transfer, entry or execution, with its provider.
    pub id: Option<String>,
    /// The customer's account.
    pub account: Option<ExternalId>,
    /// The ticker of an execution or a position.
    pub symbol: Option<Symbol>,
    /// Shares: positive bought or held, negative sold or owed.
    pub quantity: Option<Quantity>,
    /// Money: positive to the account, negative from it; of a balance, the money in the account.
    pub amount: Option<Money>,
    /// The status.
    pub status: Option<StatementStatus>,
    /// When it was last changed; of a position or a balance, the time as of which it is.
    pub at: Timestamp,
}

/// What a line of a statement is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display, strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum StatementKind {
    /// Money that enters or leaves.
    Transfer,
    /// An entry in a broker's book that is not a trade.
    CashEntry,
    /// An execution of an order.
    Execution,
    /// The shares of one symbol in an account.
    Position,
    /// The money of one currency in an account.
    CashBalance,
}

/// The status of a line of a statement.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display, strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum StatementStatus {
    /// Under way or announced.
    Pending,
    /// Arrived or executed.
    Settled,
    /// Will not arrive.
    Failed,
    /// Sent back after it settled.
    Returned,
    /// Canceled, busted or replaced: without effect.
    Canceled,
}

impl StatementKind {
    /// Whether lines are states as of a time, and not events of a period.
    #[must_use]
    pub const fn is_state(self) -> bool {
        matches!(self, Self::Position | Self::CashBalance)
    }
}

impl StatementLine {
    /// What identifies the line among those of its kind: its id, and of a state its account with symbol or currency.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        let account = self.account.as_ref();
        match self.kind {
            StatementKind::Position => Some(format!("{}/{}", account?, self.symbol?)),
            StatementKind::CashBalance => Some(format!("{}/{}", account?, self.amount?.currency())),
            StatementKind::Transfer | StatementKind::CashEntry | StatementKind::Execution => self.id.clone(),
        }
    }
}

impl Serialize for StatementLine {
    /// Amounts and quantities are decimal texts.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { kind, id, account, symbol, quantity, amount, status, at } = self;
        let mut line = serializer.serialize_struct("StatementLine", 9)?;
        line.serialize_field("kind", kind)?;
        line.serialize_field("id", id)?;
        line.serialize_field("account", account)?;
        line.serialize_field("symbol", symbol)?;
        line.serialize_field("quantity", quantity)?;
        line.serialize_field("amount", &amount.map(|amount| amount.to_decimal().to_string()))?;
        line.serialize_field("currency", &amount.map(|amount| amount.currency().as_str()))?;
        line.serialize_field("status", status)?;
        line.serialize_field("at", at)?;
        line.end()
    }
}
