//! An HTTP client that follows nothing, retries nothing and reads every response whole.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::Value;

use crate::Server;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(35);

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The body as a problem document, after checking the members that every problem has.
    pub fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        for member in ["type", "title", "code", "request_id"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {problem}");
        }
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"), "{problem}");
        problem
    }
}

impl Server {
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.send(Method::GET, path, headers, None)
    }

    pub fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Response {
        self.send_bytes(method, path, headers, body.map(str::as_bytes))
    }

    /// Like `send`, with a body that need not be text.
    pub(crate) fn send_bytes(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        self.request(method, self.url(path), headers, body)
    }

    /// From the listener for metrics.
    pub fn get_metrics(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.request(Method::GET, format!("http://{}{path}", self.metrics_address()), headers, None)
    }

    fn request(
        &self,
        method: Method,
        url: String,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        let mut request = client().request(method, &url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        let response =
            request.send().unwrap_or_else(|error| panic!("{url}: {error:?}; log:\n{}", self.log()));
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Response { status, headers, body: response.text().expect("the body can be read") }
    }

    pub fn post_json(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send(Method::POST, path, &all, Some(body))
    }
}

/// Shared, because building a client costs more than most requests. Connections are not: a pooled one could belong to a
/// server that a test has stopped.
fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(RESPONSE_TIMEOUT)
            .build()
            .expect("a client without TLS options can be built")
    })
}
