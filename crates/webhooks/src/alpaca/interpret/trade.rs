//! Orders and fills.

use domain::{
    Currency, ExternalId, Fact, FactKind, Money, OrderStatus, Price, Provider, Quantity, Side, Subject,
};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::currency::CurrencyFields;
use crate::extract;
use crate::interpretation::{Interpretation, Outcome, Unhandled};
use crate::json::Field;

/// Digits after the point to which a price is rounded.
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
    currency: Field<'a>,
    swap_rate: Field<'a>,
    swap_fee_bps: Field<'a>,
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
enum OrderEvent {
    Filled,
    PartlyFilled,
    Canceled,
    Expired,
    Rejected,
    Replaced,
    Corrected,
    Busted,
    /// Something else: the order's own status says where it stands.
    Other,
}

pub(super) fn interpret(body: &[u8]) -> Outcome {
    let event: Event<'_> = extract::fields(body)?;
    let order: Order<'_> = event.order.fields();
    let order_event = OrderEvent::parse(event.event.text().as_deref())?;
    let subject = subject(&event, &order)?;
    let reported_at = extract::time(if event.at.is_present() { event.at } else { event.timestamp }, "at")?;
    // Every fact has the time of the execution, not of the report: a correction must reverse and replace at one instant, and the
    // next fill of a burst happens before this one is reported.
    let at = event.timestamp.time().unwrap_or(reported_at);
    let fact = |kind| Fact { subject: subject.clone(), at, kind };
    let currency = currency(&event)?;
    let mut facts = vec![fact(order.state(order_event, currency)?)];
    if matches!(order_event, OrderEvent::Corrected | OrderEvent::Busted) {
        facts.push(fact(FactKind::Bust { execution: event.reversed(order_event)? }));
    }
    if order_event.is_execution() {
        facts.push(fact(order.fill(event.execution()?, currency)?));
    }
    Ok(Interpretation::Facts(facts))
}

/// The currency of the order's figures, which stands in the order or beside it. An order with a fee of local-currency trading
/// is by hand as a whole: what it sets aside would not be released by its executions.
fn currency(event: &Event<'_>) -> Result<Currency, Unhandled> {
    let beside = CurrencyFields::new(event.currency, event.swap_rate, event.swap_fee_bps);
    let fields = event.order.fields::<CurrencyFields<'_>>().or(beside);
    if fields.has_conversion_fee()? {
        return Err(Unhandled::ByHand("an order with a fee of local-currency trading"));
    }
    fields.currency()
}

fn subject(event: &Event<'_>, order: &Order<'_>) -> Result<Subject, Unhandled> {
    if !matches!(order.asset_class.text().as_deref(), None | Some("" | "us_equity")) {
        return Err(Unhandled::Symbol);
    }
    let account = extract::id(Provider::Alpaca, event.account_id, "account_id")?;
    Ok(Subject::Holding { account, symbol: extract::symbol(order.symbol)? })
}

impl Event<'_> {
    fn execution(&self) -> Result<ExternalId, Unhandled> {
        extract::id(Provider::Alpaca, self.execution_id, "execution_id")
    }

    /// The execution that is reversed: the one named as the previous one. A bust that names none means its own; a correction
    /// that names none cannot be interpreted.
    fn reversed(&self, order_event: OrderEvent) -> Result<ExternalId, Unhandled> {
        const NAME: &str = "previous_execution_id";
        match extract::id_if_present(Provider::Alpaca, self.previous_execution_id, NAME)? {
            Some(execution) => Ok(execution),
            None if order_event == OrderEvent::Busted => self.execution(),
            None => Err(extract::unreadable(NAME, "it is missing")),
        }
    }
}

