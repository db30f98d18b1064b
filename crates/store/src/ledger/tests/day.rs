//! A day with each kind of event, and its result computed by hand.

use domain::{
    AccountStatus, CashKind, Currency, Direction, EntryStatus, Fact, FactKind, Money, OrderStatus,
    PostingMode, Side, Subject, TransferStatus,
};
use jiff::Timestamp;

/// The balances after the day, in smallest units. By hand, in dollars:
/// fiat exposure 1,000.00 − 561.50 − 300.00 + 190.00 + 2.40 − 0.36 + 0.11 − 0.03 + 25.00 − 100.00 + 4.00 = 259.62, and 150.00
/// of a short sale.
/// USDC: 250.000001 is split 175.000001 and 75; 40 came and went back; 200 left of 175.000001.
pub(super) const BALANCES: [(&str, &str, i64); 14] = [
    ("user/alpaca:a1/fiat_exposure", "USD", 40_962),
    ("user/alpaca:a1/pending_investment", "USD", 30_000),
    ("system/clearing/alpaca", "USD", -90_000),
    ("system/securities_clearing", "USD", 22_150),
    ("system/income", "USD", -651),
    ("system/taxes", "USD", 36),
    ("system/fees", "USD", 3),
    ("system/broker_operational", "USD", -2_500),
    ("user/bridge:c1/usdc_balance", "USDC", 0),
    ("user/bridge:c1/spending_balance", "USDC", 0),
    ("user/bridge:c1/stash_balance", "USDC", 75_000_000),
    ("user/bridge:c1/receivable", "USDC", -24_999_999),
    ("system/clearing/bridge", "USDC", -50_000_001),
    ("user/alpaca:a1/receivable", "USD", 0),
];

fn at(clock: &str) -> Timestamp {
    format!("2026-03-02T{clock}Z").parse().unwrap()
}

fn usd(cents: i64) -> Money {
    Money::from_minor(cents, Currency::Usd)
}

fn account(clock: &str, status: AccountStatus) -> Fact {
    let subject = Subject::Account("alpaca:a1".parse().unwrap());
    Fact { subject, at: at(clock), kind: FactKind::Account { status } }
}

/// The first report of another account.
pub(super) fn account_of(id: &str) -> Fact {
    let subject = Subject::Account(id.parse().unwrap());
    Fact { subject, at: at("09:00:00"), kind: FactKind::Account { status: AccountStatus::Active } }
}

/// A transfer of USDC of `bridge:c1`.
pub(super) fn transfer(
    clock: &str,
    id: &str,
    direction: Direction,
    micros: i64,
    status: TransferStatus,
) -> Fact {
    let kind = FactKind::Transfer {
        account: Some("bridge:c1".parse().unwrap()),
        direction: Some(direction),
        amount: Some(Money::from_minor(micros, Currency::Usdc)),
        status,
        posting_mode: PostingMode::Post,
    };
    Fact { subject: Subject::Transfer(id.parse().unwrap()), at: at(clock), kind }
}

/// A settled deposit of `bridge:c1`.
pub(super) fn deposit_of_usdc(clock: &str, id: &str, micros: i64) -> Fact {
    transfer(clock, id, Direction::Inbound, micros, TransferStatus::Settled)
}

/// The broker's own report of a deposit, which is posted by its cash entry.
fn memo(clock: &str, status: TransferStatus) -> Fact {
    let kind = FactKind::Transfer {
        account: Some("alpaca:a1".parse().unwrap()),
        direction: None,
        amount: None,
        status,
        posting_mode: PostingMode::Memo,
    };
    Fact { subject: Subject::Transfer("alpaca:t1".parse().unwrap()), at: at(clock), kind }
}

pub(super) fn cash(clock: &str, id: &str, kind: CashKind, cents: i64, status: EntryStatus) -> Fact {
    let account = "alpaca:a1".parse().unwrap();
    let kind = FactKind::Cash { account, kind, amount: usd(cents), status, posting_mode: PostingMode::Post };
    Fact { subject: Subject::CashEntry(id.parse().unwrap()), at: at(clock), kind }
}

pub(super) fn holding(clock: &str, symbol: &str, kind: FactKind) -> Fact {
    let subject = Subject::Holding { account: "alpaca:a1".parse().unwrap(), symbol: symbol.parse().unwrap() };
    Fact { subject, at: at(clock), kind }
}

pub(super) fn order(
    clock: &str,
    symbol: &str,
    id: &str,
    (side, status): (Side, OrderStatus),
    cents: Option<i64>,
) -> Fact {
    holding(
        clock,
        symbol,
        FactKind::Order { order: id.parse().unwrap(), side, status, quantity: None, reserve: cents.map(usd) },
    )
}

