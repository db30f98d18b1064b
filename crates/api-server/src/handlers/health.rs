//! `GET /health`, `/livez`, `/readyz`: read from the board of background checks; no hit asks anyone else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::layers::problems::Whole;
use crate::openapi::Problems;
use crate::problem::{Kind, Problem};
use crate::serve::Draining;
use crate::workers::{Board, Fallen, Importance, Outcome, Sign};

/// How the service and what it depends on are.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `healthy`; `degraded` when something optional is down, a secret is stale or a worker does not work; `unhealthy`
    /// when something critical is down.
    #[schema(value_type = String, example = "healthy")]
    status: &'static str,
    /// The service's name.
    #[schema(value_type = String, example = "investiq-api")]
    service: &'static str,
    /// The program's version.
    #[schema(value_type = String)]
    version: &'static str,
    /// Seconds since the service began.
    uptime_s: u64,
    /// The last background check of each dependency: `market_data`, `polygon`, `database`, `redis`, `alpaca`,
    /// `ml_service`, `secrets`; and `workers`, whether all that work in the background do.
    checks: BTreeMap<&'static str, CheckHealth>,
}

/// The last background check of one dependency.
#[derive(Debug, Serialize, ToSchema)]
struct CheckHealth {
    /// `ok`, `stale`, `down`, `not_configured`, or `pending` before the first check.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
    /// How long the check took, in milliseconds.
    #[schema(required)]
    latency_ms: Option<f64>,
    /// How long ago it was, in seconds.
    #[schema(required)]
    age_s: Option<f64>,
}

/// Whether a probe's question is answered with yes.
#[derive(Debug, Serialize, ToSchema)]
struct Probe {
    /// `ok`, or `degraded` for a service that takes new work while the place of its secrets does not answer.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
}

/// The state of the service and its dependencies
#[utoipa::path(
    get,
    path = "/health",
    tag = "probes",
    security(()),
    responses(
        (status = 200, description = "Nothing critical is down", body = Health),
        (status = 503, description = "Something critical is down", body = Health),
    )
)]
pub async fn health(State(board): State<Arc<Board>>) -> Response {
    let (status, code) = match (board.is_down(Importance::Critical), board.is_degraded()) {
        (true, _) => ("unhealthy", StatusCode::SERVICE_UNAVAILABLE),
        (false, true) => ("degraded", StatusCode::OK),
        (false, false) => ("healthy", StatusCode::OK),
    };
    let health = Health {
        status,
        service: "investiq-api",
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: board.uptime().as_secs(),
        checks: checks(&board),
    };
    let mut response = (code, [(header::CACHE_CONTROL, "no-store")], Json(health)).into_response();
    // What is down is told above all when something is.
    response.extensions_mut().insert(Whole);
    response
}

fn checks(board: &Board) -> BTreeMap<&'static str, CheckHealth> {
    let workers = if board.fallen_worker().is_some() { Outcome::Down } else { Outcome::Ok };
    let workers = CheckHealth { status: workers.as_str(), latency_ms: None, age_s: None };
    let checks = board.checks().iter().map(|check| (check.name(), CheckHealth::of(check)));
    checks.chain([("workers", workers)]).collect()
}

impl CheckHealth {
    fn of(check: &crate::workers::Check) -> Self {
        let reading = check.reading();
        Self {
            status: reading.outcome.as_str(),
            latency_ms: reading.latency.map(|latency| latency.as_secs_f64() * 1000.0),
            age_s: reading.checked_at.map(|checked_at| checked_at.elapsed().as_secs_f64()),
        }
    }
}

/// Whether the process runs
///
/// It answers as long as the process can answer at all; no dependency can make it fail.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "probes",
    security(()),
    responses((status = 200, description = "It runs", body = Probe))
)]
pub async fn live() -> Response {
    probe("ok")
}

/// Whether the service takes new work
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "probes",
    security(()),
    responses((status = 200, description = "It does", body = Probe), Problems)
)]
pub async fn ready(
    State(draining): State<Draining>,
    State(board): State<Arc<Board>>,
) -> Result<Response, Problem> {
    if draining.has_begun() {
        return Err(Problem::new(Kind::Draining, "the service is shutting down; ask another one"));
    }
    if board.database().reading().outcome == Outcome::Down {
        return Err(not_ready("database", "the database does not answer; ask another instance"));
    }
    if let Some(fallen) = board.fallen_worker() {
        return Err(not_working(fallen));
    }
    match board.secrets().reading().outcome {
        Outcome::Down => Err(not_ready("secrets", "a secret may be used no longer; ask another instance")),
        Outcome::Stale => Ok(probe("degraded")),
        Outcome::NotConfigured | Outcome::Pending | Outcome::Ok => Ok(probe("ok")),
    }
}

/// Not ready, for this check's sake.
fn not_ready(check: &'static str, detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(Kind::NotReady, detail).with("check", check)
}

fn not_working(Fallen { worker, sign }: Fallen) -> Problem {
    let detail = match sign {
        Sign::Ended => format!("the worker {worker} has ended; ask another instance"),
        Sign::Silent(time) => {
            format!("the worker {worker} shows no life for {} s; ask another instance", time.as_secs())
        }
    };
    not_ready("workers", detail).with("worker", worker)
}

fn probe(status: &'static str) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(Probe { status })).into_response()
}
