//! Turns a request and the script's fault into a response.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::account::Account;
use super::body::{Halved, Trickling};
use super::input::Input;
use super::line::Cutter;
use super::operation::Operation;
use super::refusal::Refusal;
use super::script::{Fault, Head, Script};
use super::{batch, lifetime, listing, stages, tags, values};

/// Bytes of one request.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;
const JSON: &str = "application/x-amz-json-1.1";

pub(super) async fn answer(
    State(script): State<Arc<Script>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, REQUEST_BYTES_MAX).await else {
        return refused(&Refusal::malformed("The request is too large or was cut."));
    };
    let operation = Operation::of_target(header(&parts.headers, "x-amz-target"));
    let (delay, fault) = script.record(Head { operation, headers: parts.headers.clone() });
    tokio::time::sleep(delay).await;
    match before(&fault, &cutter).await {
        Some(response) => response,
        None => after(&fault, &cutter, documented(&script, operation, &parts.headers, &body)),
    }
}

/// Faults in place of an effect.
async fn before(fault: &Fault, cutter: &Cutter) -> Option<Response> {
    let refusal = match fault {
        Fault::None | Fault::LostAnswer | Fault::CutBody | Fault::Trickle(_) => return None,
        Fault::Delay(wait) => {
            tokio::time::sleep(*wait).await;
            return None;
        }
        Fault::Hang => std::future::pending().await,
        Fault::Reset => {
            cutter.cut();
            return Some(StatusCode::OK.into_response());
        }
        Fault::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            return Some((status, [(CONTENT_TYPE, "text/html")], "<html>unavailable</html>").into_response());
        }
        Fault::Garbage => return Some(([(CONTENT_TYPE, JSON)], "{\"SecretString\": ???").into_response()),
        Fault::Throttle => Refusal::new("ThrottlingException", "Rate exceeded"),
        Fault::InternalError => Refusal::internal(),
        Fault::AccessDenied => {
            Refusal::new("AccessDeniedException", "User is not authorized to perform this operation.")
        }
        Fault::ExpiredCredentials => {
            Refusal::new("ExpiredTokenException", "The security token included in the request is expired")
        }
        Fault::DecryptionFailure => Refusal::new(
            "DecryptionFailure",
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
        ),
    };
    Some(refused(&refusal))
}

/// Faults after the effect.
fn after(fault: &Fault, cutter: &Cutter, answer: Result<Value, Refusal>) -> Response {
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => return refused(&refusal),
    };
    let bytes = Bytes::from(body.to_string());
    let body = match fault {
        Fault::CutBody => Body::new(Halved::new(&bytes)),
        Fault::Trickle(wait) => Body::new(Trickling::new(bytes, *wait)),
        Fault::LostAnswer => {
            cutter.cut();
            Body::empty()
        }
        _ => Body::from(bytes),
    };
    (status, [(CONTENT_TYPE, JSON)], body).into_response()
}

fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = [("content-type", JSON), ("x-amzn-errortype", refusal.code)];
    (status, headers, refusal.body().to_string()).into_response()
}

fn documented(
    script: &Script,
    operation: Option<Operation>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, Refusal> {
    if !access_key_id(headers).is_some_and(|id| script.accepts(id)) {
        return Err(Refusal::new(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    let operation = operation.ok_or_else(|| Refusal::new("UnknownOperationException", ""))?;
    let input = Input::parse(body)?;
    perform(script.world().answering(operation), operation, &input)
}

/// Who signed: `AWS4-HMAC-SHA256 Credential=ID/date/region/secretsmanager/aws4_request, SignedHeaders=…,
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

fn perform(account: &mut Account, operation: Operation, input: &Input) -> Result<Value, Refusal> {
    match operation {
        Operation::BatchGetSecretValue => batch::get(account, input),
        Operation::CreateSecret => values::create(account, input),
        Operation::DeleteSecret => lifetime::delete(account, input),
        Operation::DescribeSecret => stages::describe(account, input),
        Operation::GetSecretValue => values::get(account, input),
        Operation::ListSecretVersionIds => stages::list_versions(account, input),
        Operation::ListSecrets => listing::list(account, input),
        Operation::PutSecretValue => values::put(account, input),
        Operation::RestoreSecret => lifetime::restore(account, input),
        Operation::RotateSecret => stages::rotate(account, input),
        Operation::TagResource => tags::tag_more(account, input),
        Operation::UntagResource => tags::tag_less(account, input),
        Operation::UpdateSecret => values::update(account, input),
        Operation::UpdateSecretVersionStage => stages::move_label(account, input),
    }
}
