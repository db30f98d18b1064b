//! Simulated Bridge and Circle: money that becomes tokens and back, deposits that come back, and coins that Bridge sends and Circle
//! receives in one transaction of a blockchain.

use jiff::Timestamp;
use serde_json::{Value, json};
use tests::providers::USDC_TOKEN_ID;
use tests::random::Random;

use super::books::{
    BTC, Books, Currency, EUR, EURC, Event, Line, PYUSD, Source, USD, USDC, amount, decimal, later,
};

const CUSTOMERS: [&str; 2] = ["customer-1", "customer-2"];
const WALLETS: [&str; 2] = ["wallet-1", "wallet-2"];

pub(crate) struct Coins<'w> {
    random: &'w mut Random,
    pub(crate) events: Vec<Event>,
    pub(crate) bridge: Books,
    pub(crate) circle: Books,
    at: Timestamp,
    serial: u32,
}

/// How a transfer ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Settled,
    Failed,
    Returned,
}

impl End {
    const fn status(self) -> &'static str {
        match self {
            Self::Open => "pending",
            Self::Settled => "settled",
            Self::Failed => "failed",
            Self::Returned => "returned",
        }
    }
}

impl<'w> Coins<'w> {
    pub(crate) fn simulate(random: &'w mut Random, start: Timestamp) -> Self {
        let (bridge, circle) = (Books::default(), Books::default());
        let mut coins = Self { random, events: Vec::new(), bridge, circle, at: start, serial: 0 };
        for _ in 0..16 {
            match coins.random.below(7) {
                0 | 1 => coins.conversion(),
                2 => coins.deposit(),
                3 => coins.wallet_transaction(),
                4 => coins.mint_transfer(),
                _ => coins.passed_on(),
            }
        }
        coins
    }

    fn later(&mut self) -> Timestamp {
        later(&mut self.at, self.random)
    }

    fn id(&mut self, kind: &str) -> String {
        self.serial += 1;
        format!("{kind}-{}", self.serial)
    }

    fn end(&mut self) -> End {
        [End::Open, End::Failed, End::Returned, End::Settled, End::Settled, End::Settled]
            [self.random.index(6)]
    }

    /// Sends a snapshot of an object of Bridge.
    fn bridge(&mut self, category: &str, object: Value) {
        let at = self.later().to_string();
        let body = json!({
            "event_category": category, "event_type": format!("{category}.updated"), "event_object_id": object["id"],
            "event_object": object, "event_created_at": at,
        });
        self.events.push(Event { source: Source::Bridge, body, sent_at: Some("event_created_at") });
    }

    fn circle(&mut self, kind: &str, object: Value) {
        let at = self.later().to_string();
        let body = json!({
            "subscriptionId": "s", "notificationType": kind, "notification": object, "timestamp": at, "version": 2,
        });
        self.events.push(Event { source: Source::Circle, body, sent_at: Some("timestamp") });
    }

    fn list(
        books: &mut Books,
        (id, account, at): (&str, &str, Timestamp),
        amount: Option<(i128, Currency)>,
        end: End,
    ) {
        books.add(&Line { kind: "transfer", at, id, account, amount, status: end.status() });
        match (amount, end) {
            (Some((minor, currency)), End::Settled) => books.move_money(account, currency, minor),
            (Some((minor, currency)), End::Open) if minor < 0 => books.announce(account, currency, -minor),
            _ => {}
        }
    }

