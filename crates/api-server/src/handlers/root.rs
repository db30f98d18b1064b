//! `GET /`: links to the documentation.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Whether the API reference is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Served,
    Disabled,
}

/// Links to the documentation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Index {
    /// The name of the service.
    #[schema(value_type = String)]
    service: &'static str,
    /// The version of the program.
    #[schema(value_type = String)]
    version: &'static str,
    /// The API reference; null if it is disabled.
    #[schema(required, value_type = Option<String>)]
    documentation: Option<&'static str>,
    /// The OpenAPI document; null if it is disabled.
    #[schema(required, value_type = Option<String>)]
    openapi: Option<&'static str>,
    /// An example request.
    #[schema(value_type = String)]
    example: &'static str,
}

/// Links to the documentation
#[utoipa::path(
    get,
    path = "/",
    operation_id = "getIndex",
    tag = "documentation",
    security(()),
    responses((status = 200, description = "The links", body = Index), crate::schemas::Problems)
)]
pub(crate) async fn index(State(reference): State<Reference>) -> Json<Index> {
    let if_served = |path| (reference == Reference::Served).then_some(path);
    Json(Index {
        service: "investiq-api",
        version: env!("CARGO_PKG_VERSION"),
        documentation: if_served("/docs"),
        openapi: if_served("/openapi.json"),
        example: "/api/analyze/AAPL",
    })
}
