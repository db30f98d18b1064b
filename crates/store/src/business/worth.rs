//! What sums of money and shares are worth at the last marks.

use std::collections::BTreeMap;

use domain::{Money, Quantity, Symbol};
use jiff::Timestamp;
use ledger::{Fault, Marked, Marks};

use super::Mark;
use crate::error::Error;

/// What something is worth in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// In dollars, rounded once.
    pub value: Money,
    /// How many currencies and positions are not in it, because no price of theirs is known.
    pub unpriced: u64,
    /// The time of the oldest mark that went into it; `None` when it is dollars alone.
    pub oldest_mark_at: Option<Timestamp>,
}

/// What `money` and `shares` are worth together at `marks`.
pub(crate) fn worth(
    money: &[Money],
    shares: &[(Symbol, Quantity)],
    marks: &BTreeMap<Marked, Mark>,
) -> Result<Worth, Error> {
    let prices: Marks = marks.iter().map(|(thing, mark)| (*thing, mark.price)).collect();
    let valuation =
        ledger::value(money.iter().copied(), shares.iter().copied(), &prices).map_err(Fault::from)?;
    let of_money =
        money.iter().filter(|money| !money.is_zero()).map(|money| Marked::Currency(money.currency()));
    let of_shares =
        shares.iter().filter(|(_, shares)| !shares.is_zero()).map(|(symbol, _)| Marked::Share(*symbol));
    let used = of_money.chain(of_shares).filter(|thing| *thing != Marked::Currency(domain::Currency::Usd));
    let oldest_mark_at = used.filter_map(|thing| marks.get(&thing)).map(|mark| mark.at).min();
    Ok(Worth { value: valuation.value, unpriced: valuation.unpriced as u64, oldest_mark_at })
}
