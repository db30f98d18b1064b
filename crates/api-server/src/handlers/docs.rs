//! The reference: `/openapi.json`, `/docs`, `/docs/problems`. Pages are made once at the start, of what is in the
//! program; they load one style sheet from here and nothing from anywhere else.

mod markdown;
mod page;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};

use crate::openapi::Problems;

/// What a page may do: use our style sheet. No script, no frame, no form, nothing from elsewhere.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = include_str!("docs/style.css");
/// `docs/PROBLEMS.md` as it was when the program was built: the text of [`ProblemsPage`].
const PROBLEMS: &str = include_str!("../../../../docs/PROBLEMS.md");
/// Pages change with the program only.
const CACHE_CONTROL: &str = "public, max-age=300";

/// Whether the described service demands keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// It does.
    Demanded,
    /// It is open, on a loopback address.
    NotNeeded,
}

/// The finished pages of the reference.
#[derive(Clone, Debug)]
pub struct Pages {
    openapi: Bytes,
    reference: Bytes,
}

/// What each kind of problem means, as a finished page. It is there where the reference is not, too: answers link to it.
#[derive(Clone, Debug)]
pub struct ProblemsPage(Bytes);

impl ProblemsPage {
    /// Makes the page.
    #[must_use]
    pub fn new() -> Self {
        Self(Bytes::from(page::problems(PROBLEMS)))
    }
}

impl Default for ProblemsPage {
    fn default() -> Self {
        Self::new()
    }
}

impl Pages {
    /// Makes every page, for a service that demands keys or for one that does not.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        let document = match keys {
            Keys::Demanded => crate::openapi::document(),
            Keys::NotNeeded => crate::openapi::document_without_keys(),
        };
        let document = serde_json::to_value(document).unwrap_or_default();
        Self {
            openapi: Bytes::from(document.to_string()),
            reference: Bytes::from(page::reference(&document)),
        }
    }
}

/// The description of this API for programs
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object), Problems)
)]
pub async fn openapi(State(pages): State<Arc<Pages>>) -> Response {
    answer("application/json", pages.openapi.clone())
}

/// The description of this API for programs, at its older path
#[utoipa::path(
    get,
    path = "/api-docs/openapi.json",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object), Problems)
)]
pub async fn openapi_older_path(State(pages): State<Arc<Pages>>) -> Response {
    answer("application/json", pages.openapi.clone())
}

/// The reference page for people
#[utoipa::path(
    get,
    path = "/docs",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "HTML", body = String, content_type = "text/html"), Problems)
)]
pub async fn reference(State(pages): State<Arc<Pages>>) -> Response {
    page_answer(pages.reference.clone())
}

/// What each kind of problem means
#[utoipa::path(
    get,
    path = "/docs/problems",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "HTML", body = String, content_type = "text/html"), Problems)
)]
pub async fn problems(State(ProblemsPage(page)): State<ProblemsPage>) -> Response {
    page_answer(page)
}

/// The style sheet of the pages
#[utoipa::path(
    get,
    path = "/docs/style.css",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "CSS", body = String, content_type = "text/css"), Problems)
)]
pub async fn style() -> Response {
    answer("text/css; charset=utf-8", Bytes::from_static(STYLE.as_bytes()))
}

fn page_answer(body: Bytes) -> Response {
    let mut response = answer(HTML, body);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    response
}

fn answer(media_type: &'static str, body: Bytes) -> Response {
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, CACHE_CONTROL)];
    (headers, body).into_response()
}
