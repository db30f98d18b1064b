//! The webhook endpoints, described from the declarations of providers.

use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathItemBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, OpenApi, Ref, Required, ResponseBuilder, Responses, ResponsesBuilder, Schema,
};
use utoipa::{IntoResponses, Modify};
use webhooks::{EndpointDeclaration, HeaderDeclaration, PROVIDERS, ProviderDeclaration};

use crate::schemas::Problems;

/// Adds one path for each provider.
pub(super) struct WebhookPaths;

impl Modify for WebhookPaths {
    fn modify(&self, document: &mut OpenApi) {
        for declaration in PROVIDERS {
            document.paths.paths.insert(declaration.path(), path_item(declaration));
        }
    }
}

fn path_item(declaration: &ProviderDeclaration) -> PathItem {
    let EndpointDeclaration { parameter, headers, description, has_head } = &declaration.endpoint;
    let name = declaration.provider.as_str();
    let mut post = operation(format!("receive{}Delivery", capitalized(name)))
        .summary(Some(format!("Receive a delivery of {name}")))
        .description(Some(*description))
        .responses(responses("The delivery is stored", Some("WebhookResponse")));
    if let Some(parameter) = parameter {
        let values = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(parameter.values.iter().copied()));
        post = post.parameter(
            ParameterBuilder::new()
                .name(parameter.name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some(parameter.description))
                .schema(Some(Schema::Object(values.build()))),
        );
    }
    for HeaderDeclaration { name, description, pattern, is_required } in *headers {
        let value = ObjectBuilder::new().schema_type(Type::String).pattern(Some(*pattern));
        post = post.parameter(
            ParameterBuilder::new()
                .name(*name)
                .parameter_in(ParameterIn::Header)
                .required(if *is_required { Required::True } else { Required::False })
                .description(Some(*description))
                .schema(Some(Schema::Object(value.build()))),
        );
    }
    let object = Schema::Object(ObjectBuilder::new().schema_type(Type::Object).build());
    let body = RequestBodyBuilder::new()
        .content("application/json", ContentBuilder::new().schema(Some(object)).build())
        .description(Some("The delivery, as the provider sends it"))
        .required(Some(Required::True));
    let item = PathItemBuilder::new().operation(HttpMethod::Post, post.request_body(Some(body.build())));
    if !has_head {
        return item.build();
    }
    let head = operation(format!("check{}Endpoint", capitalized(name)))
        .summary(Some(format!("Check that the endpoint of {name} exists")))
        .responses(responses("The endpoint exists", None));
    item.operation(HttpMethod::Head, head).build()
}

/// An operation that needs no API key.
fn operation(id: String) -> OperationBuilder {
    OperationBuilder::new().tag("webhooks").operation_id(Some(id)).security(SecurityRequirement::default())
}

fn responses(description: &str, schema: Option<&str>) -> Responses {
    let mut ok = ResponseBuilder::new().description(description);
    if let Some(schema) = schema {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        ok = ok.content("application/json", content);
    }
    ResponsesBuilder::new().response("200", ok.build()).responses_from_iter(Problems::responses()).build()
}

fn capitalized(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}