    /// Money that becomes tokens, or tokens that become money.
    fn conversion(&mut self) {
        let (id, customer) = (self.id("transfer"), CUSTOMERS[self.random.index(2)]);
        let token = [USDC, EURC, PYUSD][self.random.index(3)];
        let money = [USD, EUR][self.random.index(2)];
        let is_inbound = !self.random.once_in(3);
        let minor = amount(self.random, token);
        let text = decimal(minor, token.digits);
        let (from, to) = if is_inbound { (money, token) } else { (token, money) };
        let mut object = json!({
            "id": id, "on_behalf_of": customer, "amount": if is_inbound { "123.45" } else { &text },
            "currency": from.code.to_lowercase(), "created_at": self.at.to_string(),
            "source": {"payment_rail": if is_inbound { "ach_push" } else { "bridge_wallet" }, "currency": from.code.to_lowercase()},
            "destination": {"payment_rail": if is_inbound { "bridge_wallet" } else { "sepa" }, "currency": to.code.to_lowercase()},
            "receipt": {},
        });
        let end = self.end();
        let steps = ["awaiting_funds", "funds_received", "payment_submitted"];
        let reached = if end == End::Open { 1 + self.random.index(3) } else { 3 };
        for state in &steps[..reached] {
            object["state"] = json!(state);
            if is_inbound && *state == "payment_submitted" {
                object["receipt"]["final_amount"] = json!(text);
            }
            self.bridge("transfer", object.clone());
        }
        let ends: &[&str] = match end {
            End::Open => &[],
            End::Settled => &["payment_processed"],
            End::Failed => &["undeliverable"],
            End::Returned => &["payment_processed", "refund_in_flight", "refunded"],
        };
        for state in ends {
            object["state"] = json!(state);
            self.bridge("transfer", object.clone());
        }
        let is_known = !is_inbound || reached == 3;
        let amount = is_known.then_some((if is_inbound { minor } else { -minor }, token));
        Self::list(&mut self.bridge, (&id, customer, self.at), amount, end);
    }

    /// One step of a deposit into a virtual account.
    fn activity(&mut self, deposit: &str, customer: &str, step: &str, amount: (&str, &str)) -> Value {
        let id = self.id("activity");
        json!({
            "id": id, "deposit_id": deposit, "customer_id": customer, "type": step, "amount": amount.0,
            "currency": amount.1, "created_at": self.at.to_string(),
        })
    }

    /// The steps of a deposit until it is settled in this transaction.
    fn settled_deposit(&mut self, customer: &'static str, minor: i128, hash: &str) -> String {
        let id = self.id("deposit");
        let received = self.activity(&id, customer, "funds_received", ("200.00", "usd"));
        self.bridge("virtual_account.activity", received);
        let net = decimal(minor, USDC.digits);
        let mut submitted = self.activity(&id, customer, "payment_submitted", (&net, "usdc"));
        // Preliminary.
        submitted["destination_tx_hash"] = json!(hash.replace('0', "1"));
        self.bridge("virtual_account.activity", submitted);
        let mut processed = self.activity(&id, customer, "payment_processed", (&net, "usdc"));
        processed["destination_tx_hash"] = json!(hash);
        self.bridge("virtual_account.activity", processed);
        id
    }

    /// A deposit that stays at Bridge.
    fn deposit(&mut self) {
        let (id, customer) = (self.id("deposit"), CUSTOMERS[self.random.index(2)]);
        let (minor, end) = (amount(self.random, USDC), self.end());
        let received = self.activity(&id, customer, "funds_received", ("200.00", "usd"));
        self.bridge("virtual_account.activity", received);
        let net = decimal(minor, USDC.digits);
        let mut known = None;
        if matches!(end, End::Settled | End::Returned) {
            let processed = self.activity(&id, customer, "payment_processed", (&net, "usdc"));
            self.bridge("virtual_account.activity", processed);
            known = Some((minor, USDC));
        }
        // A deposit does not fail: what does not arrive is sent back.
        let end = if end == End::Failed { End::Returned } else { end };
        if end == End::Returned {
            let refunded = self.activity(&id, customer, "refunded", ("200.00", "usd"));
            self.bridge("virtual_account.activity", refunded);
        }
        Self::list(&mut self.bridge, (&id, customer, self.at), known, end);
    }

