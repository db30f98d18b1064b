//! The books that a simulated provider has itself, as integers, and its statement as a CSV file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tests::random::Random;

/// Of a share.
pub(crate) const SHARE_DIGITS: u32 = 9;

/// A currency with its number of decimals, which this side knows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Currency {
    pub(crate) code: &'static str,
    pub(crate) digits: u32,
}

pub(crate) const USD: Currency = Currency { code: "USD", digits: 2 };
pub(crate) const EUR: Currency = Currency { code: "EUR", digits: 2 };
pub(crate) const JPY: Currency = Currency { code: "JPY", digits: 0 };
pub(crate) const KWD: Currency = Currency { code: "KWD", digits: 3 };
pub(crate) const USDC: Currency = Currency { code: "USDC", digits: 6 };
pub(crate) const EURC: Currency = Currency { code: "EURC", digits: 6 };
pub(crate) const PYUSD: Currency = Currency { code: "PYUSD", digits: 6 };
pub(crate) const BTC: Currency = Currency { code: "BTC", digits: 8 };

/// Where an event comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Alpaca(webhooks::alpaca::Kind),
    Bridge,
    Circle,
}

/// What a provider sends, without the id of the message. Sent again, it has another id, and maybe a later time.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) source: Source,
    pub(crate) body: Value,
    /// The member with the time of the message, if a later one changes nothing.
    pub(crate) sent_at: Option<&'static str>,
}

/// What a provider has on record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    lines: String,
    /// By account and currency.
    pub(crate) money: BTreeMap<(String, Currency), i128>,
    /// On its way out of them, or set aside.
    pub(crate) leaving: BTreeMap<(String, Currency), i128>,
    /// By account and symbol.
    pub(crate) shares: BTreeMap<(String, &'static str), i128>,
}

/// A line of a transfer or an entry.
pub(crate) struct Line<'l> {
    pub(crate) kind: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) id: &'l str,
    pub(crate) account: &'l str,
    /// With its sign; `None` if the provider does not know it.
    pub(crate) amount: Option<(i128, Currency)>,
    pub(crate) status: &'static str,
}

impl Books {
    pub(crate) fn add(&mut self, line: &Line<'_>) {
        let Line { kind, at, id, account, amount, status } = line;
        let (amount, currency) = amount.map_or_else(Default::default, |(minor, currency)| {
            (decimal(minor, currency.digits), currency.code)
        });
        let _ = writeln!(self.lines, "{kind},{at},{id},{account},,,{amount},{currency},{status}");
    }

    pub(crate) fn add_execution(
        &mut self,
        at: Timestamp,
        (id, account, symbol): (&str, &str, &str),
        (shares, money, currency): (i128, i128, Currency),
    ) {
        let (shares, money) = (decimal(shares, SHARE_DIGITS), decimal(money, currency.digits));
        let _ = writeln!(
            self.lines,
            "execution,{at},{id},{account},{symbol},{shares},{money},{},",
            currency.code
        );
    }

    pub(crate) fn move_money(&mut self, account: &str, currency: Currency, minor: i128) {
        *self.money.entry((account.to_owned(), currency)).or_default() += minor;
    }

    pub(crate) fn announce(&mut self, account: &str, currency: Currency, minor: i128) {
        *self.leaving.entry((account.to_owned(), currency)).or_default() += minor;
    }

    /// The statement, whose positions and balances are those at the end of March.
    pub(crate) fn statement(&self) -> String {
        let mut text = "kind,date,id,account,symbol,quantity,amount,currency,status\n".to_owned();
        text.push_str(&self.lines);
        for ((account, symbol), shares) in self.shares.iter().filter(|(_, shares)| **shares != 0) {
            let shares = decimal(*shares, SHARE_DIGITS);
            let _ = writeln!(text, "position,2026-03-31,,{account},{symbol},{shares},,,");
        }
        for ((account, currency), minor) in &self.money {
            let (code, amount) = (currency.code, decimal(*minor, currency.digits));
            let _ = writeln!(text, "cash_balance,2026-03-31,,{account},,,{amount},{code},");
        }
        text
    }
}

/// A whole number of smallest units as a decimal number.
pub(crate) fn decimal(minor: i128, digits: u32) -> String {
    let (sign, minor) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    let unit = 10_u128.pow(digits);
    match digits {
        0 => format!("{sign}{minor}"),
        _ => format!("{sign}{}.{:0width$}", minor / unit, minor % unit, width = digits as usize),
    }
}

/// Minutes pass.
pub(crate) fn later(at: &mut Timestamp, random: &mut Random) -> Timestamp {
    *at += SignedDuration::from_secs(1 + i64::try_from(random.below(2 * 3600)).unwrap());
    *at
}

/// An amount of up to a hundred thousand whole units.
pub(crate) fn amount(random: &mut Random, currency: Currency) -> i128 {
    let bound = [10, 1_000, 100_000][random.index(3)];
    let whole = random.below(bound);
    i128::from(whole) * 10_i128.pow(currency.digits)
        + 1
        + i128::from(random.below(10_u64.pow(currency.digits)))
}
