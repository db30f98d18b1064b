//! Extracts typed values from fields of a body.

use domain::{CoinSide, Currency, ExternalId, Fact, FactKind, Money, Provider, Symbol, TransferStatus};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::decimal;
use crate::interpretation::{Interpretation, Unhandled};
use crate::json::{self, Field};

/// Largest amount that is posted automatically, in whole units: more than anyone moves at once, and small enough that the sums of
/// many thousand holders fit 64 bits in millionths.
const AMOUNT_MAX: Decimal = Decimal::from_parts(0x540b_e400, 2, 0, false, 0);

/// Parses the body, which must be a JSON object.
pub(crate) fn fields<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unhandled> {
    json::fields(body).map_err(|_| unreadable("body", "it is not a JSON object with each field once"))
}

pub(crate) fn unreadable(field: &'static str, why: &'static str) -> Unhandled {
    Unhandled::Unreadable { field, why }
}

/// An id that must be there.
pub(crate) fn id(provider: Provider, field: Field<'_>, name: &'static str) -> Result<ExternalId, Unhandled> {
    id_if_present(provider, field, name)?.ok_or(unreadable(name, "it is missing"))
}

/// An id that may be left out or empty.
pub(crate) fn id_if_present(
    provider: Provider,
    field: Field<'_>,
    name: &'static str,
) -> Result<Option<ExternalId>, Unhandled> {
    let text = field.text().filter(|text| !text.is_empty());
    let id = text.map(|text| ExternalId::new(provider, &text)).transpose();
    id.map_err(|_| unreadable(name, "an id is 1 to 128 letters, digits, -, _ and ."))
}

/// A time that must be there.
pub(crate) fn time(field: Field<'_>, name: &'static str) -> Result<Timestamp, Unhandled> {
    field.time().ok_or(unreadable(name, "it is not a time such as 2026-01-31T00:00:00Z"))
}

/// A number that must be there.
pub(crate) fn number(field: Field<'_>, name: &'static str) -> Result<Decimal, Unhandled> {
    number_if_present(field, name)?.ok_or(unreadable(name, "it is missing"))
}

/// A number that may be left out, null or empty.
pub(crate) fn number_if_present(field: Field<'_>, name: &'static str) -> Result<Option<Decimal>, Unhandled> {
    let text = field.text().filter(|text| !text.is_empty());
    let number =
        text.map(|text| decimal::parse_exact(&text).ok_or(unreadable(name, "it is not a decimal number")));
    number.transpose()
}

/// An amount, exactly.
pub(crate) fn money(amount: Decimal, currency: Currency, name: &'static str) -> Result<Money, Unhandled> {
    let exact = Money::from_decimal(amount, currency)
        .map_err(|_| unreadable(name, "it is not a whole number of the smallest unit"))?;
    bounded(exact, name)
}

/// An amount that may be posted automatically.
pub(crate) fn bounded(amount: Money, name: &'static str) -> Result<Money, Unhandled> {
    let is_usual = amount.to_decimal().abs() <= AMOUNT_MAX;
    if is_usual { Ok(amount) } else { Err(unreadable(name, "it is above 10,000,000,000")) }
}

/// An amount above zero.
pub(crate) fn positive(amount: Decimal, currency: Currency, name: &'static str) -> Result<Money, Unhandled> {
    let amount = money(amount, currency, name)?;
    if amount.minor() > 0 { Ok(amount) } else { Err(unreadable(name, "it is not above zero")) }
}

/// A transfer, and once it is settled the transaction on a blockchain that moved its coins, if the field names one.
pub(crate) fn coin_transfer(
    transfer: Fact,
    status: TransferStatus,
    (hash, side): (Field<'_>, CoinSide),
) -> Interpretation {
    // Before that, a hash is preliminary.
    let hash = hash.text().filter(|_| status == TransferStatus::Settled);
    let Some(transaction) = hash.and_then(|hash| hash.parse().ok()) else { return transfer.into() };
    let kind = FactKind::Coins { transaction, side };
    let coins = Fact { subject: transfer.subject.clone(), at: transfer.at, kind };
    Interpretation::Facts(vec![transfer, coins])
}

/// A currency that the ledger supports.
pub(crate) fn currency(field: Field<'_>) -> Result<Currency, Unhandled> {
    field.text().and_then(|text| text.parse().ok()).ok_or(Unhandled::Currency)
}

/// A share's symbol. An option's is longer, a cryptocurrency's has a slash.
pub(crate) fn symbol(field: Field<'_>) -> Result<Symbol, Unhandled> {
    field.text().and_then(|text| text.parse().ok()).ok_or(Unhandled::Symbol)
}
