//! The shapes of the engines, corrected where the derived ones say something else than what is sent.

use utoipa::Modify;
use utoipa::openapi::schema::{AnyOfBuilder, OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Schema};

/// What every engine's shape is called, before the name of its metrics.
const PREFIX: &str = "Engine_";
/// The field that is null when an engine measured nothing.
const METRICS: &str = "metrics";
/// A number or a direction.
const METRIC: &str = "Metric";

/// Corrects the shapes of the engines.
pub(super) struct EngineShapes;

impl Modify for EngineShapes {
    fn modify(&self, document: &mut OpenApi) {
        let Some(components) = &mut document.components else { return };
        for (name, shape) in &mut components.schemas {
            let RefOr::T(shape) = shape else { continue };
            if name.starts_with(PREFIX) {
                let_metrics_be_null(shape);
            }
            if name == METRIC {
                let_it_be_any_of_its_kinds(shape);
            }
        }
    }
}

/// An `Option` of a generic parameter is described as if it were never null.
fn let_metrics_be_null(engine: &mut Schema) {
    let Schema::Object(engine) = engine else { return };
    let Some(metrics) = engine.properties.get_mut(METRICS) else { return };
    let null = ObjectBuilder::new().schema_type(Type::Null).build();
    *metrics = RefOr::T(Schema::OneOf(OneOfBuilder::new().item(null).item(metrics.clone()).build()));
}

/// An absent number and an absent direction look alike, so that they are not exactly one of the two.
fn let_it_be_any_of_its_kinds(metric: &mut Schema) {
    let Schema::OneOf(kinds) = metric else { return };
    let description = kinds.description.take();
    let any_of = kinds.items.drain(..).fold(AnyOfBuilder::new(), AnyOfBuilder::item);
    *metric = Schema::AnyOf(any_of.description(description).build());
}
