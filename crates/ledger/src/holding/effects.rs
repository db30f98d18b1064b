//! The money that executions and orders move. Shares are bought with what the holder has at the broker.

use domain::{ExternalId, Money, Side};

use super::book::is_final;
use crate::account::{Bucket, LedgerAccount, System};
use crate::fault::Fault;
use crate::posting::{Posting, TransactionKind};
use crate::state::{Change, ChangeKind, ChangeStanding, Order};

fn user(holder: &ExternalId, bucket: Bucket) -> LedgerAccount {
    LedgerAccount::User(holder.clone(), bucket)
}

/// Money against shares. A change that does not count moves none.
pub(super) fn fill(holder: &ExternalId, change: &Change) -> Result<Option<Posting>, Fault> {
    let ChangeKind::Fill { side, notional, .. } = &change.kind else { return Ok(None) };
    if change.standing != ChangeStanding::Counted {
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

/// Money that stays set aside: what the order was given less what its fills took, until it ends. An order that was
/// given nothing sets nothing aside.
pub(super) fn reserve(holder: &ExternalId, order: &Order) -> Result<Option<Posting>, Fault> {
    let Some(reserve) = order.reserve else { return Ok(None) };
    let is_open = order.side == Side::Buy && !is_final(order.status);
    let spent = order.notional.filter(|spent| spent.currency() == reserve.currency());
    let spent = spent.unwrap_or(Money::zero(reserve.currency()));
    let left = reserve.plus(spent.negated()?)?;
    let left = if is_open { left.minor().max(0) } else { 0 };
    let between = (user(holder, Bucket::FiatExposure), user(holder, Bucket::PendingInvestment));
    let money = Money::from_minor(left, reserve.currency());
    let effect = format!("order/{}/reserve", order.id);
    Posting::movement(effect, TransactionKind::Investment, order.last_at, money, between).map(Some)
}
