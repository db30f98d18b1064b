//! The format of one log line.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::Format;
use crate::{Clock, RequestId, traces, with_causes};

/// Writes each event on one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct OneLine {
    pub(super) format: Format,
}

impl<S, N> FormatEvent<S, N> for OneLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let time = format!("{:.6}", Clock::System.now());
        let (level, target) = (metadata.level().as_str(), metadata.target());
        let request_id = RequestId::current();
        let request_id = request_id.as_ref().map(RequestId::as_str);
        if let Some(ids) = traces::current() {
            let trace_id = String::from_utf8_lossy(&ids.trace_id()).into_owned();
            fields.others.insert("trace_id".to_owned(), trace_id.into());
        }
        match self.format {
            Format::Json => writeln!(writer, "{}", fields.into_object(&time, level, target, request_id)),
            Format::Text => fields.write_text(&mut writer, &time, level, target, request_id),
        }
    }
}

/// The message of an event and its other fields.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(message)) => self.message = message,
            (name, value) => {
                self.others.insert(name.to_owned(), value);
            }
        }
    }

    fn into_object(mut self, time: &str, level: &str, target: &str, request_id: Option<&str>) -> Value {
        let message = self.message.as_str();
        let standard = [("timestamp", time), ("level", level), ("target", target), ("message", message)];
        for (name, value) in standard.into_iter().chain(request_id.map(|id| ("request_id", id))) {
            self.others.insert(name.to_owned(), value.into());
        }
        Value::Object(self.others)
    }

    fn write_text(
        &self,
        writer: &mut Writer<'_>,
        time: &str,
        level: &str,
        target: &str,
        request_id: Option<&str>,
    ) -> fmt::Result {
        write!(writer, "{time} {level} {target}: {}", self.message.escape_debug())?;
        for (name, value) in &self.others {
            // As JSON, so that texts are quoted and line breaks and escape sequences are escaped.
            write!(
                writer,
                " {name}={}",
                value.to_string().escape_default().to_string().replace("\\\"", "\"")
            )?;
        }
        if let Some(request_id) = request_id {
            write!(writer, " request_id={request_id}")?;
        }
        writeln!(writer)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }

    fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
        self.add(field, with_causes(error).into());
    }
}
