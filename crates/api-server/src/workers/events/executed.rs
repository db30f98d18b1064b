//! The prices at which orders were executed: the last price of a share, where no feed has a later one.

use domain::{Fact, Price, Subject, What};
use ledger::Marked;
use rust_decimal::Decimal;
use store::Mark;
use webhooks::Meaning;

/// Digits after the point that are kept of an average.
const PRICE_DIGITS: u32 = 6;

/// What the executions of an event say of prices: the average of their order so far.
pub(super) fn marks(meaning: &Meaning) -> Vec<Mark> {
    match meaning {
        Meaning::Facts(facts) => facts.iter().filter_map(mark).collect(),
        Meaning::Unhandled(_) | Meaning::Test => Vec::new(),
    }
}

fn mark(fact: &Fact) -> Option<Mark> {
    let (Subject::Holding { symbol, .. }, What::Fill { cumulative, notional, .. }) =
        (&fact.subject, &fact.what)
    else {
        return None;
    };
    let shares: Decimal = cumulative.to_string().parse().ok()?;
    let average = notional.to_decimal().checked_div(shares)?.round_dp(PRICE_DIGITS).normalize();
    Some(Mark { thing: Marked::Share(*symbol), price: Price::new(average).ok()?, at: fact.at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_marks_its_share_at_the_average_of_its_order() {
        let fact = r#"{"subject":{"holding":{"account":"alpaca:a1","symbol":"AAPL"}},"at":"2026-01-02T15:04:05Z","what":{"is":"fill","order":"alpaca:o1","execution":"alpaca:e1","side":"buy","cumulative":"1.5","notional":{"minor":28100,"currency":"USD"}}}"#;
        let fact: Fact = serde_json::from_str(fact).unwrap();
        let marks = marks(&Meaning::Facts(vec![fact]));
        // 281.00 / 1.5
        assert_eq!(marks[0].price.to_string(), "187.333333");
        assert_eq!(marks[0].thing.to_string(), "AAPL");
    }
}