pub(super) fn fill(
    clock: &str,
    symbol: &str,
    (order, execution): (&str, &str),
    side: Side,
    (cumulative, cents): (&str, i64),
) -> Fact {
    holding(
        clock,
        symbol,
        FactKind::Fill {
            order: order.parse().unwrap(),
            execution: execution.parse().unwrap(),
            side,
            cumulative: cumulative.parse().unwrap(),
            notional: usd(cents),
        },
    )
}

/// Each kind of event, in the order in which they happened.
pub(super) fn facts() -> Vec<Fact> {
    use Direction::{Inbound, Outbound};
    use EntryStatus::{Canceled, Executed, Pending};
    use OrderStatus::{Filled, Open, PartiallyFilled};
    use Side::{Buy, Sell};
    use TransferStatus::{Returned, Settled};
    vec![
        account("09:00:00", AccountStatus::Submitted),
        account("09:05:00", AccountStatus::Active),
        memo("09:06:00", TransferStatus::Pending),
        memo("09:09:00", Settled),
        cash("09:10:00", "alpaca:n1", CashKind::Deposit, 100_000, Executed),
        transfer("09:20:00", "bridge:b1", Inbound, 250_000_001, TransferStatus::Pending),
        transfer("09:30:00", "bridge:b1", Inbound, 250_000_001, Settled),
        transfer("09:31:00", "bridge:b2", Inbound, 40_000_000, Settled),
        transfer("09:40:00", "bridge:b3", Outbound, 200_000_000, Settled),
        transfer("09:50:00", "bridge:b2", Inbound, 40_000_000, Returned),
        transfer("09:51:00", "bridge:b4", Inbound, 9_000_000, TransferStatus::Failed),
        order("14:30:00", "AAPL", "alpaca:o1", (Buy, Open), Some(50_000)),
        order("14:30:01", "AAPL", "alpaca:o1", (Buy, PartiallyFilled), None),
        fill("14:30:01", "AAPL", ("alpaca:o1", "alpaca:e1"), Buy, ("2", 37_400)),
        order("14:30:02", "AAPL", "alpaca:o1", (Buy, Filled), None),
        fill("14:30:02", "AAPL", ("alpaca:o1", "alpaca:e2"), Buy, ("3", 56_150)),
        order("14:31:00", "MSFT", "alpaca:o2", (Buy, Open), Some(30_000)),
        order("15:00:00", "AAPL", "alpaca:o3", (Sell, Filled), None),
        fill("15:00:00", "AAPL", ("alpaca:o3", "alpaca:e3"), Sell, ("1", 19_000)),
        fill("15:10:00", "TSLA", ("alpaca:o4", "alpaca:e4"), Buy, ("1", 20_000)),
        holding("15:20:00", "TSLA", FactKind::Bust { execution: "alpaca:e4".parse().unwrap() }),
        fill("15:30:00", "NVDA", ("alpaca:o5", "alpaca:e5"), Sell, ("1", 15_000)),
        holding(
            "16:00:00",
            "AAPL",
            FactKind::Split { entry: "alpaca:s1".parse().unwrap(), change: "6".parse().unwrap() },
        ),
        cash("16:01:00", "alpaca:n2", CashKind::Dividend, 240, Executed),
        cash("16:02:00", "alpaca:n3", CashKind::Tax, -36, Executed),
        cash("16:03:00", "alpaca:n4", CashKind::Interest, 11, Executed),
        cash("16:04:00", "alpaca:n5", CashKind::Fee, -3, Executed),
        cash("16:05:00", "alpaca:n6", CashKind::Journal, 2_500, Executed),
        cash("16:06:00", "alpaca:n7", CashKind::Withdrawal, -10_000, Pending),
        cash("16:07:00", "alpaca:n7", CashKind::Withdrawal, -10_000, Executed),
        cash("16:08:00", "alpaca:n8", CashKind::Dividend, 777, Executed),
        cash("16:09:00", "alpaca:n8", CashKind::Dividend, 777, Canceled),
        cash("16:10:00", "alpaca:n9", CashKind::Dividend, 500, Executed),
        Fact {
            subject: Subject::CashEntry("alpaca:n9".parse().unwrap()),
            at: at("16:11:00"),
            kind: FactKind::Superseded { by: "alpaca:n10".parse().unwrap() },
        },
        cash("16:11:00", "alpaca:n10", CashKind::Dividend, 400, Executed),
    ]
}
