//! The error responses, derived from [`Kind`].

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, ToSchema};

use crate::problem::{Kind, MEDIA_TYPE};

/// An error response (RFC 9457). A kind may add members of its own, such as `parameter`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derived schema alone")]
pub(crate) struct ProblemDocument {
    /// The kind of problem: a heading of `/docs/problems`, or a type registered with IANA.
    #[schema(format = "uri-reference", example = "/docs/problems#unknown_symbol")]
    r#type: String,
    /// The kind in a few words.
    title: String,
    /// The status of the response.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The kind for programs.
    #[schema(example = "unknown_symbol")]
    code: String,
    /// What happened, in one sentence.
    detail: String,
    /// The path of the request.
    instance: String,
    /// The id of the request in the log of the service.
    request_id: String,
}

/// Every error response, described once for all statuses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([("default".to_owned(), RefOr::Ref(Ref::from_response_name(RESPONSE)))])
    }
}

const RESPONSE: &str = "Problem";

/// Adds the response that [`Problems`] refers to, with the codes of each status.
impl Modify for Problems {
    fn modify(&self, document: &mut OpenApi) {
        let mut codes: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for kind in Kind::ALL {
            codes.entry(kind.status().as_u16()).or_default().push(kind.code());
        }
        let statuses = codes.into_iter().map(|(status, codes)| format!("{status}: {}", codes.join(", ")));
        let description = format!("An error. {}", statuses.collect::<Vec<_>>().join("; "));
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDocument"))).build();
        let response = ResponseBuilder::new().description(description).content(MEDIA_TYPE, content).build();
        let components = document.components.get_or_insert_default();
        components.responses.insert(RESPONSE.to_owned(), RefOr::T(response));
    }
}

/// The errors of a resource with an ETag, and the 304 of a client whose cached copy is current.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotModifiedOrProblems;

impl IntoResponses for NotModifiedOrProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let not_modified = ResponseBuilder::new().description("The cached copy is current").build();
        let mut responses = Problems::responses();
        responses.insert("304".to_owned(), RefOr::T(not_modified));
        responses
    }
}
