//! Orders and fills.

use domain::{
    Currency, ExternalId, Fact, Money, OrderStatus, Price, Provider, Quantity, Side, Subject, What,
};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::content::Field;
use crate::meaning::{Meaning, Read, Unhandled, reader};

/// Digits after the point that are kept of a price.
const PRICE_FRACTION_DIGITS: u32 = 12;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow)]
    account_id: Field<'a>,
    at: Field<'a>,
    timestamp: Field<'a>,
    event: Field<'a>,
    execution_id: Field<'a>,
    previous_execution_id: Field<'a>,
    order: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Order<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    symbol: Field<'a>,
    asset_class: Field<'a>,
    side: Field<'a>,
    status: Field<'a>,
    qty: Field<'a>,
    notional: Field<'a>,
    limit_price: Field<'a>,
    filled_qty: Field<'a>,
    filled_avg_price: Field<'a>,
}

/// What happened to an order (docs.alpaca.markets/docs/websocket-streaming).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Happening {
    Filled,
    PartlyFilled,
    Canceled,
    Expired,
    Rejected,
    Replaced,
    Corrected,
    Busted,
    /// Something that leaves the order where its own status says.
    Other,
}

pub(super) fn read(body: &[u8]) -> Read {
    let event: Event<'_> = reader::fields(body)?;
    let order: Order<'_> = event.order.fields();
    let happening = Happening::parse(event.event.text().as_deref())?;
    let subject = subject(&event, &order)?;
    let told_at = reader::time(if event.at.is_there() { event.at } else { event.timestamp }, "at")?;
    // All of it became so when it happened, not when it was told: a correction has to take back and tell anew at one
    // instant, and the next fill of a burst happens before this one is told.
    let at = event.timestamp.time().unwrap_or(told_at);
    let fact = |what| Fact { subject: subject.clone(), at, what };
    let mut facts = vec![fact(order.state(happening)?)];
    if matches!(happening, Happening::Corrected | Happening::Busted) {
        facts.push(fact(What::Bust { execution: event.undone(happening)? }));
    }
    if matches!(happening, Happening::Filled | Happening::PartlyFilled | Happening::Corrected) {
        facts.push(fact(order.fill(event.execution()?)?));
    }
    Ok(Meaning::Facts(facts))
}

fn subject(event: &Event<'_>, order: &Order<'_>) -> Result<Subject, Unhandled> {
    if !matches!(order.asset_class.text().as_deref(), None | Some("" | "us_equity")) {
        return Err(Unhandled::Symbol);
    }
    let account = reader::id(Provider::Alpaca, event.account_id, "account_id")?;
    Ok(Subject::Holding { account, symbol: reader::symbol(order.symbol)? })
}

impl Event<'_> {
    fn execution(&self) -> Result<ExternalId, Unhandled> {
        reader::id(Provider::Alpaca, self.execution_id, "execution_id")
    }

    /// The execution that did not happen: the one that is named as the previous one. A bust that names none means
    /// its own; a correction that names none cannot be read.
    fn undone(&self, happening: Happening) -> Result<ExternalId, Unhandled> {
        const NAME: &str = "previous_execution_id";
        match reader::id_if_there(Provider::Alpaca, self.previous_execution_id, NAME)? {
            Some(execution) => Ok(execution),
            None if happening == Happening::Busted => self.execution(),
            None => Err(reader::unreadable(NAME, "it is not there")),
        }
    }
}

