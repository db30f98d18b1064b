//! The server's responses to deliveries.

use std::collections::BTreeMap;
use std::time::Duration;

use outbound::Proxy;
use serde::Serialize;
use serde_json::Value;
use telemetry::with_causes;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::signing::SignedRequest;
use crate::table::table;

/// Longest time for a request and its response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Larger responses count as a failure.
const RESPONSE_BYTES_MAX: usize = 1024 * 1024;

/// Posts deliveries to one server.
pub(super) struct Client {
    base_url: String,
    http: reqwest::Client,
}

pub(super) struct Response {
    status: u16,
    /// `stored`, `duplicate`, `confirmed`, or the reason of a rejection.
    outcome: String,
    /// The id of the event, or the detail of a problem.
    detail: Option<String>,
}

/// Responses by status and outcome.
#[derive(Default)]
pub(super) struct Responses(BTreeMap<(u16, String), Line>);

#[derive(Default)]
struct Line {
    count: u64,
    first: Option<String>,
}

#[derive(Serialize)]
struct Outcome<'a> {
    status: u16,
    outcome: &'a str,
    count: u64,
    first: Option<&'a str>,
}

#[derive(Serialize)]
struct Body<'a> {
    sent: u64,
    responses: Vec<Outcome<'a>>,
    expected_rejection: Option<&'static str>,
    as_expected: bool,
}

impl Client {
    pub(super) fn new(base_url: &str, proxy: &Proxy) -> Result<Self, Failure> {
        // The operator may send test deliveries to any host; they carry no key.
        let http = outbound::client_builder(RESPONSE_TIMEOUT, proxy);
        let http = http.timeout(RESPONSE_TIMEOUT).https_only(false).build();
        let http =
            http.map_err(|error| Failure::Precondition(format!("cannot set up the HTTP client: {error}")))?;
        Ok(Self { base_url: base_url.to_owned(), http })
    }

    pub(super) async fn post(&self, delivery: SignedRequest) -> Result<Response, Failure> {
        let mut request = self.http.post(format!("{}{}", self.base_url, delivery.path)).body(delivery.body);
        for (name, value) in delivery.headers {
            request = request.header(name, value);
        }
        let failed = |error: &(dyn std::error::Error + 'static)| {
            Failure::Incomplete(format!("request to {} failed: {}", self.base_url, with_causes(error)))
        };
        let response = request.send().await.map_err(|error| failed(&error.without_url()))?;
        let status = response.status().as_u16();
        let body = outbound::read_body(response, RESPONSE_BYTES_MAX).await.map_err(|error| failed(&error))?;
        Ok(Response::parse(status, &body))
    }
}

impl Response {
    fn parse(status: u16, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(str::to_owned);
        let (outcome, detail) = match (200..300).contains(&status) {
            true => (text("status"), text("id")),
            false => (text("reason").or_else(|| problem_kind(&text("type")?)), text("detail")),
        };
        Self { status, outcome: outcome.unwrap_or_else(|| "-".to_owned()), detail }
    }
}

/// The last part of a problem's type, which is a URL.
fn problem_kind(url: &str) -> Option<String> {
    url.rsplit(['/', '#']).next().map(str::to_owned)
}

impl Responses {
    pub(super) fn count(&mut self, response: Response) {
        let line = self.0.entry((response.status, response.outcome)).or_default();
        line.count += 1;
        line.first = line.first.take().or(response.detail);
    }

    /// Deliveries must be accepted or, if a rejection is expected, rejected for this reason.
    pub(super) fn print(
        &self,
        expected: Option<&'static str>,
        output: OutputFormat,
        console: &mut Console,
    ) -> Result<Exit, Failure> {
        let as_expected = self.0.keys().all(|(status, outcome)| match expected {
            Some(reason) => *status >= 400 && outcome == reason,
            None => (200..300).contains(status),
        });
        let body = self.body(expected, as_expected);
        output.print(console, "investiq.webhooks.send.v1", &body, |body| text(&body.responses))?;
        if let Some(reason) = expected.filter(|_| !as_expected) {
            console.eprint(&format!("expected a rejection with the reason {reason}"));
        }
        Ok(if as_expected { Exit::Success } else { Exit::Findings })
    }

    fn body(&self, expected_rejection: Option<&'static str>, as_expected: bool) -> Body<'_> {
        let responses = self.0.iter().map(|((status, outcome), line)| Outcome {
            status: *status,
            outcome,
            count: line.count,
            first: line.first.as_deref(),
        });
        let sent = self.0.values().map(|line| line.count).sum();
        Body { sent, responses: responses.collect(), expected_rejection, as_expected }
    }
}

fn text(responses: &[Outcome<'_>]) -> String {
    let row = |response: &Outcome<'_>| {
        let Outcome { status, outcome, count, first } = response;
        [status.to_string(), (*outcome).to_owned(), count.to_string(), first.unwrap_or_default().to_owned()]
    };
    let rows: Vec<_> = responses.iter().map(row).collect();
    table(["STATUS", "OUTCOME", "COUNT", "FIRST"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_has_the_outcome_of_a_delivery() {
        let check = |status, body: &str, outcome: &str, detail: Option<&str>| {
            let response = Response::parse(status, body.as_bytes());
            assert_eq!((response.outcome.as_str(), response.detail.as_deref()), (outcome, detail), "{body}");
        };
        check(200, r#"{"status":"stored","id":"e1"}"#, "stored", Some("e1"));
        check(
            401,
            r#"{"type":"/p/signature-rejected","reason":"signature","detail":"no"}"#,
            "signature",
            Some("no"),
        );
        check(429, r#"{"type":"/docs/PROBLEMS.md#too-many-requests"}"#, "too-many-requests", None);
        check(502, "<html>", "-", None);
    }
}
