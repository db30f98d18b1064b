//! `GET /api/analyze/{symbol}`: the explained analysis of a symbol.

use std::sync::Arc;

use analysis::{Models, Subject, analyze};
use axum::extract::State;
use axum::response::Response;
use domain::{Date, DatedValues};
use market_data::{Benchmark, MarketData, Snapshot};

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
    let (benchmark, risk_free) = (market_data.benchmark().await, market_data.risk_free());
    let key = Key::new(&snapshot, benchmark.as_deref(), window.timeframe(), first_bar);
    if let Some(answer) = key.as_ref().and_then(|key| answers.get(key)) {
        return Ok(held.or_send(answer));
    }
    let market = Market { benchmark: benchmark.as_deref(), risk_free: risk_free.as_deref() };
    let answer = compute(&snapshot, market, window, first_bar, &models)?;
    if let Some(key) = key {
        answers.insert(key, answer.clone());
    }
    Ok(held.or_send(answer))
}

/// What a symbol is compared with.
#[derive(Clone, Copy)]
struct Market<'a> {
    benchmark: Option<&'a Benchmark>,
    risk_free: Option<&'a DatedValues>,
}

fn compute(
    snapshot: &Snapshot,
    market: Market<'_>,
    window: Window,
    first_bar: usize,
    models: &Models,
) -> Result<Representation, Problem> {
    let timeframe = window.timeframe();
    let Market { benchmark, risk_free } = market;
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
        raw_basis: history.raw_basis(),
        benchmark: benchmark
            .map(|market| analysis::Benchmark { name: market.name, returns: &market.returns }),
        risk_free,
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
    // A market that cannot be had now may be there at the next question about the same data.
    let market_version = benchmark.map_or(0, |market| market.version);
    let question = format!("analyze-{}-{first_bar}-{market_version:x}", timeframe.as_str());
    Ok(Representation::new(body, provenance::etag(snapshot, &question)))
}

/// What news are recent against: when the data was fetched. The same data so has the same answer at any hour.
fn now_unix_s(snapshot: &Snapshot) -> i64 {
    let midnight_of = |date: Date| i64::from(date.days()) * DAY_S;
    snapshot.fetched_at_unix_ms.map_or_else(|| midnight_of(snapshot.as_of), |fetched_ms| fetched_ms / 1000)
}
