//! The log. Requests are in the [access log](crate::access_log).
//!
//! Each event is one line of text or JSON with the id of its request. Line breaks in fields are escaped.

mod event;

use std::panic::PanicHookInfo;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use event::OneLine;

use crate::LogOutput;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Third-party crates whose debug output may contain headers: only their warnings and errors are logged.
const CAPPED_TARGETS: [&str; 9] =
    ["hyper", "hyper_rustls", "hyper_util", "h2", "reqwest", "rustls", "tower", "tower_http", "notify"];
/// The same, for the crates of the AWS client.
const CAPPED_PREFIX: &str = "aws_";

/// Setting up logging failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `RUST_LOG` is not a filter.
    #[error("invalid log filter RUST_LOG")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Logging is already set up.
    #[error("setting up logging failed")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts logging to `output`, panics included.
///
/// # Errors
/// The filter is invalid, or logging is already set up.
pub fn start(filter: &str, format: Format, output: LogOutput) -> Result<(), Error> {
    let filter = parse(filter)?;
    let capped = filter_fn(|metadata| *metadata.level() <= Level::WARN || !is_capped(metadata.target()));
    let lines = tracing_subscriber::fmt::layer().event_format(OneLine { format }).with_writer(output);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter.and(capped)))
        .try_init()
        .map_err(Error::Twice)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Checks a filter.
///
/// # Errors
/// The filter is invalid.
pub fn check_filter(filter: &str) -> Result<(), Error> {
    parse(filter).map(drop)
}

fn parse(filter: &str) -> Result<EnvFilter, Error> {
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    builder.parse(filter).map_err(Error::Filter)
}

fn is_capped(target: &str) -> bool {
    let name = target.split_once("::").map_or(target, |(name, _)| name);
    CAPPED_TARGETS.contains(&name) || name.starts_with(CAPPED_PREFIX)
}

/// Logs a panic as one event: the default hook prints several lines that log parsers do not understand.
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
