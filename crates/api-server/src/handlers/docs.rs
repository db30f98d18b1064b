//! The API reference: `/openapi.json`, `/docs`, `/docs/problems`. Pages are built once at startup, and load only the style sheet
//! of this service.

mod markdown;
mod page;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use utoipa::openapi::OpenApi;

use crate::schemas::Problems;

/// A page may use the style sheet of this service: no script, no frame, no form, nothing from other origins.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = include_str!("docs/style.css");
const PROBLEMS: &str = include_str!("../../../../docs/PROBLEMS.md");
/// Pages change only with the program.
const CACHE_CONTROL: &str = "public, max-age=300";

/// The pages of the API reference.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    openapi: Bytes,
    reference: Bytes,
}

/// The page of all problems. Served even if the reference is disabled, because problems link to it.
#[derive(Clone, Debug)]
pub(crate) struct ProblemsPage(Bytes);

impl ProblemsPage {
    pub(crate) fn new() -> Self {
        Self(Bytes::from(page::problems(PROBLEMS)))
    }
}

impl Pages {
    pub(crate) fn new(document: &OpenApi) -> Self {
        let document = serde_json::to_value(document).unwrap_or_default();
        Self {
            openapi: Bytes::from(document.to_string()),
            reference: Bytes::from(page::reference(&document)),
        }
    }
}

/// The OpenAPI document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenapi",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object), Problems)
)]
pub(crate) async fn openapi(State(pages): State<Arc<Pages>>) -> Response {
    respond("application/json", pages.openapi.clone())
}

/// The OpenAPI document, at its legacy path
#[utoipa::path(
    get,
    path = "/api-docs/openapi.json",
    operation_id = "getOpenapiAtLegacyPath",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object), Problems)
)]
pub(crate) async fn openapi_legacy_path(State(pages): State<Arc<Pages>>) -> Response {
    respond("application/json", pages.openapi.clone())
}

/// The API reference
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "getReference",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "HTML", body = String, content_type = "text/html"), Problems)
)]
pub(crate) async fn reference(State(pages): State<Arc<Pages>>) -> Response {
    page_response(pages.reference.clone())
}

/// The list of problems
#[utoipa::path(
    get,
    path = "/docs/problems",
    operation_id = "getProblems",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "HTML", body = String, content_type = "text/html"), Problems)
)]
pub(crate) async fn problems(State(ProblemsPage(page)): State<ProblemsPage>) -> Response {
    page_response(page)
}

/// The style sheet of these pages
#[utoipa::path(
    get,
    path = "/docs/style.css",
    operation_id = "getStyle",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "CSS", body = String, content_type = "text/css"), Problems)
)]
pub(crate) async fn style() -> Response {
    respond("text/css; charset=utf-8", Bytes::from_static(STYLE.as_bytes()))
}

fn page_response(body: Bytes) -> Response {
    let mut response = respond(HTML, body);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    response
}

fn respond(media_type: &'static str, body: Bytes) -> Response {
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, CACHE_CONTROL)];
    (headers, body).into_response()
}