    /// Equal deposits that Bridge sends in one transaction, of which some arrive in a wallet at Circle, or another amount does.
    fn passed_on(&mut self) {
        let hash =
            format!("0x{:064x}", u128::from(self.random.below(u64::MAX)) << 64 | u128::from(self.serial));
        let minor = 2 + amount(self.random, USDC);
        let (sent, arrived) = (1 + self.random.index(3), self.random.index(4));
        let is_other_amount = self.random.once_in(5);
        let customer = CUSTOMERS[self.random.index(2)];
        for number in 0..sent {
            let id = self.settled_deposit(customer, minor, &hash);
            Self::list(&mut self.bridge, (&id, customer, self.at), Some((minor, USDC)), End::Settled);
            if number < arrived && !is_other_amount {
                // It is not at Bridge any more.
                self.bridge.move_money(customer, USDC, -minor);
            }
        }
        let received = if is_other_amount { minor - 1 } else { minor };
        for _ in 0..arrived.min(sent) {
            let wallet = WALLETS[self.random.index(2)];
            // Hexadecimal digits are the same in capitals.
            let hash =
                if self.random.once_in(2) { hash.to_uppercase().replace("0X", "0x") } else { hash.clone() };
            self.transaction(wallet, received, &hash, End::Settled);
        }
    }

    fn wallet_transaction(&mut self) {
        let wallet = WALLETS[self.random.index(2)];
        let hash =
            format!("0x{:064x}", u128::from(self.random.below(u64::MAX)) << 64 | u128::from(self.serial));
        let minor = amount(self.random, USDC);
        let end = [End::Open, End::Failed, End::Settled, End::Settled][self.random.index(4)];
        let is_outbound = self.random.once_in(3);
        self.transaction(wallet, if is_outbound { -minor } else { minor }, &hash, end);
    }

    /// A transaction of a wallet, which leaves it if the amount is negative.
    fn transaction(&mut self, wallet: &'static str, minor: i128, hash: &str, end: End) {
        let (id, (kind, name)) = (
            self.id("transaction"),
            if minor < 0 { ("outbound", "OUTBOUND") } else { ("inbound", "INBOUND") },
        );
        let last = match end {
            End::Open => "CONFIRMED",
            End::Failed => "FAILED",
            End::Settled | End::Returned => "COMPLETE",
        };
        for state in ["SENT", last] {
            let at = self.later().to_string();
            let object = json!({
                "id": id, "walletId": wallet, "tokenId": USDC_TOKEN_ID, "state": state, "transactionType": name,
                "amounts": [decimal(minor.abs(), USDC.digits)], "txHash": hash, "createDate": at, "updateDate": at,
            });
            self.circle(&format!("transactions.{kind}"), object);
        }
        Self::list(&mut self.circle, (&id, wallet, self.at), Some((minor, USDC)), end);
    }

    /// A transfer between a wallet and a blockchain, in tokens with 6 and 8 decimals.
    fn mint_transfer(&mut self) {
        let (id, wallet) = (self.id("mint"), WALLETS[self.random.index(2)]);
        let token = [BTC, EURC][self.random.index(2)];
        let minor = amount(self.random, token);
        let is_inbound = !self.random.once_in(3);
        let end = [End::Open, End::Failed, End::Settled, End::Settled][self.random.index(4)];
        let (ours, outside) =
            (json!({"type": "wallet", "id": wallet}), json!({"type": "blockchain", "address": "x"}));
        let (source, destination) = if is_inbound { (outside, ours) } else { (ours, outside) };
        let last = match end {
            End::Open => "running",
            End::Failed => "failed",
            End::Settled | End::Returned => "complete",
        };
        for status in ["pending", last] {
            let object = json!({
                "id": id, "source": source, "destination": destination, "status": status,
                "amount": {"amount": decimal(minor, token.digits), "currency": token.code},
            });
            self.circle("transfers.updated", object);
        }
        let signed = if is_inbound { minor } else { -minor };
        Self::list(&mut self.circle, (&id, wallet, self.at), Some((signed, token)), end);
    }
}
