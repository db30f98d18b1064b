//! What the server says to deliveries.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::signing::Signed;
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

/// One answer.
pub(super) struct Answer {
    status: u16,
    /// `stored`, `duplicate`, `confirmed`, or the reason of a refusal.
    outcome: String,
    /// The id of the event, or the refusal in words.
    detail: Option<String>,
}

/// Answers, by what they say.
#[derive(Default)]
pub(super) struct Answers(BTreeMap<(u16, String), Line>);

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
    answers: Vec<Outcome<'a>>,
    expected_refusal: Option<&'static str>,
    as_expected: bool,
}

impl Client {
    pub(super) fn new(base_url: &str) -> Result<Self, Failure> {
        // The operator may send test deliveries to any host; they carry no key.
        let http =
            outbound::client_builder(RESPONSE_TIMEOUT).timeout(RESPONSE_TIMEOUT).https_only(false).build();
        let http = http.map_err(|error| Failure::Precondition(format!("setting up HTTP: {error}")))?;
        Ok(Self { base_url: base_url.to_owned(), http })
    }

    pub(super) async fn post(&self, signed: Signed) -> Result<Answer, Failure> {
        let mut request = self.http.post(format!("{}{}", self.base_url, signed.path)).body(signed.body);
        for (name, value) in signed.headers {
            request = request.header(name, value);
        }
        let failed = |error: &dyn std::error::Error| {
            Failure::Broken(format!("the server at {} does not answer: {}", self.base_url, causes(error)))
        };
        let response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let body = outbound::read_body(response, RESPONSE_BYTES_MAX).await.map_err(|error| failed(&error))?;
        Ok(Answer::read(status, &body))
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.last().map(ToString::to_string).unwrap_or_default()
}

impl Answer {
    fn read(status: u16, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(str::to_owned);
        let is_accepted = (200..300).contains(&status);
        let (outcome, detail) = match is_accepted {
            true => (text("status"), text("id")),
            // The kind of problem is the last part of the address of its description.
            false => (text("reason").or_else(|| kind(&text("type")?)), text("detail")),
        };
        Self { status, outcome: outcome.unwrap_or_else(|| "-".to_owned()), detail }
    }
}

fn kind(address: &str) -> Option<String> {
    address.rsplit(['/', '#']).next().map(str::to_owned)
}

impl Answers {
    pub(super) fn count(&mut self, answer: Answer) {
        let line = self.0.entry((answer.status, answer.outcome)).or_default();
        line.count += 1;
        line.first = line.first.take().or(answer.detail);
    }

    /// Tells them. Good deliveries should be accepted, and wrong ones refused for what is wrong with them.
    pub(super) fn tell(
        &self,
        expected: Option<&'static str>,
        form: Form,
        console: &mut Console,
    ) -> Result<Exit, Failure> {
        let as_expected = self.0.keys().all(|(status, outcome)| match expected {
            Some(reason) => *status >= 400 && outcome == reason,
            None => (200..300).contains(status),
        });
        if form.json {
            document::answer(console, "investiq.webhooks.send.v1", &self.body(expected, as_expected))?;
        } else {
            console.answer(&self.text())?;
        }
        if let Some(reason) = expected.filter(|_| !as_expected) {
            console.say(&format!("it should have been refused for: {reason}"));
        }
        Ok(if as_expected { Exit::Good } else { Exit::Found })
    }

    fn body(&self, expected_refusal: Option<&'static str>, as_expected: bool) -> Body<'_> {
        let answers: Vec<Outcome<'_>> = self
            .0
            .iter()
            .map(|((status, outcome), line)| Outcome {
                status: *status,
                outcome,
                count: line.count,
                first: line.first.as_deref(),
            })
            .collect();
        Body { sent: answers.iter().map(|answer| answer.count).sum(), answers, expected_refusal, as_expected }
    }

    fn text(&self) -> String {
        let row = |((status, outcome), line): (&(u16, String), &Line)| {
            let first = line.first.clone().unwrap_or_default();
            [status.to_string(), outcome.clone(), line.count.to_string(), first]
        };
        let rows: Vec<_> = self.0.iter().map(row).collect();
        table(["STATUS", "OUTCOME", "COUNT", "FIRST"], &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_became_of_a_delivery() {
        let check = |status, body: &str, outcome: &str, detail: Option<&str>| {
            let answer = Answer::read(status, body.as_bytes());
            assert_eq!((answer.outcome.as_str(), answer.detail.as_deref()), (outcome, detail), "{body}");
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
