//! What was gained with a part of a lot, for how long it was held, and whether a loss may be disallowed.

use domain::{ExternalId, Money};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::Lot;

/// Days before and after a loss in which another buy makes it a wash sale (26 U.S.C. § 1091).
const WASH_SALE_DAYS: i32 = 30;

/// A part of a lot that an execution closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gain {
    /// The part, with its cost.
    pub lot: Lot,
    /// The execution.
    pub closed_by: ExternalId,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// Its part of the execution's money: what a cover cost, or what a sale brought as a negative number.
    pub money: Money,
}

impl Gain {
    /// Whether the shares were sold before they were bought.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.lot.quantity < domain::Quantity::ZERO
    }

    /// What the shares brought; `None` if it is unknown.
    #[must_use]
    pub fn proceeds(&self) -> Option<Money> {
        let money = if self.is_short() { self.lot.cost } else { Some(self.money) };
        money.and_then(|money| money.negated().ok())
    }

    /// What the shares cost; `None` if it is unknown.
    #[must_use]
    pub fn cost(&self) -> Option<Money> {
        if self.is_short() { Some(self.money) } else { self.lot.cost }
    }

    /// Proceeds less cost; `None` if one is unknown, or they are in two currencies.
    #[must_use]
    pub fn gain(&self) -> Option<Money> {
        let (proceeds, cost) = self.proceeds().zip(self.cost())?;
        proceeds.plus(cost.negated().ok()?).ok()
    }

    /// Whether the shares were held for more than a year, by days in UTC (26 U.S.C. § 1222). Never of a short sale. `None` if
    /// a journal brought the shares.
    #[must_use]
    pub fn is_long_term(&self) -> Option<bool> {
        if self.is_short() {
            return Some(false);
        }
        let anniversary = day(self.lot.opened_at).checked_add(Span::new().years(1)).ok();
        anniversary.filter(|_| self.lot.is_traded).map(|anniversary| day(self.closed_at) > anniversary)
    }
}

/// Whether `gain` is a loss, and one of the lots that were `opened` on its side, but not its own, is within 30 days of it. The lots
/// are in order of the times at which they were opened.
#[must_use]
pub fn is_wash_sale(gain: &Gain, opened: &[Lot]) -> bool {
    let is_loss = gain.gain().is_some_and(|gain| gain.minor() < 0);
    let closed = day(gain.closed_at);
    // Only lots of these days are looked at: a holding may have 100,000 of them.
    let window = SignedDuration::from_hours(24 * i64::from(WASH_SALE_DAYS + 1));
    let earliest = gain.closed_at.checked_sub(window).unwrap_or(Timestamp::MIN);
    let latest = gain.closed_at.checked_add(window).unwrap_or(Timestamp::MAX);
    let first = opened.partition_point(|lot| lot.opened_at < earliest);
    is_loss
        && opened[first..].iter().take_while(|lot| lot.opened_at <= latest).any(|lot| {
            let is_same_side = (lot.quantity < domain::Quantity::ZERO) == gain.is_short();
            let days = closed.since(day(lot.opened_at)).map_or(i32::MAX, |span| span.get_days());
            lot.id != gain.lot.id && is_same_side && days.abs() <= WASH_SALE_DAYS
        })
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}
