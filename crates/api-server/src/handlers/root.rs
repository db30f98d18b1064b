//! `GET /`: where to look next.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Whether the reference is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// It is.
    Served,
    /// It is turned off.
    TurnedOff,
}

/// Where to look next.
#[derive(Debug, Serialize, ToSchema)]
pub struct Index {
    /// The service's name.
    #[schema(value_type = String)]
    service: &'static str,
    /// The program's version.
    #[schema(value_type = String)]
    version: &'static str,
    /// The reference page; null where it is turned off.
    #[schema(required, value_type = Option<String>)]
    documentation: Option<&'static str>,
    /// The description for programs; null where it is turned off.
    #[schema(required, value_type = Option<String>)]
    openapi: Option<&'static str>,
    /// A first question to ask.
    #[schema(value_type = String)]
    example: &'static str,
}

/// Where to look next
#[utoipa::path(
    get,
    path = "/",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "Paths to go on from", body = Index), crate::openapi::Problems)
)]
pub async fn index(State(reference): State<Reference>) -> Json<Index> {
    let if_served = |path| (reference == Reference::Served).then_some(path);
    Json(Index {
        service: "investiq-api",
        version: env!("CARGO_PKG_VERSION"),
        documentation: if_served("/docs"),
        openapi: if_served("/openapi.json"),
        example: "/api/analyze/AAPL",
    })
}
