//! `GET /`: where to look next.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Where to look next.
#[derive(Debug, Serialize, ToSchema)]
pub struct Index {
    /// The service's name.
    #[schema(value_type = String)]
    service: &'static str,
    /// The program's version.
    #[schema(value_type = String)]
    version: &'static str,
    /// The reference page.
    #[schema(value_type = String)]
    documentation: &'static str,
    /// The description for programs.
    #[schema(value_type = String)]
    openapi: &'static str,
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
pub async fn index() -> Json<Index> {
    Json(Index {
        service: "investiq-api",
        version: env!("CARGO_PKG_VERSION"),
        documentation: "/docs",
        openapi: "/openapi.json",
        example: "/api/analyze/AAPL",
    })
}
