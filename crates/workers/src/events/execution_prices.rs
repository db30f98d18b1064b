//! Prices of executions: the last price of a share unless market data has a later one.

use domain::{Fact, FactKind, Price, Subject};
use ledger::PricedAsset;
use rust_decimal::Decimal;
use store::AssetPrice;
use webhooks::Interpretation;

/// Decimals of an average price.
const PRICE_DIGITS: u32 = 6;

/// One price for each execution of an event: the average of its order so far.
pub(super) fn prices(interpretation: &Interpretation) -> Vec<AssetPrice> {
    match interpretation {
        Interpretation::Facts(facts) => facts.iter().filter_map(price).collect(),
        Interpretation::Unhandled(_) | Interpretation::Test => Vec::new(),
    }
}

fn price(fact: &Fact) -> Option<AssetPrice> {
    let (Subject::Holding { symbol, .. }, FactKind::Fill { cumulative, notional, .. }) =
        (&fact.subject, &fact.kind)
    else {
        return None;
    };
    let shares: Decimal = cumulative.to_string().parse().ok()?;
    let average = notional.to_decimal().checked_div(shares)?.round_dp(PRICE_DIGITS).normalize();
    Some(AssetPrice { asset: PricedAsset::Share(*symbol), price: Price::new(average).ok()?, at: fact.at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_prices_its_share_at_the_average_of_its_order() {
        let fact = r#"{"subject":{"holding":{"account":"alpaca:a1","symbol":"AAPL"}},"at":"2026-01-02T15:04:05Z","kind":{"type":"fill","order":"alpaca:o1","execution":"alpaca:e1","side":"buy","cumulative":"1.5","notional":{"minor":28100,"currency":"USD"}}}"#;
        let fact: Fact = serde_json::from_str(fact).unwrap();
        let prices = prices(&Interpretation::Facts(vec![fact]));
        // 281.00 / 1.5
        assert_eq!(prices[0].price.to_string(), "187.333333");
        assert_eq!(prices[0].asset.to_string(), "AAPL");
    }
}
