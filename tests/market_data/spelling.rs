//! The vendor's symbols are case-sensitive: `AMpB` is a preferred share, `AMPB` another security.

use market_data::Error;
use tests::polygon::FakePolygon;

use crate::{client, config, symbol};

#[tokio::test]
async fn a_symbol_is_sent_as_it_is_written_and_gets_the_prices_of_that_security_alone() {
    let vendor = FakePolygon::start();
    let market_data = client(config(&vendor));
    let mut closes = Vec::new();
    for text in ["AMpB", "AMPB", "AMpB"] {
        let snapshot = market_data.snapshot(&symbol(text)).await.unwrap();
        assert_eq!(snapshot.history.symbol().as_str(), text);
        assert_eq!(snapshot.name.as_deref(), Some(format!("{text} Corporation").as_str()));
        closes.push(snapshot.history.raw().view().close.to_vec());
    }
    assert_ne!(closes[0], closes[1]);
    assert_eq!(closes[0], closes[2]);
    // The vendor lists no symbols, so a spelling in lower case may mean either.
    for (text, similar) in [("ampb", vec![symbol("AMPB")]), ("aapl", vec![symbol("AAPL")])] {
        let error = market_data.snapshot(&symbol(text)).await.unwrap_err();
        assert_eq!(error, Error::UnknownSymbol { symbol: symbol(text), similar });
    }
    let asked: Vec<String> = vendor.heads().iter().map(|head| head.uri.to_string()).collect();
    for text in ["AMpB", "AMPB", "ampb", "aapl"] {
        assert!(asked.iter().any(|uri| uri.contains(&format!("/{text}/range/"))), "{asked:?}");
    }
    assert!(!asked.iter().any(|uri| uri.contains("AAPL")), "{asked:?}");
}
