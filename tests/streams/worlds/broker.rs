//! A simulated Alpaca: cash in three currencies, orders, short sales and covers, splits, busts and corrections.

use jiff::Timestamp;
use serde_json::{Value, json};
use tests::random::Random;
use webhooks::alpaca::Kind;

use super::books::{
    Books, Currency, Event, JPY, KWD, Line, SHARE_DIGITS, Source, USD, amount, decimal, later,
};

const SYMBOLS: [&str; 3] = ["AAPL", "MSFT", "BRK.B"];
/// Prices have this many decimals here.
const PRICE_DIGITS: u32 = 4;
const SHARE: i128 = 10_i128.pow(SHARE_DIGITS);

/// An execution that counts, and may be busted.
struct Execution {
    id: String,
    shares: i128,
    money: i128,
    /// Of its line in the statement.
    at: Timestamp,
}

/// An order that is over.
struct Order {
    /// As its events show it.
    body: Value,
    symbol: &'static str,
    is_buy: bool,
    /// Average price at the end.
    price: i128,
    executions: Vec<Execution>,
}

pub(crate) struct Broker<'w> {
    random: &'w mut Random,
    books: Books,
    events: Vec<Event>,
    account: String,
    currency: Currency,
    at: Timestamp,
    serial: u32,
    orders: Vec<Order>,
}

/// Some weeks of some accounts.
pub(crate) fn simulate(random: &mut Random, start: Timestamp) -> (Vec<Event>, Books) {
    let (mut events, mut books) = (Vec::new(), Books::default());
    for (number, currency) in [USD, JPY, KWD].into_iter().enumerate() {
        let account = format!("account-{number}");
        let mut broker =
            Broker { random, books, events, account, currency, at: start, serial: 0, orders: Vec::new() };
        broker.open_account();
        for _ in 0..12 {
            broker.step();
        }
        broker.list_executions();
        (events, books) = (broker.events, broker.books);
    }
    (events, books)
}

