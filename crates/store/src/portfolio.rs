//! What one holder has, at the last marks.

use std::collections::BTreeMap;

use domain::{AccountStatus, Currency, ExternalId, Money, Price, Quantity, Symbol};
use jiff::Timestamp;
use ledger::{Bucket, Day, LedgerAccount, Marked};
use rust_decimal::Decimal;

use crate::business::{Mark, Whose, Worth, load_marks, worth, year_to_date};
use crate::database::{Transaction, values};
use crate::error::Error;
use crate::ledger::{optional_money, optional_read};
use crate::store::Store;

/// Positions of one holder, at most: more than a broker has symbols.
const POSITIONS_MAX: i64 = 20_000;

const BALANCES: &str =
    "SELECT account, currency, balance FROM ledger_balances WHERE holder = $1 ORDER BY account, currency";
const POSITIONS: &str = "SELECT symbol, quantity, cost, currency, last_at FROM positions \
    WHERE account = $1 AND quantity <> '0' ORDER BY symbol LIMIT $2";
const ACCOUNT: &str = "SELECT status FROM provider_accounts WHERE account = $1";
const REVIEWS: &str = "SELECT COUNT(*) AS number FROM reviews r WHERE resolved_at IS NULL AND (subject = $1 \
    OR subject IN (SELECT 'holding/' || p.account || '/' || p.symbol FROM positions p WHERE p.account = $2) \
    OR subject IN (SELECT 'transfer/' || t.id FROM transfers t WHERE t.account = $2) \
    OR subject IN (SELECT 'cash/' || c.id FROM cash_entries c WHERE c.account = $2))";

/// What one holder has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    /// Whose.
    pub account: ExternalId,
    /// How the account stands; `None` when its provider never said.
    pub status: Option<AccountStatus>,
    /// What lies on each account, by bucket and currency; what is owed is below zero.
    pub balances: Vec<(Bucket, Money)>,
    /// What is held, by symbol.
    pub positions: Vec<Held>,
    /// What all of it is worth.
    pub worth: Worth,
    /// The time-weighted return since the last close of the previous year: 0.05 is 5 %.
    pub year_to_date: Option<Decimal>,
    /// How many things about it people should look at.
    pub reviews: u64,
}

/// Shares of one symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Of what.
    pub symbol: Symbol,
    /// How many.
    pub quantity: Quantity,
    /// What they cost together.
    pub cost: Option<Money>,
    /// The last price and its time, when one is known.
    pub mark: Option<(Price, Timestamp)>,
    /// What they are worth at it.
    pub value: Option<Money>,
    /// When the position was last told of.
    pub last_at: Timestamp,
}

impl Store {
    /// What `account` has at `now`; `None` when nothing was ever told of it.
    ///
    /// # Errors
    /// [`Error`] of the database; [`Error::Ledger`] when a sum does not fit.
    pub async fn portfolio(&self, account: &ExternalId, now: Timestamp) -> Result<Option<Portfolio>, Error> {
        let mut reader = self.shared.database.reader().await?;
        let mut tx = reader.begin().await?;
        let name = account.to_string();
        let Some(row) = tx.row(ACCOUNT, values![&name]).await? else { return Ok(None) };
        let status = optional_read(&row, "status")?;
        let marks = load_marks(&mut tx).await?;
        let balances = balances(&mut tx, account).await?;
        let positions = positions(&mut tx, account, &marks).await?;
        let worth = worth_of(&balances, &positions, &marks)?;
        let today = Day::of(now).map_err(|_| Error::unreadable("day"))?.date;
        let whose = Whose::Holder(account);
        let year_to_date = year_to_date(&mut tx, whose, today, worth.value, &marks).await?;
        let reviews = tx.row(REVIEWS, values![format!("account/{account}"), &name]).await?;
        let reviews = reviews.ok_or_else(|| Error::unreadable("number"))?.int("number")?.cast_unsigned();
        Ok(Some(Portfolio {
            account: account.clone(),
            status,
            balances,
            positions,
            worth,
            year_to_date,
            reviews,
        }))
    }
}

/// What everything of a holder is worth.
pub(crate) async fn assets(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    marks: &BTreeMap<Marked, Mark>,
) -> Result<Worth, Error> {
    let balances = balances(tx, account).await?;
    let positions = positions(tx, account, marks).await?;
    worth_of(&balances, &positions, marks)
}

fn worth_of(
    balances: &[(Bucket, Money)],
    positions: &[Held],
    marks: &BTreeMap<Marked, Mark>,
) -> Result<Worth, Error> {
    let money: Vec<Money> = balances.iter().map(|(_, money)| *money).collect();
    let shares: Vec<(Symbol, Quantity)> = positions.iter().map(|held| (held.symbol, held.quantity)).collect();
    worth(&money, &shares, marks)
}

async fn balances(tx: &mut Transaction<'_>, account: &ExternalId) -> Result<Vec<(Bucket, Money)>, Error> {
    let mut balances = Vec::new();
    for row in tx.rows(BALANCES, values![account.to_string()]).await? {
        let LedgerAccount::User(_, bucket) = row.parsed("account")? else {
            return Err(Error::unreadable("account"));
        };
        balances.push((bucket, Money::from_minor(row.int("balance")?, row.parsed("currency")?)));
    }
    Ok(balances)
}

async fn positions(
    tx: &mut Transaction<'_>,
    account: &ExternalId,
    marks: &BTreeMap<Marked, Mark>,
) -> Result<Vec<Held>, Error> {
    let mut positions = Vec::new();
    for row in tx.rows(POSITIONS, values![account.to_string(), POSITIONS_MAX]).await? {
        let (symbol, quantity) = (row.parsed("symbol")?, row.parsed("quantity")?);
        let mark = marks.get(&Marked::Share(symbol)).map(|mark| (mark.price, mark.at));
        let value = mark.map(|(price, _)| price.times(quantity, Currency::Usd)).transpose();
        positions.push(Held {
            symbol,
            quantity,
            cost: optional_money(&row, "cost", "currency")?,
            mark,
            value: value.map_err(ledger::Fault::from)?,
            last_at: row.time("last_at")?,
        });
    }
    Ok(positions)
}
