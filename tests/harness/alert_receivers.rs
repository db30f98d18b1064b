//! Fakes of what Alertmanager notifies: PagerDuty (Events API v2), Opsgenie, Slack, a heartbeat service and a mail server.
//!
//! Each refuses what the real service would refuse, and notes why. They also serve an empty page of metrics, for targets that do not
//! run in a test.

mod mail;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::loopback::Loopback;

/// An integration key of PagerDuty has 32 characters.
pub const ROUTING_KEY: &str = "R0UT1NGK3YR0UT1NGK3YR0UT1NGK3Y00";
pub const GENIE_KEY: &str = "6f1d2c3b-genie-key-of-a-test";
pub const SLACK_PATH: &str = "/services/T000/B000/slack-secret-of-a-test";
pub const SMTP_PASSWORD: &str = "smtp-password-of-a-test";
const BODY_BYTES_MAX: usize = 512 * 1024;
/// PagerDuty's limit of a summary, in characters.
const SUMMARY_MAX: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    PagerDuty,
    Opsgenie,
    Slack,
    Mail,
    Heartbeat,
}

/// What a receiver was notified.
#[derive(Clone, Debug)]
pub struct Notification {
    pub at: Instant,
    pub receiver: Receiver,
    pub is_firing: bool,
    /// The name in the title.
    pub alert: String,
    /// All that people read.
    pub text: String,
}

pub struct AlertReceivers {
    server: Loopback,
    mail: Loopback,
    state: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    notifications: Vec<Notification>,
    refusals: Vec<String>,
    /// The alert of each incident.
    incidents: BTreeMap<String, String>,
}

impl AlertReceivers {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(Received::default()));
        let (served, mailed) = (Arc::clone(&state), Arc::clone(&state));
        let server = Loopback::start(move |listener| async move {
            axum::serve(listener, Router::new().fallback(respond).with_state(served)).await
        });
        let mail = Loopback::start(move |listener| mail::serve(listener, mailed));
        Self { server, mail, state }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Host and port of the HTTP services.
    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Host and port of the mail server.
    pub fn mail_address(&self) -> String {
        self.mail.address().to_string()
    }

    pub fn notifications(&self) -> Vec<Notification> {
        lock(&self.state).notifications.clone()
    }

    /// Why requests were refused.
    pub fn refusals(&self) -> Vec<String> {
        lock(&self.state).refusals.clone()
    }
}

fn lock(state: &Mutex<Received>) -> MutexGuard<'_, Received> {
    state.lock().expect("no thread panics while it holds the lock")
}

async fn respond(State(state): State<Arc<Mutex<Received>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/metrics" {
        return "# Nothing.\n".into_response();
    }
    let body = to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
    let mut state = lock(&state);
    match state.accept(&parts.uri, &parts.headers, &body) {
        Ok(notification) => {
            state.notifications.push(notification);
            // Slack answers `ok`, the others something that Alertmanager does not read.
            let status =
                if parts.uri.path().starts_with("/v2/") { StatusCode::ACCEPTED } else { StatusCode::OK };
            (status, "ok").into_response()
        }
        Err(fault) => {
            state.refusals.push(format!("{}: {fault}: {}", parts.uri, String::from_utf8_lossy(&body)));
            (StatusCode::BAD_REQUEST, fault).into_response()
        }
    }
}

impl Received {
    fn accept(&mut self, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Result<Notification, String> {
        let document: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let path: Vec<&str> = uri.path().trim_start_matches('/').split('/').collect();
        match path[..] {
            ["v2", "enqueue"] => self.page(&document),
            ["v2", "alerts"] => {
                authorized(headers)?;
                self.create_alert(&document)
            }
            ["v2", "alerts", alias, "close"] if uri.query() == Some("identifierType=alias") => {
                authorized(headers)?;
                let alert = self.incidents.get(alias).cloned().ok_or("unknown alias")?;
                Ok(notification(Receiver::Opsgenie, false, &alert, String::new()))
            }
            ["heartbeat"] => {
                let alert = &document["alerts"][0];
                text(&alert["status"])?;
                Ok(notification(
                    Receiver::Heartbeat,
                    true,
                    text(&alert["labels"]["alertname"])?,
                    String::new(),
                ))
            }
            _ if uri.path() == SLACK_PATH => posted(&document),
            _ => Err("unknown path".to_owned()),
        }
    }

    /// An event of PagerDuty.
    fn page(&mut self, event: &Value) -> Result<Notification, String> {
        if text(&event["routing_key"])? != ROUTING_KEY {
            return Err("wrong routing_key".to_owned());
        }
        let key = text(&event["dedup_key"])?;
        match text(&event["event_action"])? {
            "trigger" => {
                let payload = &event["payload"];
                let summary = text(&payload["summary"])?;
                text(&payload["source"])?;
                if summary.chars().count() > SUMMARY_MAX {
                    return Err("the summary is too long".to_owned());
                }
                if !["critical", "error", "warning", "info"].contains(&text(&payload["severity"])?) {
                    return Err("unknown severity".to_owned());
                }
                let alert = alert_of(summary)?;
                self.incidents.insert(key.to_owned(), alert.clone());
                let all = format!("{summary}\n{}\n{}", payload["custom_details"]["alerts"], event["links"]);
                Ok(notification(Receiver::PagerDuty, true, &alert, all))
            }
            "resolve" => {
                let alert = self.incidents.get(key).cloned().ok_or("unknown dedup_key")?;
                Ok(notification(Receiver::PagerDuty, false, &alert, String::new()))
            }
            _ => Err("unknown event_action".to_owned()),
        }
    }

    /// An alert of Opsgenie.
    fn create_alert(&mut self, alert: &Value) -> Result<Notification, String> {
        let (message, alias) = (text(&alert["message"])?, text(&alert["alias"])?);
        // It cuts longer ones; Alertmanager must not send them.
        if message.chars().count() > 130 {
            return Err("the message is too long".to_owned());
        }
        let name = alert_of(message)?;
        self.incidents.insert(alias.to_owned(), name.clone());
        let all = format!("{message}\n{}\n{}", text(&alert["description"])?, text(&alert["source"])?);
        Ok(notification(Receiver::Opsgenie, true, &name, all))
    }
}

fn posted(message: &Value) -> Result<Notification, String> {
    let attachment = &message["attachments"][0];
    let title = text(&attachment["title"])?;
    for member in ["fallback", "color"] {
        text(&attachment[member])?;
    }
    let all = format!("{title}\n{}\n{}", text(&attachment["text"])?, text(&attachment["title_link"])?);
    Ok(notification(Receiver::Slack, title.starts_with("[FIRING"), &alert_of(title)?, all))
}

fn authorized(headers: &HeaderMap) -> Result<(), String> {
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if sent == Some(&format!("GenieKey {GENIE_KEY}")) { Ok(()) } else { Err("not authorized".to_owned()) }
}

fn notification(receiver: Receiver, is_firing: bool, alert: &str, text: String) -> Notification {
    Notification { at: Instant::now(), receiver, is_firing, alert: alert.to_owned(), text }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().filter(|text| !text.is_empty()).ok_or_else(|| "a required member is missing".to_owned())
}

/// The name in `[FIRING:1] Name (environment): summary`.
fn alert_of(title: &str) -> Result<String, String> {
    let name = title.split_once("] ").and_then(|(_, rest)| rest.split([' ', ':']).next());
    name.map(str::to_owned).ok_or_else(|| format!("no alert in {title}"))
}
