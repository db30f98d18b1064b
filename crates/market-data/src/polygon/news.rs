//! News, with the vendor's tone for the symbol.

use domain::{NewsItem, Symbol};

use super::client::CallError;
use super::fetch::Fetch;
use super::wire::{Article, Results};

/// Articles to fetch, newest first.
const ARTICLES: &str = "50";
/// Longer headlines, names and identifiers are cut.
const TEXT_CHARS_MAX: usize = 300;

impl Fetch {
    /// Leaves out articles without an identifier, a title or a valid time.
    pub(super) async fn news(&self, symbol: Symbol) -> Result<Vec<NewsItem>, CallError> {
        let query =
            [("ticker", symbol.as_str()), ("limit", ARTICLES), ("sort", "published_utc"), ("order", "desc")];
        let url = self.client.url(&["v2", "reference", "news"], &query);
        let Results { results } = self.get::<Results<Vec<Article>>>(url, |_| Ok(true)).await?.value;
        Ok(results.unwrap_or_default().into_iter().filter_map(|article| item(article, symbol)).collect())
    }
}

fn item(article: Article, symbol: Symbol) -> Option<NewsItem> {
    let published: jiff::Timestamp = article.published_utc?.parse().ok()?;
    let about = |ticker: &Option<String>| ticker.as_deref() == Some(symbol.as_str());
    let insight = article.insights.unwrap_or_default().into_iter().find(|insight| about(&insight.ticker));
    Some(NewsItem {
        id: bounded(article.id?),
        published_unix_s: published.as_second(),
        publisher: bounded(article.publisher.and_then(|publisher| publisher.name).unwrap_or_default()),
        title: bounded(article.title?),
        tone: insight.and_then(|insight| insight.sentiment?.parse().ok()),
    })
}

fn bounded(text: String) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use domain::Tone;

    use super::*;

    fn parse(wire: &str) -> Option<NewsItem> {
        item(serde_json::from_str(wire).unwrap(), "AAPL".parse().unwrap())
    }

    #[test]
    fn the_tone_of_the_symbol_is_used() {
        let wire = r#"{"id":"1","title":"T","published_utc":"2013-03-01T05:00:00Z","publisher":{"name":"P"},
            "tickers":["MSFT","AAPL"],"insights":[
              {"ticker":"MSFT","sentiment":"negative","sentiment_reasoning":"r"},
              {"ticker":"AAPL","sentiment":"positive","sentiment_reasoning":"r"}]}"#;
        let item = parse(wire).unwrap();
        assert_eq!((item.tone, item.published_unix_s), (Some(Tone::Positive), 1_362_114_000));
    }

    #[test]
    fn absent_tones_stay_absent_and_articles_without_time_are_left_out() {
        let toneless = r#"{"id":"1","title":"T","published_utc":"2013-03-01T05:00:00Z"}"#;
        assert_eq!(parse(toneless).unwrap().tone, None);
        assert_eq!(parse(r#"{"id":"1","title":"T","published_utc":"yesterday"}"#), None);
        assert_eq!(parse(r#"{"id":"1","title":"T"}"#), None);
        let mixed = r#"{"id":"1","title":"T","published_utc":"2013-03-01T05:00:00Z",
            "insights":[{"ticker":"AAPL","sentiment":"mixed"}]}"#;
        assert_eq!(parse(mixed).unwrap().tone, None);
    }
}
