//! The money that executions and orders move. Shares are paid for from the holder's cash at the broker.

use domain::{Bucket, ExternalId, LedgerAccount, Money, Side, System, TransactionKind};

use crate::error::LedgerError;
use crate::posting::Posting;
use crate::state::{Change, ChangeKind, ChangeStatus, Order};

fn user(holder: &ExternalId, bucket: Bucket) -> LedgerAccount {
    LedgerAccount::User(holder.clone(), bucket)
}

/// Cash against shares. Only a counted change moves money.
pub(super) fn fill(holder: &ExternalId, change: &Change) -> Result<Option<Posting>, LedgerError> {
    let ChangeKind::Fill { side, notional, .. } = &change.kind else { return Ok(None) };
    if change.status != ChangeStatus::Counted {
        return Ok(None);
    }
    let (cash, shares) =
        (user(holder, Bucket::FiatExposure), LedgerAccount::System(System::SecuritiesClearing));
    let between = match side {
        Side::Buy => (cash, shares),
        Side::Sell => (shares, cash),
    };
    let effect = format!("fill/{}", change.id);
    Posting::movement(effect, TransactionKind::Investment, change.at, *notional, between).map(Some)
}

/// Money that an open buy order sets aside: its reserve less what its fills cost. An order without a reserve sets nothing
/// aside.
pub(super) fn reserve(holder: &ExternalId, order: &Order) -> Result<Option<Posting>, LedgerError> {
    let Some(reserve) = order.reserve else { return Ok(None) };
    let is_open = order.side == Side::Buy && !order.status.is_final();
    let spent = order.notional.filter(|spent| spent.currency() == reserve.currency());
    let spent = spent.unwrap_or(Money::zero(reserve.currency()));
    let remaining = reserve.plus(spent.negated()?)?;
    let remaining = if is_open { remaining.minor().max(0) } else { 0 };
    let between = (user(holder, Bucket::FiatExposure), user(holder, Bucket::PendingInvestment));
    let money = Money::from_minor(remaining, reserve.currency());
    let effect = format!("order/{}/reserve", order.id);
    Posting::movement(effect, TransactionKind::Investment, order.last_at, money, between).map(Some)
}
