//! Log lines of everything but requests, which have the [access log](crate::access_log).
//!
//! Each event is one line, as text or as a JSON object, with the id of its request. Line breaks in fields are escaped.

mod event;

use std::panic::PanicHookInfo;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use event::OneLine;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Third-party crates whose debug output may contain headers: only their warnings and errors are logged.
const CAPPED_TARGETS: [&str; 18] = [
    "hyper",
    "hyper_rustls",
    "hyper_util",
    "h2",
    "reqwest",
    "rustls",
    "tower",
    "tower_http",
    "aws_config",
    "aws_credential_types",
    "aws_runtime",
    "aws_sdk_secretsmanager",
    "aws_sigv4",
    "aws_smithy_async",
    "aws_smithy_runtime",
    "aws_smithy_http_client",
    "aws_smithy_runtime_api",
    "notify",
];

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `RUST_LOG` is not a filter.
    #[error("invalid log filter RUST_LOG")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Logging was set up before.
    #[error("setting up logging failed")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts logging to standard output, panics included.
///
/// # Errors
/// The filter is invalid, or logging was set up before.
pub fn start(filter: &str, format: Format) -> Result<(), Error> {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(filter)
        .map_err(Error::Filter)?;
    let capped = filter_fn(|metadata| *metadata.level() <= Level::WARN || !is_capped(metadata.target()));
    let lines = tracing_subscriber::fmt::layer().event_format(OneLine { format });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter.and(capped)))
        .try_init()
        .map_err(Error::Twice)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn is_capped(target: &str) -> bool {
    CAPPED_TARGETS.contains(&target.split_once("::").map_or(target, |(name, _)| name))
}

/// Logs a panic as one event: the default hook would print several lines that no log parser understands.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let payload = panic.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message =
        message.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(location, panic = message, "panic");
}

#[cfg(test)]
mod tests;
