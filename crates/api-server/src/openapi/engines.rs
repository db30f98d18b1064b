//! Corrects the derived schemas of the engines where they differ from the JSON.

use utoipa::Modify;
use utoipa::openapi::schema::{AnyOfBuilder, OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Schema};

/// The name of every engine's schema begins with this.
const PREFIX: &str = "Engine_";
/// Null when an engine measured nothing.
const METRICS: &str = "metrics";
/// A number or a direction.
const METRIC: &str = "Metric";

pub(super) struct EngineSchemas;

impl Modify for EngineSchemas {
    fn modify(&self, document: &mut OpenApi) {
        let Some(components) = &mut document.components else { return };
        for (name, schema) in &mut components.schemas {
            let RefOr::T(schema) = schema else { continue };
            if name.starts_with(PREFIX) {
                make_metrics_nullable(schema);
            }
            if name == METRIC {
                accept_any_variant(schema);
            }
        }
    }
}

/// An `Option` of a generic parameter is described as if it were never null.
fn make_metrics_nullable(engine: &mut Schema) {
    let Schema::Object(engine) = engine else { return };
    let Some(metrics) = engine.properties.get_mut(METRICS) else { return };
    let null = ObjectBuilder::new().schema_type(Type::Null).build();
    *metrics = RefOr::T(Schema::OneOf(OneOfBuilder::new().item(null).item(metrics.clone()).build()));
}

/// An absent number and an absent direction look alike, so they match both variants.
fn accept_any_variant(metric: &mut Schema) {
    let Schema::OneOf(variants) = metric else { return };
    let description = variants.description.take();
    let any_of = variants.items.drain(..).fold(AnyOfBuilder::new(), AnyOfBuilder::item);
    *metric = Schema::AnyOf(any_of.description(description).build());
}
