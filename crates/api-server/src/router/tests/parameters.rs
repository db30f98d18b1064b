//! What the OpenAPI document says of a parameter is what the server does with it.

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use regex_lite::Regex;

use super::*;
use crate::request_context::Caller;

/// Values of one parameter or another, and values near them.
const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "42",
    "500",
    "501",
    "20000",
    "20001",
    "-1",
    "+1",
    "1.5",
    "999999999999999999",
    "1000000000000000000",
    "true",
    "false",
    "yes",
    "AAPL",
    "aapl",
    "BRK.B",
    "A.B.C.D",
    "ABCDEFGHIJKLMNO",
    "ABCDEFGHIJKLMNOP",
    "AAPL ",
    "1d",
    "1w",
    "1M",
    "5m",
    "alpaca",
    "stripe",
    "alpaca:a1",
    "alpaca:",
    "stripe:a1",
    "alpaca:.",
    "user/alpaca:a1/fiat_exposure",
    "user/alpaca:a1/gold",
    "system/fees",
    "system/clearing",
    "system/clearing/bridge",
    "alpaca/trade",
    "bridge",
    "trade",
    "done",
    "Done",
    "2026-01-02T00:00:00Z",
    "2026-01-02T00:00:00.5+01:00",
    "2026-01-02",
    "2026-02-30T00:00:00Z",
    "yesterday",
    "rsi:14",
    "rsi:1",
    "rsi:1001",
    "rsi,",
    "macd:8",
    "obv:1",
    "bbands:20:0",
    "bbands:20:0.5",
    "bbands:20:10.5",
    "stoch:14:0:3",
    "a\0b",
    "\u{e9}",
    "t=1,v1=00",
    "sha256=",
    "t=01,v0=MEQC",
    "t=1,v0=MEQ",
    "879DC113-5ca4-4ff7-a6b7-54652083fcf8",
    "MEQCIBlJPX7t",
];
/// Values that are made from each pattern.
const GENERATED: usize = 12;

/// Rules that no pattern states.
const OTHER_RULES: [&str; 3] = [
    "first period of macd must be shorter",
    "has too many long periods",
    "shares are not in accounts of the ledger",
];

struct Description(Value);

impl Description {
    fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(|(method, operation)| (&**path, &**method, operation))
        })
    }

    fn parameters<'a>(&'a self, operation: &'a Value, place: &str) -> Vec<(&'a str, &'a Value)> {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let placed = parameters.filter(|parameter| parameter["in"] == place);
        placed
            .map(|parameter| (parameter["name"].as_str().unwrap(), self.schema(&parameter["schema"])))
            .collect()
    }

    fn schema<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.0.pointer(reference.trim_start_matches('#')).unwrap();
        }
        match schema["oneOf"].as_array() {
            Some(variants) => self.schema(variants.iter().find(|variant| variant["type"] != "null").unwrap()),
            None => schema,
        }
    }

    /// [`VALUES`], longer ones, and some that match the pattern of any parameter.
    fn values(&self) -> Vec<String> {
        let mut runner = TestRunner::deterministic();
        let long = [256, 257].map(|length| "\u{e9}".repeat(length));
        let mut values: Vec<String> = VALUES.iter().copied().map(str::to_owned).chain(long).collect();
        for (_, _, operation) in self.operations() {
            for place in ["path", "query", "header"] {
                for (_, schema) in self.parameters(operation, place) {
                    values.extend(generate(schema, &mut runner));
                }
            }
        }
        values.sort();
        values.dedup();
        values
    }
}

fn generate(schema: &Value, runner: &mut TestRunner) -> Vec<String> {
    let Some(pattern) = schema["pattern"].as_str() else { return Vec::new() };
    let texts = string_regex(pattern.trim_matches(['^', '$'])).unwrap();
    (0..GENERATED).map(|_| texts.new_tree(runner).unwrap().current()).collect()
}

fn is_allowed(schema: &Value, value: &str) -> bool {
    let is = |name: &str| {
        schema["type"] == name || schema["type"].as_array().is_some_and(|names| names[0] == name)
    };
    if is("integer") {
        let in_bounds = |number: i64| {
            schema["minimum"].as_i64().is_none_or(|least| number >= least)
                && schema["maximum"].as_i64().is_none_or(|most| number <= most)
        };
        return !value.starts_with('+') && value.parse().is_ok_and(in_bounds);
    }
    if is("boolean") {
        return matches!(value, "true" | "false");
    }
    let chars = value.chars().count() as u64;
    schema["enum"].as_array().is_none_or(|values| values.iter().any(|allowed| allowed == value))
        && schema["pattern"].as_str().is_none_or(|pattern| Regex::new(pattern).unwrap().is_match(value))
        && schema["minLength"].as_u64().is_none_or(|least| chars >= least)
        && schema["maxLength"].as_u64().is_none_or(|most| chars <= most)
        && (schema["format"] != "date-time"
            || value.contains('T') && value.parse::<jiff::Timestamp>().is_ok())
}

/// The path with parameters that are valid.
fn example(path: &str) -> String {
    let examples = [
        ("symbol", "AAPL"),
        ("account", "alpaca:a1"),
        ("customer", "c-1"),
        ("id", "42"),
        ("key_id", "aB3dE6gH"),
        ("report", "gains"),
    ];
    examples.iter().fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
}

