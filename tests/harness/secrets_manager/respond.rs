//! Turns a request and the scripted fault into a response.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::account::Account;
use super::body::{HalfBody, SlowBody};
use super::connection::ConnectionReset;
use super::input::Input;
use super::operation::Operation;
use super::script::{Fault, Head, Script};
use super::service_error::ServiceError;
use super::{batch, labels, lifetime, listing, tags, values};

const REQUEST_BYTES_MAX: usize = 1024 * 1024;
const JSON: &str = "application/x-amz-json-1.1";

pub(super) async fn respond(
    State(script): State<Arc<Script>>,
    ConnectInfo(reset): ConnectInfo<ConnectionReset>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, REQUEST_BYTES_MAX).await else {
        return error_response(&ServiceError::malformed("The request is too large or was cut."));
    };
    let operation = Operation::from_target(header(&parts.headers, "x-amz-target"));
    let (delay, fault) = script.record(Head { operation, headers: parts.headers.clone() });
    tokio::time::sleep(delay).await;
    match before_effect(&fault, &reset).await {
        Some(response) => response,
        None => after_effect(&fault, &reset, documented(&script, operation, &parts.headers, &body)),
    }
}

/// Faults that replace the request's effect.
async fn before_effect(fault: &Fault, reset: &ConnectionReset) -> Option<Response> {
    let error = match fault {
        Fault::None | Fault::LostResponse | Fault::CutBody | Fault::Trickle(_) => return None,
        Fault::Delay(wait) => {
            tokio::time::sleep(*wait).await;
            return None;
        }
        Fault::Hang => std::future::pending().await,
        Fault::Reset => {
            reset.arm();
            return Some(StatusCode::OK.into_response());
        }
        Fault::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            return Some((status, [(CONTENT_TYPE, "text/html")], "<html>unavailable</html>").into_response());
        }
        Fault::Garbage => return Some(([(CONTENT_TYPE, JSON)], "{\"SecretString\": ???").into_response()),
        Fault::Throttle => ServiceError::new("ThrottlingException", "Rate exceeded"),
        Fault::InternalError => ServiceError::internal(),
        Fault::AccessDenied => {
            ServiceError::new("AccessDeniedException", "User is not authorized to perform this operation.")
        }
        Fault::ExpiredCredentials => ServiceError::new(
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        Fault::DecryptionFailure => ServiceError::new(
            "DecryptionFailure",
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
        ),
    };
    Some(error_response(&error))
}

/// Faults after the request has taken effect.
fn after_effect(fault: &Fault, reset: &ConnectionReset, result: Result<Value, ServiceError>) -> Response {
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => return error_response(&error),
    };
    let bytes = Bytes::from(body.to_string());
    let body = match fault {
        Fault::CutBody => Body::new(HalfBody::new(&bytes)),
        Fault::Trickle(wait) => Body::new(SlowBody::new(bytes, *wait)),
        Fault::LostResponse => {
            reset.arm();
            Body::empty()
        }
        _ => Body::from(bytes),
    };
    (status, [(CONTENT_TYPE, JSON)], body).into_response()
}

fn error_response(error: &ServiceError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = [("content-type", JSON), ("x-amzn-errortype", error.code)];
    (status, headers, error.body().to_string()).into_response()
}

fn documented(
    script: &Script,
    operation: Option<Operation>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, ServiceError> {
    if !access_key_id(headers).is_some_and(|id| script.accepts(id)) {
        return Err(ServiceError::new(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    let operation = operation.ok_or_else(|| ServiceError::new("UnknownOperationException", ""))?;
    let input = Input::parse(body)?;
    perform(script.replicas().account_for(operation), operation, &input)
}

/// The signer: `AWS4-HMAC-SHA256 Credential=ID/date/region/secretsmanager/aws4_request, SignedHeaders=…,
/// Signature=…`.
fn access_key_id(headers: &HeaderMap) -> Option<&str> {
    let fields = header(headers, AUTHORIZATION.as_str()).strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name));
    field("SignedHeaders=").filter(|names| !names.is_empty())?;
    field("Signature=").filter(|signature| !signature.is_empty())?;
    match field("Credential=")?.split('/').collect::<Vec<_>>()[..] {
        [id, _, _, "secretsmanager", "aws4_request"] => Some(id),
        _ => None,
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn perform(account: &mut Account, operation: Operation, input: &Input) -> Result<Value, ServiceError> {
    match operation {
        Operation::BatchGetSecretValue => batch::get(account, input),
        Operation::CreateSecret => values::create(account, input),
        Operation::DeleteSecret => lifetime::delete(account, input),
        Operation::DescribeSecret => labels::describe(account, input),
        Operation::GetSecretValue => values::get(account, input),
        Operation::ListSecretVersionIds => labels::list_versions(account, input),
        Operation::ListSecrets => listing::list(account, input),
        Operation::PutSecretValue => values::put(account, input),
        Operation::RestoreSecret => lifetime::restore(account, input),
        Operation::RotateSecret => labels::rotate(account, input),
        Operation::TagResource => tags::tag(account, input),
        Operation::UntagResource => tags::untag(account, input),
        Operation::UpdateSecret => values::update(account, input),
        Operation::UpdateSecretVersionStage => labels::move_label(account, input),
    }
}
