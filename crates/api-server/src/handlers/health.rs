//! `GET /health`, `/livez`, `/readyz`: the results of background checks; no request calls a dependency.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use workers::{Cause, Check, HealthRegistry, Importance, Outcome, UnhealthyWorker};

use crate::layers::problem_renderer::CompleteBody;
use crate::problem::{Kind, Problem};
use crate::schemas::{ProblemDocument, Problems};
use crate::state::Probes;

/// The state of the service and its dependencies.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `unhealthy` if a critical dependency is down; `degraded` if an optional one is down, a secret is stale or a worker is
    /// unhealthy; else `healthy`.
    #[schema(value_type = String, example = "healthy")]
    status: &'static str,
    /// The name of the service.
    #[schema(value_type = String, example = "investiq-api")]
    service: &'static str,
    /// The version of the program.
    #[schema(value_type = String)]
    version: &'static str,
    /// Seconds since the service started.
    uptime_s: u64,
    /// The last background check of each dependency: `market_data`, `polygon`, `database`, `redis`, `alpaca`,
    /// `ml_service`, `secrets`; and `workers`, whether all background workers are healthy.
    checks: BTreeMap<&'static str, CheckHealth>,
}

/// The last background check of one dependency.
#[derive(Debug, Serialize, ToSchema)]
struct CheckHealth {
    /// `ok`, `stale`, `down`, `not_configured`, or `pending` before the first check.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
    /// Duration of the check, in milliseconds.
    #[schema(required)]
    latency_ms: Option<f64>,
    /// Time since the check, in seconds.
    #[schema(required)]
    age_s: Option<f64>,
}

/// The result of a probe.
#[derive(Debug, Serialize, ToSchema)]
struct Probe {
    /// `ok`, or `degraded` if the service accepts requests while its secret provider is down.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
}

/// The state of the service and its dependencies
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "getHealth",
    tag = "probes",
    security(()),
    responses(
        (status = 200, description = "Every critical dependency is up", body = Health),
        (
            status = 503,
            description = "A critical dependency is down, or overloaded",
            content((Health = "application/json"), (ProblemDocument = "application/problem+json"))
        ),
        Problems,
    )
)]
pub(crate) async fn health(State(Probes { health, .. }): State<Probes>) -> Response {
    let (status, code) = match (health.is_down(Importance::Critical), health.is_degraded()) {
        (true, _) => ("unhealthy", StatusCode::SERVICE_UNAVAILABLE),
        (false, true) => ("degraded", StatusCode::OK),
        (false, false) => ("healthy", StatusCode::OK),
    };
    let body = Health {
        status,
        service: "investiq-api",
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: health.uptime().as_secs(),
        checks: checks(&health),
    };
    let mut response = (code, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response();
    // The body reports which check is down, so it is not replaced by a problem document.
    response.extensions_mut().insert(CompleteBody);
    response
}

fn checks(health: &HealthRegistry) -> BTreeMap<&'static str, CheckHealth> {
    let workers = if health.unhealthy_worker().is_some() { Outcome::Down } else { Outcome::Ok };
    let workers = CheckHealth { status: workers.as_str(), latency_ms: None, age_s: None };
    let checks = health.checks().iter().map(|check| (check.name(), CheckHealth::from(check)));
    checks.chain([("workers", workers)]).collect()
}

impl From<&Check> for CheckHealth {
    fn from(check: &Check) -> Self {
        let result = check.result();
        Self {
            status: result.outcome.as_str(),
            latency_ms: result.latency.map(|latency| latency.as_secs_f64() * 1000.0),
            age_s: result.checked_at.map(|checked_at| checked_at.elapsed().as_secs_f64()),
        }
    }
}

/// Whether the process is alive
///
/// Succeeds as long as the process responds, whatever the state of its dependencies.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "checkLiveness",
    tag = "probes",
    security(()),
    responses((status = 200, description = "The process is alive", body = Probe), Problems)
)]
pub(crate) async fn live() -> Response {
    probe("ok")
}

/// Whether the service accepts requests
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "checkReadiness",
    tag = "probes",
    security(()),
    responses((status = 200, description = "The service accepts requests", body = Probe), Problems)
)]
pub(crate) async fn ready(State(Probes { health, shutdown }): State<Probes>) -> Result<Response, Problem> {
    if shutdown.is_cancelled() {
        return Err(Problem::new(Kind::Draining, "this instance is shutting down; try another one"));
    }
    if health.database().result().outcome == Outcome::Down {
        let detail = match health.database_fault() {
            Some(fault) => format!("{fault}; an operator must restore it").into(),
            None => Cow::Borrowed("the database is down; try another instance"),
        };
        return Err(not_ready("database", detail));
    }
    if let Some(unhealthy) = health.unhealthy_worker() {
        return Err(worker_not_ready(unhealthy));
    }
    match health.secrets().result().outcome {
        Outcome::Down => Err(not_ready("secrets", "a secret has expired; try another instance")),
        Outcome::Stale => Ok(probe("degraded")),
        Outcome::NotConfigured | Outcome::Pending | Outcome::Ok => Ok(probe("ok")),
    }
}

fn not_ready(check: &'static str, detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(Kind::NotReady, detail).with("check", check)
}

fn worker_not_ready(UnhealthyWorker { worker, cause }: UnhealthyWorker) -> Problem {
    let detail = match cause {
        Cause::Ended => format!("the worker {worker} has ended; try another instance"),
        Cause::Silent(time) => {
            format!("the worker {worker} had no heartbeat for {} s; try another instance", time.as_secs())
        }
    };
    not_ready("workers", detail).with("worker", worker)
}

fn probe(status: &'static str) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(Probe { status })).into_response()
}