impl Order<'_> {
    fn state(&self, happening: Happening) -> Result<What, Unhandled> {
        let side = self.side()?;
        Ok(What::Order {
            order: self.id()?,
            side,
            status: self.status(happening)?,
            reserve: self.reserve(side)?,
        })
    }

    fn fill(&self, execution: ExternalId) -> Result<What, Unhandled> {
        let cumulative = reader::number(self.filled_qty, "order.filled_qty")?;
        let cumulative = Quantity::new(cumulative).ok().filter(|quantity| quantity.get() > Decimal::ZERO);
        let cumulative = cumulative.ok_or(reader::unreadable("order.filled_qty", "it is not above zero"))?;
        let price = reader::number(self.filled_avg_price, "order.filled_avg_price")?;
        let notional = cost(price, cumulative, "order.filled_avg_price")?;
        if notional.is_zero() {
            return Err(reader::unreadable("order.filled_avg_price", "the shares cost less than a cent"));
        }
        Ok(What::Fill { order: self.id()?, execution, side: self.side()?, cumulative, notional })
    }

    fn id(&self) -> Result<ExternalId, Unhandled> {
        reader::id(Provider::Alpaca, self.id, "order.id")
    }

    fn side(&self) -> Result<Side, Unhandled> {
        match self.side.text().as_deref() {
            Some("buy") => Ok(Side::Buy),
            Some("sell" | "sell_short") => Ok(Side::Sell),
            _ => Err(reader::unreadable("order.side", "it is buy or sell")),
        }
    }

    /// What happened, when it says; else what the order says of itself; else how much of it is filled. `done_for_day`
    /// and `calculated` are no ends.
    fn status(&self, happening: Happening) -> Result<OrderStatus, Unhandled> {
        Ok(match happening {
            Happening::Filled => OrderStatus::Filled,
            Happening::PartlyFilled => OrderStatus::PartiallyFilled,
            Happening::Canceled => OrderStatus::Canceled,
            Happening::Expired => OrderStatus::Expired,
            Happening::Rejected => OrderStatus::Rejected,
            Happening::Replaced => OrderStatus::Replaced,
            Happening::Corrected | Happening::Busted | Happening::Other => {
                match self.status.text().as_deref() {
                    Some("filled") => OrderStatus::Filled,
                    Some("canceled") => OrderStatus::Canceled,
                    Some("expired") => OrderStatus::Expired,
                    Some("rejected") => OrderStatus::Rejected,
                    Some("replaced") => OrderStatus::Replaced,
                    _ => self.status_by_quantity()?,
                }
            }
        })
    }

    fn status_by_quantity(&self) -> Result<OrderStatus, Unhandled> {
        let filled = reader::number_if_there(self.filled_qty, "order.filled_qty")?.unwrap_or_default();
        let wanted = reader::number_if_there(self.qty, "order.qty")?;
        Ok(match wanted {
            _ if filled <= Decimal::ZERO => OrderStatus::Open,
            Some(wanted) if filled >= wanted => OrderStatus::Filled,
            _ => OrderStatus::PartiallyFilled,
        })
    }

    /// What a buy may cost at most, when it says: its amount, or its number of shares at its limit.
    fn reserve(&self, side: Side) -> Result<Option<Money>, Unhandled> {
        if side == Side::Sell {
            return Ok(None);
        }
        if let Some(amount) = reader::number_if_there(self.notional, "order.notional")? {
            return reader::positive(amount, Currency::Usd, "order.notional").map(Some);
        }
        let limit = reader::number_if_there(self.limit_price, "order.limit_price")?;
        let shares = reader::number_if_there(self.qty, "order.qty")?;
        let Some((limit, shares)) = limit.zip(shares) else { return Ok(None) };
        let shares =
            Quantity::new(shares).map_err(|_| reader::unreadable("order.qty", "it is out of range"))?;
        cost(limit, shares, "order.limit_price").map(|cost| (cost.minor() > 0).then_some(cost))
    }
}

/// What shares cost. An average has as many digits as its maker's division gave it: those that are left out here come to
/// less than a cent for a million million shares.
fn cost(price: Decimal, shares: Quantity, name: &'static str) -> Result<Money, Unhandled> {
    let price = price.round_dp(PRICE_FRACTION_DIGITS);
    let price = Price::new(price).map_err(|_| reader::unreadable(name, "it is no price"))?;
    let cost = price.times(shares, Currency::Usd);
    reader::bounded(cost.map_err(|_| reader::unreadable(name, "the cost is out of range"))?, name)
}

impl Happening {
    fn parse(text: Option<&str>) -> Result<Self, Unhandled> {
        Ok(match text.unwrap_or_default() {
            "fill" => Self::Filled,
            "partial_fill" => Self::PartlyFilled,
            "canceled" => Self::Canceled,
            "expired" => Self::Expired,
            "rejected" => Self::Rejected,
            "replaced" => Self::Replaced,
            "trade_correct" => Self::Corrected,
            "trade_bust" => Self::Busted,
            "new"
            | "accepted"
            | "pending_new"
            | "held"
            | "restated"
            | "done_for_day"
            | "stopped"
            | "pending_cancel"
            | "pending_replace"
            | "calculated"
            | "suspended"
            | "order_replace_rejected"
            | "order_cancel_rejected" => Self::Other,
            _ => return Err(Unhandled::UnknownType),
        })
    }
}
