//! The sentiment engine: the tones that a vendor of news gave, recent ones first.
//!
//! No words are read here: without a source of news, or without a toned item, the engine is unavailable and has no
//! weight.

use std::collections::HashSet;

use domain::{NewsItem, Tone};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Absence, Driver, Engine, Subject};

/// Days after which an item counts half.
pub const HALF_LIFE_DAYS: f64 = 3.0;
/// Days after which an item no longer counts.
pub const AGE_DAYS_MAX: i64 = 30;
/// Seconds in a day.
const DAY_S: i64 = 86_400;

/// Tones of the newest items.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Sentiment {
    /// Items with a tone that count.
    pub total_articles: usize,
    /// Of these, good.
    pub positive: usize,
    /// Of these, neither.
    pub neutral: usize,
    /// Of these, bad.
    pub negative: usize,
    /// Items of the same days without a tone.
    pub untoned_articles: usize,
    /// Publishers of the items that count.
    pub sources: usize,
    /// Mean tone, -1 to 1, every item counting once.
    pub avg_sentiment: f64,
    /// Mean tone, -1 to 1, an item counting half for every half-life of its age.
    pub normalized_score: f64,
    /// That half-life, in days.
    pub half_life_days: f64,
    /// Age from which items do not count, in days.
    pub age_days_max: i64,
    /// When the oldest item that counts was published, in seconds since 1970.
    pub oldest_unix_s: i64,
    /// When the newest was.
    pub newest_unix_s: i64,
}

/// Tones and score of the subject's news, as of `now_unix_s`.
#[must_use]
pub fn sentiment(subject: &Subject<'_>) -> Engine<Sentiment> {
    let Some(news) = subject.news else {
        return Engine::unavailable(Absence::Missing { what: "source of news" }, None);
    };
    let Some(metrics) = Sentiment::of(news, subject.now_unix_s) else {
        return Engine::unavailable(Absence::Missing { what: "toned news of the last 30 days" }, None);
    };
    let believed = 1.0 - 0.5_f64.powf(metrics.sources as f64);
    let driver = Driver::new(
        "normalized_score",
        Some(metrics.normalized_score),
        "value * (1 - 0.5^sources): one publisher counts half, two three quarters",
        1.0,
        |score| score * believed,
    );
    let reason = Absence::Missing { what: "toned news of the last 30 days" };
    Engine::of_drivers(driver.into_iter().collect(), reason, metrics)
}

impl Sentiment {
    /// Counts items of the last [`AGE_DAYS_MAX`] days before `now`, each id once; `None` when none has a tone.
    #[must_use]
    pub fn of(news: &[NewsItem], now_unix_s: i64) -> Option<Self> {
        let oldest = now_unix_s.saturating_sub(AGE_DAYS_MAX * DAY_S);
        let mut ids = HashSet::with_capacity(news.len());
        let recent = |item: &&NewsItem| (oldest..=now_unix_s).contains(&item.published_unix_s);
        let items: Vec<&NewsItem> =
            news.iter().filter(recent).filter(|item| ids.insert(item.id.as_str())).collect();
        let toned: Vec<(&NewsItem, Tone)> =
            items.iter().filter_map(|item| item.tone.map(|tone| (*item, tone))).collect();
        let count = |wanted: Tone| toned.iter().filter(|(_, tone)| *tone == wanted).count();
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
        let found = Sentiment::of(&news, NOW).unwrap();
        // Weights 1, 1/2, 1/4: (1 - 1/2) / (7/4).
        assert!((found.normalized_score - 0.5 / 1.75).abs() < 1e-12);
        assert!(found.avg_sentiment.abs() < 1e-12);
        assert_eq!((found.total_articles, found.positive, found.neutral, found.negative), (3, 1, 1, 1));
        assert_eq!((found.sources, found.untoned_articles), (2, 1));
    }

    #[test]
    fn the_future_the_old_and_the_repeated_do_not_count() {
        let news = [
            item("a", 0, "one", Some(Tone::Positive)),
            item("a", 0, "one", Some(Tone::Positive)),
            item("future", -1, "one", Some(Tone::Negative)),
            item("old", 31, "one", Some(Tone::Negative)),
        ];
        let found = Sentiment::of(&news, NOW).unwrap();
        assert_eq!((found.total_articles, found.negative), (1, 0));
    }

    #[test]
    fn without_a_tone_there_is_no_sentiment() {
        assert_eq!(Sentiment::of(&[], NOW), None);
        assert_eq!(Sentiment::of(&[item("a", 0, "one", None)], NOW), None);
        assert_eq!(Sentiment::of(&[item("a", 0, "one", Some(Tone::Positive))], i64::MIN), None);
    }
}