impl Broker<'_> {
    fn later(&mut self) -> Timestamp {
        later(&mut self.at, self.random)
    }

    fn id(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{}-{kind}-{}", self.account, self.serial)
    }

    fn send(&mut self, kind: Kind, body: Value, sent_at: Option<&'static str>) {
        self.events.push(Event { source: Source::Alpaca(kind), body, sent_at });
    }

    fn open_account(&mut self) {
        for status in ["SUBMITTED", "APPROVED", "ACTIVE"] {
            let at = self.later().to_string();
            let body = json!({ "account_id": self.account, "at": at, "status_to": status });
            self.send(Kind::Account, body, None);
        }
    }

    fn step(&mut self) {
        match self.random.below(12) {
            0..=2 => self.pay(),
            3 => self.earn(),
            4 => self.split(),
            5 => self.bust(),
            6 => self.correct(),
            _ => self.order(),
        }
    }

    fn entry(&mut self, id: &str, kind: &str, minor: i128, status: &str) -> Value {
        let at = self.later().to_string();
        json!({
            "account_id": self.account, "activity_type": kind, "at": at, "currency": self.currency.code,
            "details": {}, "net_amount": decimal(minor, self.currency.digits), "ref_id": id, "status": status,
        })
    }

    fn list_entry(&mut self, id: &str, minor: i128, status: &'static str) {
        let line = Line {
            kind: "cash_entry",
            at: self.at,
            id,
            account: &self.account,
            amount: Some((minor, self.currency)),
            status,
        };
        self.books.add(&line);
        if status == "settled" {
            self.books.move_money(&self.account, self.currency, minor);
        }
    }

    /// Money in or out, which is announced and then executed, canceled, or still on its way.
    fn pay(&mut self) {
        let (id, minor) = (self.id("entry"), amount(self.random, self.currency));
        let (kind, minor) = if self.random.once_in(3) { ("CSW", -minor) } else { ("CSD", minor) };
        let transfer = |at: Timestamp, status: &str, account: &str| json!({ "account_id": account, "at": at.to_string(), "status_to": status, "transfer_id": format!("t-{id}") });
        let announced = transfer(self.later(), "QUEUED", &self.account);
        self.send(Kind::Transfer, announced, Some("at"));
        let pending = self.entry(&id, kind, minor, "pending");
        self.send(Kind::Activity, pending, Some("at"));
        let status = match self.random.below(6) {
            0 => {
                if minor < 0 {
                    self.books.announce(&self.account, self.currency, -minor);
                }
                return self.list_entry(&id, minor, "pending");
            }
            1 => "canceled",
            _ => "executed",
        };
        let end = self.entry(&id, kind, minor, status);
        self.send(Kind::Activity, end, Some("at"));
        let complete =
            transfer(self.later(), if status == "executed" { "COMPLETE" } else { "CANCELED" }, &self.account);
        self.send(Kind::Transfer, complete, Some("at"));
        self.list_entry(&id, minor, if status == "executed" { "settled" } else { "canceled" });
    }

    /// An entry that may be corrected by another one, or withdrawn.
    fn earn(&mut self) {
        let kinds = [("DIV", 1), ("INT", 1), ("FEE", -1), ("DIVNRA", -1), ("JNLC", 1), ("JNLC", -1)];
        let (kind, sign) = kinds[self.random.index(kinds.len())];
        let (id, minor) = (self.id("entry"), sign * amount(self.random, self.currency));
        let executed = self.entry(&id, kind, minor, "executed");
        self.send(Kind::Activity, executed, Some("at"));
        match self.random.below(4) {
            0 => {
                let (new_id, new_minor) = (self.id("entry"), minor + sign);
                let mut correction = self.entry(&new_id, kind, new_minor, "correct");
                correction["previous_id"] = json!(id);
                self.send(Kind::Activity, correction, Some("at"));
                self.list_entry(&id, minor, "canceled");
                self.list_entry(&new_id, new_minor, "settled");
            }
            1 => {
                let canceled = self.entry(&id, kind, minor, "canceled");
                self.send(Kind::Activity, canceled, Some("at"));
                self.list_entry(&id, minor, "canceled");
            }
            _ => self.list_entry(&id, minor, "settled"),
        }
    }

    /// Shares of a symbol.
    fn position(&mut self, symbol: &'static str) -> &mut i128 {
        self.books.shares.entry((self.account.clone(), symbol)).or_default()
    }

    fn trade(&mut self, order: &Value, event: &str, execution: Option<&str>) -> Value {
        let at = self.later().to_string();
        let mut body = json!({
            "account_id": self.account, "at": at, "timestamp": at, "event": event, "order": order,
            "currency": self.currency.code,
        });
        if let Some(execution) = execution {
            body["execution_id"] = json!(execution);
        }
        body
    }

    /// An order that is filled in parts, then wholly filled, canceled or still open.
    fn order(&mut self) {
        let (id, symbol) = (self.id("order"), SYMBOLS[self.random.index(SYMBOLS.len())]);
        let is_buy = !self.random.once_in(2);
        let quantity = match self.random.below(8) {
            // Worth less than the smallest unit.
            0 => 1 + i128::from(self.random.below(5)),
            1 | 2 => 1 + i128::from(self.random.below(3_000_000_000)),
            _ => SHARE * (1 + i128::from(self.random.below(40))),
        };
        let mut price = i128::from(self.random.within(1_000..5_000_000));
        let mut order = json!({
            "id": id, "symbol": symbol, "asset_class": "us_equity", "qty": decimal(quantity, SHARE_DIGITS),
            "side": if is_buy { "buy" } else { ["sell", "sell_short"][self.random.index(2)] },
            "filled_qty": "0", "filled_avg_price": null, "status": "new",
        });
        let limit = (is_buy && self.random.once_in(2)).then_some(price + price / 10);
        if let Some(limit) = limit {
            order["limit_price"] = json!(decimal(limit, PRICE_DIGITS));
        }
        let new = self.trade(&order, "new", None);
        self.send(Kind::Trade, new, None);
        let parts = 1 + i128::from(self.random.below(3)).min(quantity - 1);
        let parts_filled =
            if self.random.once_in(4) { self.random.below(parts as u64) as i128 } else { parts };
        let (mut filled, mut paid, mut executions) = (0, 0, Vec::new());
        for part in 1..=parts_filled {
            let cumulative = quantity * part / parts;
            // Less than what the order grows by, so that no part has a price below zero.
            price += price * i128::from(self.random.below(100)) / 10_000;
            let notional = self.cost(price, cumulative);
            let execution = Execution {
                id: self.id("execution"),
                shares: cumulative - filled,
                money: notional - paid,
                at: self.at,
            };
            (filled, paid) = (cumulative, notional);
            order["filled_qty"] = json!(decimal(filled, SHARE_DIGITS));
            order["filled_avg_price"] = json!(decimal(price, PRICE_DIGITS));
            let event = if part == parts { "fill" } else { "partial_fill" };
            order["status"] = json!(if part == parts { "filled" } else { "partially_filled" });
            let fill = self.trade(&order, event, Some(&execution.id));
            self.send(Kind::Trade, fill, None);
            self.count(symbol, is_buy, execution.shares, execution.money);
            executions.push(Execution { at: self.at, ..execution });
        }
        if parts_filled < parts && self.random.once_in(2) {
            if let Some(limit) = limit {
                let reserve = self.cost(limit, quantity);
                self.books.announce(&self.account, self.currency, (reserve - paid).max(0));
            }
            return self.list(symbol, is_buy, &executions);
        }
        if parts_filled < parts {
            order["status"] = json!("canceled");
            let canceled = self.trade(&order, "canceled", None);
            self.send(Kind::Trade, canceled, None);
        }
        self.orders.push(Order { body: order, symbol, is_buy, price, executions });
    }

    /// Money for shares at a price, to the smallest unit, halves to even.
    fn cost(&self, price: i128, shares: i128) -> i128 {
        let unit = 10_i128.pow(PRICE_DIGITS + SHARE_DIGITS - self.currency.digits);
        let (whole, rest) = (price * shares / unit, price * shares % unit);
        whole + i128::from(rest * 2 > unit || (rest * 2 == unit && whole % 2 == 1))
    }

    fn count(&mut self, symbol: &'static str, is_buy: bool, shares: i128, money: i128) {
        let sign = if is_buy { 1 } else { -1 };
        *self.position(symbol) += sign * shares;
        self.books.move_money(&self.account, self.currency, -sign * money);
    }

    fn list(&mut self, symbol: &str, is_buy: bool, executions: &[Execution]) {
        let sign = if is_buy { 1 } else { -1 };
        for Execution { id, shares, money, at } in executions {
            let figures = (sign * shares, -sign * money, self.currency);
            self.books.add_execution(*at, (id, &self.account, symbol), figures);
        }
    }

    /// Both halves of a split, of which the second one says what it is.
    fn split(&mut self) {
        let symbol = SYMBOLS[self.random.index(SYMBOLS.len())];
        let old = *self.position(symbol);
        let new = [old * 2, old * 10, old / 2][self.random.index(3)];
        if old == 0 || new == 0 {
            return;
        }
        // What was executed before cannot be busted any more: it would be another number of shares.
        for order in std::mem::take(&mut self.orders) {
            match order.symbol == symbol {
                true => self.list(symbol, order.is_buy, &order.executions),
                false => self.orders.push(order),
            }
        }
        let details = json!({
            "symbol": symbol, "old_qty": decimal(old, SHARE_DIGITS), "new_qty": decimal(new, SHARE_DIGITS),
        });
        for moved in [-old, new] {
            let id = self.id("split");
            let mut half = self.entry(&id, "SPLIT", 0, "executed");
            half["qty"] = json!(decimal(moved, SHARE_DIGITS));
            half["details"] = details.clone();
            self.send(Kind::Activity, half, Some("at"));
        }
        *self.position(symbol) = new;
    }

    /// An order and the number of one of its executions.
    fn execution(&mut self) -> Option<(Order, usize)> {
        let order = self.random.index(self.orders.len().max(1));
        let is_filled = self.orders.get(order).is_some_and(|order| !order.executions.is_empty());
        is_filled.then(|| {
            let order = self.orders.swap_remove(order);
            let number = self.random.index(order.executions.len());
            (order, number)
        })
    }

    /// A busted execution never happened. Some lists have it all the same.
    fn bust(&mut self) {
        let Some((mut order, number)) = self.execution() else { return };
        let busted = order.executions.remove(number);
        let bust = self.trade(&order.body, "trade_bust", Some(&busted.id));
        self.send(Kind::Trade, bust, None);
        self.count(order.symbol, order.is_buy, -busted.shares, -busted.money);
        if self.random.once_in(2) {
            self.list(order.symbol, order.is_buy, &[busted]);
        }
        self.list(order.symbol, order.is_buy, &order.executions);
    }

    /// An execution takes the place of another one, at a higher price.
    fn correct(&mut self) {
        let Some((mut order, number)) = self.execution() else { return };
        let before = order.executions.remove(number);
        let shares: i128 =
            order.executions.iter().map(|execution| execution.shares).sum::<i128>() + before.shares;
        let others: i128 = order.executions.iter().map(|execution| execution.money).sum();
        let price = order.price + i128::from(self.random.below(500));
        let money = self.cost(price, shares) - others;
        let id = self.id("execution");
        order.body["filled_qty"] = json!(decimal(shares, SHARE_DIGITS));
        order.body["filled_avg_price"] = json!(decimal(price, PRICE_DIGITS));
        let mut correction = self.trade(&order.body, "trade_correct", Some(&id));
        correction["previous_execution_id"] = json!(before.id);
        self.send(Kind::Trade, correction, None);
        self.count(order.symbol, order.is_buy, 0, money - before.money);
        order.executions.push(Execution { id, shares: before.shares, money, at: self.at });
        self.list(order.symbol, order.is_buy, &order.executions);
    }

    fn list_executions(&mut self) {
        for order in std::mem::take(&mut self.orders) {
            self.list(order.symbol, order.is_buy, &order.executions);
        }
    }
}
