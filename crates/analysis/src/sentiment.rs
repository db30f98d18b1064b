//! The sentiment engine: tones that a news vendor assigned, weighted by age.
//!
//! It does not read texts. Without a news source or an item with a tone, the engine is unavailable and has no weight.

use std::collections::HashSet;

use domain::{NewsItem, Tone};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Absence, AnalysisInput, Driver, Engine};

/// Days after which an item counts half.
const HALF_LIFE_DAYS: f64 = 3.0;
/// Days after which an item no longer counts.
const AGE_DAYS_MAX: i64 = 30;
/// Seconds in a day.
const DAY_S: i64 = 86_400;

/// Tones of the newest items.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Sentiment {
    /// Number of items with a tone.
    pub total_articles: usize,
    /// Number of positive items.
    pub positive: usize,
    /// Number of neutral items.
    pub neutral: usize,
    /// Number of negative items.
    pub negative: usize,
    /// Number of items without a tone.
    pub untoned_articles: usize,
    /// Number of publishers of the items with a tone.
    pub sources: usize,
    /// Mean tone, -1 to 1.
    pub avg_sentiment: f64,
    /// Mean tone weighted by age, -1 to 1: the weight halves with every half-life.
    pub normalized_score: f64,
    /// Half-life of the weight, in days.
    pub half_life_days: f64,
    /// Oldest age that counts, in days.
    pub age_days_max: i64,
    /// Publication of the oldest item with a tone, in seconds since 1970.
    pub oldest_unix_s: i64,
    /// Publication of the newest item with a tone, in seconds since 1970.
    pub newest_unix_s: i64,
}

/// Tones and score of the news, as of `now_unix_s`.
pub(crate) fn sentiment(input: &AnalysisInput<'_>) -> Engine<Sentiment> {
    let Some(news) = input.news else {
        return Engine::unavailable(Absence::Missing { what: "source of news" }, None);
    };
    let Some(metrics) = Sentiment::from_news(news, input.now_unix_s) else {
        return Engine::unavailable(Absence::Missing { what: "toned news of the last 30 days" }, None);
    };
    let trust = 1.0 - 0.5_f64.powf(metrics.sources as f64);
    let driver = Driver::new(
        "normalized_score",
        Ok(metrics.normalized_score),
        "value * (1 - 0.5^sources): one publisher counts half, two count three quarters",
        1.0,
        |score| score * trust,
    );
    let reason = Absence::Missing { what: "toned news of the last 30 days" };
    Engine::from_drivers([driver], reason, metrics)
}

impl Sentiment {
    /// Counts items of the last [`AGE_DAYS_MAX`] days before `now_unix_s`, each id once; `None` when none has a tone.
    fn from_news(news: &[NewsItem], now_unix_s: i64) -> Option<Self> {
        let oldest = now_unix_s.saturating_sub(AGE_DAYS_MAX * DAY_S);
        let mut ids = HashSet::with_capacity(news.len());
        let recent = |item: &&NewsItem| (oldest..=now_unix_s).contains(&item.published_unix_s);
        let items: Vec<&NewsItem> =
            news.iter().filter(recent).filter(|item| ids.insert(item.id.as_str())).collect();
        let toned: Vec<(&NewsItem, Tone)> =
            items.iter().filter_map(|item| item.tone.map(|tone| (*item, tone))).collect();
        let count = |kind: Tone| toned.iter().filter(|(_, tone)| *tone == kind).count();
        let sources: HashSet<&str> = toned.iter().map(|(item, _)| item.publisher.as_str()).collect();
        let (mut sum, mut decayed, mut weights) = (0.0, 0.0, 0.0);
        for (item, tone) in &toned {
            let age_days = (now_unix_s - item.published_unix_s) as f64 / DAY_S as f64;
            let weight = 0.5_f64.powf(age_days / HALF_LIFE_DAYS);
            sum += value(*tone);
            decayed += weight * value(*tone);
            weights += weight;
        }
        let published = || toned.iter().map(|(item, _)| item.published_unix_s);
        Some(Self {
            total_articles: toned.len(),
            positive: count(Tone::Positive),
            neutral: count(Tone::Neutral),
            negative: count(Tone::Negative),
            untoned_articles: items.len() - toned.len(),
            sources: sources.len(),
            avg_sentiment: sum / toned.len() as f64,
            normalized_score: decayed / weights,
            half_life_days: HALF_LIFE_DAYS,
            age_days_max: AGE_DAYS_MAX,
            oldest_unix_s: published().min()?,
            newest_unix_s: published().max()?,
        })
    }
}

fn value(tone: Tone) -> f64 {
    match tone {
        Tone::Positive => 1.0,
        Tone::Neutral => 0.0,
        Tone::Negative => -1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_362_160_800;

    fn item(id: &str, age_days: i64, publisher: &str, tone: Option<Tone>) -> NewsItem {
        NewsItem {
            id: id.to_owned(),
            published_unix_s: NOW - age_days * DAY_S,
            publisher: publisher.to_owned(),
            title: String::new(),
            tone,
        }
    }

    #[test]
    fn an_item_counts_half_after_three_days() {
        let news = [
            item("a", 0, "one", Some(Tone::Positive)),
            item("b", 3, "two", Some(Tone::Negative)),
            item("c", 6, "two", Some(Tone::Neutral)),
            item("d", 1, "three", None),
        ];
        let sentiment = Sentiment::from_news(&news, NOW).unwrap();
        // Weights 1, 1/2, 1/4: (1 - 1/2) / (7/4).
        assert!((sentiment.normalized_score - 0.5 / 1.75).abs() < 1e-12);
        assert!(sentiment.avg_sentiment.abs() < 1e-12);
        assert_eq!(
            (sentiment.total_articles, sentiment.positive, sentiment.neutral, sentiment.negative),
            (3, 1, 1, 1)
        );
        assert_eq!((sentiment.sources, sentiment.untoned_articles), (2, 1));
    }

    #[test]
    fn the_future_the_old_and_the_repeated_do_not_count() {
        let news = [
            item("a", 0, "one", Some(Tone::Positive)),
            item("a", 0, "one", Some(Tone::Positive)),
            item("future", -1, "one", Some(Tone::Negative)),
            item("old", 31, "one", Some(Tone::Negative)),
        ];
        let sentiment = Sentiment::from_news(&news, NOW).unwrap();
        assert_eq!((sentiment.total_articles, sentiment.negative), (1, 0));
    }

    #[test]
    fn without_a_tone_there_is_no_sentiment() {
        assert_eq!(Sentiment::from_news(&[], NOW), None);
        assert_eq!(Sentiment::from_news(&[item("a", 0, "one", None)], NOW), None);
        assert_eq!(Sentiment::from_news(&[item("a", 0, "one", Some(Tone::Positive))], i64::MIN), None);
    }
}
