//! `GET /api/ledger/reports/{report}`: trial balance, statement, holdings, tax lots and realized gains.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use store::{ReportFault, ReportKind, ReportRequest};
use utoipa::ToSchema;

use super::entry_parameters::{parse_filter, parse_format};
use super::parameters::{parse, unprocessable};
use super::{BookReader, Parameters, report_body};
use crate::problem::Problem;
use crate::schemas::{self, Problems};

/// A report as JSON.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "read by the derived description alone: a report is written while it is read")]
pub(crate) struct ReportResponse {
    #[schema(value_type = schemas::ReportKind)]
    report: ReportKind,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    known_at: Option<Timestamp>,
    /// An object for each row. Numbers are text. docs/ledger.md describes the columns of each report.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<serde_json::Value>,
}

/// A report
///
/// All rows at once, as JSON, CSV or JSON lines. A response that ends early is not complete.
#[utoipa::path(
    get,
    path = "/api/ledger/reports/{report}",
    operation_id = "getReport",
    tag = "ledger",
    params(
        ("report" = schemas::ReportKind, Path, description = "The report"),
        ("account" = Option<schemas::AccountFilter>, Query, description = "A holder or, for `trial-balance` and `statement`, an account; `statement` needs one"),
        ("effective_from" = Option<schemas::Time>, Query, description = "For `statement` and `gains`: at or after this time"),
        ("effective_before" = Option<schemas::Time>, Query, description = "For `statement` and `gains`: before this time"),
        ("as_of" = Option<schemas::Time>, Query, description = "What had happened by this time"),
        ("known_at" = Option<schemas::Time>, Query, description = "What was recorded by this time"),
        ("format" = Option<schemas::ReportFormat>, Query, description = "By default `json`"),
    ),
    responses((status = 200, description = "The report", content(
        (ReportResponse = "application/json"), (String = "text/csv"), (String = "application/jsonl"),
    )), Problems)
)]
pub(crate) async fn get(
    Path(report): Path<String>,
    parameters: Parameters,
    reader: BookReader,
) -> Result<Response, Problem> {
    parameters.allow_only(&[
        "account",
        "effective_from",
        "effective_before",
        "as_of",
        "known_at",
        "format",
    ])?;
    let kind = parse::<ReportKind>("report", Some(report), REPORTS)?;
    let kind = kind.filter(|kind| ReportKind::NAMED.contains(kind));
    let kind = kind.ok_or_else(|| unprocessable("report", REPORTS))?;
    let request = ReportRequest { kind, filter: parse_filter(&parameters)? };
    request.check().map_err(|ReportFault { parameter, problem }| unprocessable(parameter, problem))?;
    report_body::respond(reader, request, parse_format(&parameters)?).await
}

const REPORTS: &str = "must be trial-balance, statement, holdings, lots or gains";