impl Order<'_> {
    fn state(&self, order_event: OrderEvent, currency: Currency) -> Result<FactKind, Unhandled> {
        let side = self.side()?;
        Ok(FactKind::Order {
            order: self.id()?,
            side,
            status: self.status(order_event)?,
            quantity: self.quantity()?,
            reserve: self.reserve(side, currency)?,
        })
    }

    fn fill(&self, execution: ExternalId, currency: Currency) -> Result<FactKind, Unhandled> {
        let cumulative = extract::number(self.filled_qty, "order.filled_qty")?;
        let cumulative = Quantity::new(cumulative).ok().filter(|quantity| quantity.get() > Decimal::ZERO);
        let cumulative = cumulative.ok_or(extract::unreadable("order.filled_qty", "it is not above zero"))?;
        let price = extract::number(self.filled_avg_price, "order.filled_avg_price")?;
        if price.is_zero() {
            return Err(extract::unreadable("order.filled_avg_price", "it is not above zero"));
        }
        let notional = cost(price, cumulative, currency, "order.filled_avg_price")?;
        Ok(FactKind::Fill { order: self.id()?, execution, side: self.side()?, cumulative, notional })
    }

    fn id(&self) -> Result<ExternalId, Unhandled> {
        extract::id(Provider::Alpaca, self.id, "order.id")
    }

    fn side(&self) -> Result<Side, Unhandled> {
        match self.side.text().as_deref() {
            Some("buy") => Ok(Side::Buy),
            Some("sell" | "sell_short") => Ok(Side::Sell),
            _ => Err(extract::unreadable("order.side", "it is neither buy nor sell")),
        }
    }

    /// By the event; else by the order's own status; else by its filled quantity. `done_for_day` and `calculated` do not end an
    /// order.
    fn status(&self, order_event: OrderEvent) -> Result<OrderStatus, Unhandled> {
        Ok(match order_event {
            OrderEvent::Filled => OrderStatus::Filled,
            OrderEvent::PartlyFilled => OrderStatus::PartiallyFilled,
            OrderEvent::Canceled => OrderStatus::Canceled,
            OrderEvent::Expired => OrderStatus::Expired,
            OrderEvent::Rejected => OrderStatus::Rejected,
            OrderEvent::Replaced => OrderStatus::Replaced,
            OrderEvent::Corrected | OrderEvent::Busted | OrderEvent::Other => {
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

    /// The shares that it asks for; an order of an amount of money asks for none.
    fn quantity(&self) -> Result<Option<Quantity>, Unhandled> {
        let shares =
            extract::number_if_present(self.qty, "order.qty")?.filter(|shares| *shares > Decimal::ZERO);
        let out_of_range = |_| extract::unreadable("order.qty", "it is out of range");
        shares.map(Quantity::new).transpose().map_err(out_of_range)
    }

    fn status_by_quantity(&self) -> Result<OrderStatus, Unhandled> {
        let filled = extract::number_if_present(self.filled_qty, "order.filled_qty")?.unwrap_or_default();
        let wanted = extract::number_if_present(self.qty, "order.qty")?;
        Ok(match wanted {
            _ if filled <= Decimal::ZERO => OrderStatus::Open,
            Some(wanted) if filled >= wanted => OrderStatus::Filled,
            _ => OrderStatus::PartiallyFilled,
        })
    }

    /// What a buy may cost at most, if known: its notional, or its shares at its limit price.
    fn reserve(&self, side: Side, currency: Currency) -> Result<Option<Money>, Unhandled> {
        if side == Side::Sell {
            return Ok(None);
        }
        if let Some(amount) = extract::number_if_present(self.notional, "order.notional")? {
            return extract::positive(amount, currency, "order.notional").map(Some);
        }
        let limit = extract::number_if_present(self.limit_price, "order.limit_price")?;
        let shares = extract::number_if_present(self.qty, "order.qty")?;
        let Some((limit, shares)) = limit.zip(shares) else { return Ok(None) };
        let shares =
            Quantity::new(shares).map_err(|_| extract::unreadable("order.qty", "it is out of range"))?;
        cost(limit, shares, currency, "order.limit_price").map(|cost| (cost.minor() > 0).then_some(cost))
    }
}

/// What shares cost. An average price has as many digits as the broker's division produced: the digits dropped here come to less
/// than a cent for a trillion shares.
fn cost(
    price: Decimal,
    shares: Quantity,
    currency: Currency,
    name: &'static str,
) -> Result<Money, Unhandled> {
    let price = price.round_dp(PRICE_FRACTION_DIGITS);
    let price = Price::new(price).map_err(|_| extract::unreadable(name, "it is not a price"))?;
    let cost = price.times(shares, currency);
    extract::bounded(cost.map_err(|_| extract::unreadable(name, "the cost is out of range"))?, name)
}

impl OrderEvent {
    const fn is_execution(self) -> bool {
        matches!(self, Self::Filled | Self::PartlyFilled | Self::Corrected)
    }

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
