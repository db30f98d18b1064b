//! A transfer as Circle Mint sends it, and earlier relays of Circle v2.

use domain::{
    CoinSide, Currency, Direction, ExternalId, Fact, FactKind, Money, PostingMode, Provider, Subject,
    TransferStatus,
};
use jiff::Timestamp;
use serde::Deserialize;

use crate::extract;
use crate::interpretation::{Outcome, Unhandled};
use crate::json::Field;

/// developers.circle.com/circle-mint, `Transfer`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Transfer<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    source: Field<'a>,
    destination: Field<'a>,
    amount: Field<'a>,
    status: Field<'a>,
    #[serde(rename = "transactionHash")]
    transaction_hash: Field<'a>,
}

/// A wallet, or an address on a blockchain.
#[derive(Default, Deserialize)]
#[serde(default)]
struct End<'a> {
    #[serde(borrow)]
    r#type: Field<'a>,
    id: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Amount<'a> {
    #[serde(borrow)]
    amount: Field<'a>,
    currency: Field<'a>,
}

/// Interprets `object`; `status` is the one in the event's type, for objects that have none.
pub(super) fn interpret(object: Field<'_>, status: Option<&str>, at: Timestamp) -> Outcome {
    let transfer: Transfer<'_> = object.fields();
    let id = extract::id(Provider::Circle, transfer.id, "transfer.id")?;
    let own_status = transfer.status.text();
    let (direction, account) = transfer.direction()?;
    let amount = amount(transfer.amount, "transfer.amount")?;
    let status = self::status(own_status.as_deref().or(status), "transfer.status")?;
    let kind = posted(account, direction, amount, status);
    let hash = arrival(direction, transfer.transaction_hash);
    let transfer = Fact { subject: Subject::Transfer(id), at, kind };
    Ok(extract::coin_transfer(transfer, status, (hash, CoinSide::Received)))
}

/// The hash of a transfer that arrives. One that leaves is posted as a withdrawal, whoever receives it.
pub(super) fn arrival(direction: Direction, hash: Field<'_>) -> Field<'_> {
    if direction == Direction::Inbound { hash } else { Field::default() }
}

/// A complete transfer, which is posted.
pub(super) fn posted(
    account: ExternalId,
    direction: Direction,
    amount: Money,
    status: TransferStatus,
) -> FactKind {
    FactKind::Transfer {
        account: Some(account),
        direction: Some(direction),
        amount: Some(amount),
        status,
        posting_mode: PostingMode::Post,
    }
}

impl Transfer<'_> {
    /// Into a wallet from outside, or out of one. Between two wallets of ours nothing enters or leaves.
    fn direction(&self) -> Result<(Direction, ExternalId), Unhandled> {
        let (source, destination): (End<'_>, End<'_>) = (self.source.fields(), self.destination.fields());
        match (source.is_wallet(), destination.is_wallet()) {
            (false, true) => Ok((Direction::Inbound, wallet(destination.id, "transfer.destination.id")?)),
            (true, false) => Ok((Direction::Outbound, wallet(source.id, "transfer.source.id")?)),
            (true, true) | (false, false) => {
                Err(Unhandled::ByHand("a transfer that neither enters nor leaves"))
            }
        }
    }
}

impl End<'_> {
    fn is_wallet(&self) -> bool {
        self.r#type.text().as_deref() == Some("wallet")
    }
}

pub(super) fn wallet(field: Field<'_>, name: &'static str) -> Result<ExternalId, Unhandled> {
    extract::id(Provider::Circle, field, name)
}

/// Statuses of transfers, payments, payouts and deposits alike.
pub(super) fn status(text: Option<&str>, name: &'static str) -> Result<TransferStatus, Unhandled> {
    match text {
        Some("pending" | "running" | "processing" | "confirmed" | "action_required" | "created") => {
            Ok(TransferStatus::Pending)
        }
        Some("complete" | "completed" | "paid") => Ok(TransferStatus::Settled),
        Some("failed") => Ok(TransferStatus::Failed),
        _ => Err(Unhandled::UnknownStatus(name)),
    }
}

/// An amount above zero.
pub(super) fn amount(field: Field<'_>, name: &'static str) -> Result<Money, Unhandled> {
    let amount: Amount<'_> = field.fields();
    extract::positive(extract::number(amount.amount, name)?, currency(amount.currency)?, name)
}

/// An amount less its fee, when there is one in the same currency.
pub(super) fn amount_less(field: Field<'_>, fee: Field<'_>, name: &'static str) -> Result<Money, Unhandled> {
    let whole = amount(field, name)?;
    let fee: Amount<'_> = fee.fields();
    let Some(number) = extract::number_if_present(fee.amount, name)?.filter(|fee| !fee.is_zero()) else {
        return Ok(whole);
    };
    let fee = extract::money(number, currency(fee.currency)?, name)?;
    let less = fee.negated().and_then(|fee| whole.plus(fee));
    let less = less.map_err(|_| extract::unreadable(name, "its fee is in another currency"))?;
    if less.minor() > 0 { Ok(less) } else { Err(extract::unreadable(name, "its fee is not below it")) }
}

/// Balances at Circle Mint are tokens, which Circle Mint writes `USD` and `EUR`.
fn currency(field: Field<'_>) -> Result<Currency, Unhandled> {
    match extract::currency(field)? {
        Currency::Usd => Ok(Currency::Usdc),
        Currency::Eur => Ok(Currency::Eurc),
        currency => Ok(currency),
    }
}
