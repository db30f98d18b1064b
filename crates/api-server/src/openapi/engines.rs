//! The shapes of the engines, corrected: an `Option` of a generic parameter is described as if it were never null.

use utoipa::Modify;
use utoipa::openapi::schema::{OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Schema};

/// What every engine's shape is called, before the name of its metrics.
const PREFIX: &str = "Engine_";
/// The field that is null when an engine measured nothing.
const METRICS: &str = "metrics";

/// Says that `metrics` may be null.
pub(super) struct NullableMetrics;

impl Modify for NullableMetrics {
    fn modify(&self, document: &mut OpenApi) {
        let shapes = document.components.iter_mut().flat_map(|components| &mut components.schemas);
        let engines = shapes.filter(|(name, _)| name.starts_with(PREFIX));
        for (_, shape) in engines {
            if let RefOr::T(Schema::Object(object)) = shape
                && let Some(metrics) = object.properties.get_mut(METRICS)
            {
                let null = ObjectBuilder::new().schema_type(Type::Null).build();
                let nullable = OneOfBuilder::new().item(null).item(metrics.clone()).build();
                *metrics = RefOr::T(Schema::OneOf(nullable));
            }
        }
    }
}