fn encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Sends a request from an address of its own, because each has a rate limit.
async fn send_as_admin(router: &Router, mut request: Request<Body>, number: u32) -> TestResponse {
    let client = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
    RequestContext::attach_from(&mut request, &client.to_string());
    let context = RequestContext::get(request.extensions()).unwrap();
    let caller = Caller { role: domain::Role::Admin, scopes: domain::Role::Admin.scopes(), ..Caller::open() };
    context.caller.set(caller).unwrap();
    TestResponse::new(router.clone().oneshot(request).await.unwrap()).await
}

/// Whether the response refuses this parameter.
fn is_refused(response: &TestResponse, name: &str) -> bool {
    let Some(problem) = &response.problem else { return false };
    let document = serde_json::to_value(problem.document("/", "r")).unwrap();
    document["parameter"] == name && !OTHER_RULES.iter().any(|rule| problem.detail.contains(rule))
}

const SECRETS: [(&str, &str); 1] = [("ALPACA_WEBHOOK_SECRET", "a secret of some length")];

#[tokio::test]
async fn a_parameter_in_the_path_or_the_query_is_accepted_if_and_only_if_its_schema_allows_it() {
    let directory = tempfile::tempdir().unwrap();
    let router = all(parts_in(directory.path(), &SECRETS).await);
    let description = Description(serde_json::to_value(crate::openapi::document()).unwrap());
    let (values, mut wrong, mut checked) = (description.values(), Vec::new(), 0);
    for (path, method, operation) in description.operations() {
        let example = example(path);
        for (place, (name, schema)) in ["path", "query"].into_iter().flat_map(|place| {
            description.parameters(operation, place).into_iter().map(move |parameter| (place, parameter))
        }) {
            for value in values.iter().filter(|value| place == "query" || !value.is_empty()) {
                let uri = match place {
                    "path" => path.replace(&format!("{{{name}}}"), &encoded(value)),
                    _ => format!("{example}?{name}={}", encoded(value)),
                };
                let request = Request::builder().method(method.to_uppercase().as_str()).uri(&uri);
                let response = send_as_admin(&router, request.body(Body::empty()).unwrap(), checked).await;
                let is_unknown_endpoint = name == "kind" && response.status == 404;
                let is_accepted = !is_refused(&response, name) && !is_unknown_endpoint;
                if is_accepted != is_allowed(schema, value) {
                    wrong.push(format!("{method} {path}: {name}={value:?}: {}", response.status));
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 3_000, "{checked}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_parameters_of_a_query_are_those_of_the_description() {
    let router = all(parts().await);
    let description = Description(serde_json::to_value(crate::openapi::document()).unwrap());
    let mut checked = 0;
    for (path, _, operation) in description.operations().filter(|(_, method, _)| *method == "get") {
        let example = example(path);
        let request = Request::get(format!("{example}?surprise=1")).body(Body::empty()).unwrap();
        let response = send_as_admin(&router, request, checked).await;
        let Some(problem) = response.problem.filter(|_| path.starts_with("/api/")) else { continue };
        let names: Vec<&str> =
            description.parameters(operation, "query").into_iter().map(|(name, _)| name).collect();
        let supported = match problem.detail.split_once("supported: ") {
            Some((_, names)) => names.split(", ").collect(),
            None => Vec::new(),
        };
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let [names, supported] =
            [names, supported].map(|names| sorted(names.into_iter().map(str::to_owned).collect()));
        assert_eq!(names, supported, "{path}: {}", problem.detail);
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
}

#[tokio::test]
async fn a_header_of_a_delivery_is_malformed_if_and_only_if_its_schema_forbids_it() {
    let directory = tempfile::tempdir().unwrap();
    let secrets = [SECRETS[0], ("BRIDGE_WEBHOOK_SECRET", webhooks::BRIDGE_KEY)];
    let router = all(parts_in(directory.path(), &secrets).await);
    let description = Description(serde_json::to_value(crate::openapi::document()).unwrap());
    let (values, mut runner, mut sent) = (description.values(), TestRunner::deterministic(), 0);
    for (path, _, operation) in description.operations().filter(|(_, method, _)| *method == "post") {
        let headers = description.parameters(operation, "header");
        for (name, schema) in &headers {
            let visible = |value: &&String| value.bytes().all(|byte| (0x21..0x7f).contains(&byte));
            for value in values.iter().filter(|value| !value.is_empty()).filter(visible) {
                sent += 1;
                let mut request = Request::post(
                    path.replace("{kind}", "trade").replace("{customer}", "c-1").replace("{id}", "42"),
                )
                .header(*name, value);
                for (other, schema) in headers.iter().filter(|(other, _)| other != name) {
                    request = request.header(*other, generate(schema, &mut runner).remove(0));
                }
                let response = send_as_admin(&router, request.body(Body::from("{}")).unwrap(), sent).await;
                assert_eq!(response.status != 400, is_allowed(schema, value), "{path}: {name}: {value}");
            }
        }
    }
    assert!(sent > 500, "{sent}");
}
