//! Log lines of everything but requests, which have the [access log](crate::layers::access_log).
//!
//! One line is one event, as text or as a JSON object, with the id of the request that it belongs to. Fields are
//! structured; whatever is in them, a line stays one line.

mod event;

use std::panic::PanicHookInfo;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

pub use crate::layers::access_log::Format;
use event::OneLine;
pub use store::with_causes;

/// Crates of others that talk about every packet, and might print a header: never more than warnings.
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

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one.
    #[error("read the log filter RUST_LOG")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Logging is set up already.
    #[error("set up logging")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts logging to standard output, panics included.
///
/// # Errors
/// The filter cannot be read, or logging was started before.
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

/// A panic is one event like every other: the default hook would print lines that no log reader understands.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let payload = panic.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message =
        message.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(location, panic = message, "a part of the service panicked");
}

#[cfg(test)]
mod tests;
