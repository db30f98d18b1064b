//! `GET /api/analyze/{symbol}`: the explained analysis of a symbol.

use std::sync::Arc;

use analysis::{Models, Subject, analyze};
use axum::extract::State;
use axum::response::Response;
use domain::Date;
use market_data::{MarketData, Snapshot};

use super::analysis_answer::{AnalysisAnswer, rfc_3339};
use super::window::{DAYS, TIMEFRAME};
use super::{HeldCopies, Parameters, Provenance, Representation, SymbolPath, Window, provenance};
use crate::answers::{Answers, Key};
use crate::openapi::{Problems, SymbolParameter, WindowParameters};
use crate::problem::Problem;

const DAY_S: i64 = 86_400;

/// The explained analysis of a symbol
///
/// Indicators, risk, fundamentals and the tone of news, and one signal made of them with everything that went into it.
/// An engine that cannot speak says why and counts for nothing.
#[utoipa::path(
    get,
    path = "/api/analyze/{symbol}",
    tag = "analysis",
    params(SymbolParameter, WindowParameters),
    responses(
        (status = 200, description = "The analysis", body = AnalysisAnswer),
        (status = 304, description = "The client's copy is current"),
        Problems,
    )
)]
pub async fn one(
    SymbolPath(symbol): SymbolPath,
    parameters: Parameters,
    held: HeldCopies,
    State(market_data): State<Arc<MarketData>>,
    State(answers): State<Arc<Answers>>,
    State(models): State<Arc<Models>>,
) -> Result<Response, Problem> {
    parameters.only(&[TIMEFRAME, DAYS])?;
    let window = Window::of(&parameters)?;
    let snapshot = market_data.snapshot(&symbol).await?;
    let first_bar = window.first_bar(&snapshot.history);
    let key = Key::new(&snapshot, window.timeframe(), first_bar);
    let answer = match answers.get(&key) {
        Some(answer) => answer,
        None => {
            let answer = compute(&snapshot, window, first_bar, &market_data, &models).await?;
            // Stale data has no tag: its answer holds an age, and the next one another.
            if answer.etag().is_some() {
                answers.insert(key, answer.clone());
            }
            answer
        }
    };
    Ok(held.or_send(answer))
}

async fn compute(
    snapshot: &Snapshot,
    window: Window,
    first_bar: usize,
    market_data: &MarketData,
    models: &Models,
) -> Result<Representation, Problem> {
    let timeframe = window.timeframe();
    let (benchmark, risk_free) = (market_data.benchmark().await, market_data.risk_free());
    let history = &snapshot.history;
    let (bars, first) = window.bars(history.adjusted(), first_bar);
    let (raw, _) = window.bars(history.raw(), first_bar);
    let now_unix_s = now_unix_s(snapshot);
    let subject = Subject {
        symbol: history.symbol(),
        timeframe,
        bars: bars.view().from(first),
        raw: raw.view().from(first),
        price_basis: history.basis(),
        benchmark: benchmark
            .as_deref()
            .map(|market| analysis::Benchmark { name: market.name, returns: &market.returns }),
        risk_free: risk_free.as_deref(),
        filings: &snapshot.filings,
        news: snapshot.news.as_deref(),
        now_unix_s,
    };
    let body = Representation::bytes_of(&AnalysisAnswer {
        name: snapshot.name.as_deref(),
        timestamp: rfc_3339(now_unix_s),
        provenance: Provenance::of(snapshot),
        analysis: analyze(&subject, models),
    })?;
    let question = format!("analyze-{}-{first_bar}", timeframe.as_str());
    Ok(Representation::new(body, provenance::etag(snapshot, &question)))
}

/// What news are recent against: when the data was fetched. The same data so has the same answer at any hour.
fn now_unix_s(snapshot: &Snapshot) -> i64 {
    let midnight_of = |date: Date| i64::from(date.days()) * DAY_S;
    snapshot.fetched_at_unix_ms.map_or_else(|| midnight_of(snapshot.as_of), |fetched_ms| fetched_ms / 1000)
}
